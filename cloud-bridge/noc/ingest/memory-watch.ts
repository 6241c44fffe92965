import type { HelloMessage } from "../../protocol/messages/presence.ts";
import type { AlarmRow } from "../store/rows.ts";
import { nocKeyPrefix } from "./alarm-list.ts";
import type { Drafts, GatewayDraft } from "./drafts.ts";
import { putOwnAlarm } from "./own-alarm.ts";

export const forgotKey = `${nocKeyPrefix}gateway-forgot`;

/** Where a gateway stands in the order of all that it was told. */
interface Standing {
  readonly epoch: number;
  readonly gen: number;
  readonly keys: number;
}

/**
 * A gateway whose memory was put back (an old database restored) or lost: what it greets with lies before what it greeted with last. Key documents
 * and generations of one epoch only grow, and a nonce comes once. Until it has caught up, it would take for new what it was told before.
 */
export async function watchMemory(drafts: Drafts, gateway: GatewayDraft, message: HelloMessage, retained: boolean): Promise<void> {
  if (retained) return;
  const { row } = gateway;
  const before = row.hello;
  const known = await drafts.tx.alarm(row.ref, forgotKey);
  const now = standingOf(message);
  if (known !== undefined && !known.cleared && !isBefore(now, standingIn(known.body["attrs"]))) {
    await put(drafts, known, true);
    return;
  }
  // A copy of a greeting that was overtaken on the way.
  if (before === undefined || (before["run"] === message.run && typeof before["conn"] === "number" && message.conn <= before["conn"]))
    return;
  const last = standingIn({ ...(before["auth"] as object | undefined), gen: before["gen"] });
  const sameNonce = message.nonce !== undefined && message.nonce === before["nonce"];
  const wentBack = isBefore(now, last);
  if (!wentBack && !sameNonce) return;
  const text = wentBack
    ? `gateway ${row.id} remembers less than it did: ${say(now)} after ${say(last)}. Its memory was put back or lost; old orders could be played to it until it has caught up`
    : `gateway ${row.id} greets with the nonce of an earlier session: its memory or its whole machine was put back`;
  const goesOn = known !== undefined && !known.cleared;
  const { nowMs } = drafts;
  const instance = goesOn ? known.instance : `noc-${Math.round(nowMs)}`;
  const raisedMs = goesOn ? known.raisedMs : nowMs;
  const revision = goesOn ? known.revision : 0;
  const resource = {
    gatewayRef: row.ref,
    key: forgotKey,
    instance,
    revision,
    severity: "major" as const,
    cleared: false,
    equipment: "",
    path: "",
  };
  const body = {
    ...{ k: "alarm", id: instance, key: forgotKey, rev: revision, op: "raise", type: "gatewayForgot", tq: "", res: { path: "" } },
    ...{ cat: "securityServiceOrMechanismViolation", sev: "major", clr: false, text, t0: raisedMs, tr: nowMs, tc: nowMs, n: revision },
    repair: "find out who put its state back; if nobody did, revoke the identity (noc enrolment release GATEWAY) and enrol it again",
    // What it has to reach before this is over.
    ...{ attrs: { ...(wentBack ? last : now), boot: message.boot, conn: message.conn }, src: { kind: "noc" } },
  };
  await put(drafts, { ...resource, type: "gatewayForgot", text, raisedMs, changedMs: nowMs, undated: undefined, body }, false);
}

function put(drafts: Drafts, row: AlarmRow, cleared: boolean): Promise<void> {
  return putOwnAlarm(drafts, { row, cleared, over: "it has caught up", event: "gateway.forgot" });
}

function standingOf({ auth, gen }: HelloMessage): Standing {
  return standingIn({ ...auth, gen });
}

function standingIn(value: unknown): Standing {
  const { epoch, gen, keys } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const number = (one: unknown) => (typeof one === "number" ? one : 0);
  return { epoch: number(epoch), gen: number(gen), keys: number(keys) };
}

/** Generations begin again with another epoch; key documents never do. */
function isBefore(one: Standing, other: Standing): boolean {
  return one.keys < other.keys || one.epoch < other.epoch || (one.epoch === other.epoch && one.gen < other.gen);
}

function say({ epoch, gen, keys }: Standing): string {
  return `generation ${gen}${epoch > 0 ? ` of epoch ${epoch}` : ""}, keys ${keys}`;
}
