import type { HelloMessage } from "../../protocol/messages/presence.ts";
import type { AlarmRow, GatewayRow } from "../store/rows.ts";
import { nocKeyPrefix } from "./alarm-list.ts";
import type { Draft, Drafts, GatewayDraft } from "./drafts.ts";
import { putOwnAlarm } from "./own-alarm.ts";

export const clonedKey = `${nocKeyPrefix}gateway-cloned`;
/** So many lives of a gateway are remembered: more than a box restarts while its twin stands next to it. */
const maxLives = 16;
/** A sign that comes more often than this changes the alarm only, so that two boxes that push each other out do not fill the event list. */
const repeatMs = 600_000;
/** After so long without a sign the next quiet greeting ends the alarm. */
const quietMs = 86_400_000;

/** `returned`: a life that another one had followed came back: two devices. `counter`: a new life counts connections no further than the last one. */
type Sign = "returned" | "counter";

/**
 * A second device with the same identity, or one whose state was put back (RELIABILITY 5.2). A gateway numbers its connections over restarts and
 * names its boot and its run in each hello. One device alone goes from life to life and counts upward; of two, the one that was pushed out comes
 * back with a number that the other has used, and under a name that was over. A retained copy is remembered, but is no sign by itself.
 */
export async function watchIdentity(drafts: Drafts, gateway: GatewayDraft, message: HelloMessage, retained: boolean): Promise<void> {
  const sign = retained ? undefined : signOf(gateway.row, message);
  const known = await drafts.tx.alarm(gateway.row.ref, clonedKey);
  const isOpen = known !== undefined && !known.cleared;
  if (sign !== undefined) await raise(drafts, gateway.row, { sign, message, known });
  else if (isOpen && drafts.nowMs - known.changedMs > quietMs) await put(drafts, known, true);
  const life = lifeOf(message);
  gateway.row.lives = [...gateway.row.lives.filter((one) => one !== life), life].slice(-maxLives);
}

/** What makes two lives two: the machine's boot, and the process. Older gateways name only the first. */
function lifeOf({ boot, run }: Pick<HelloMessage, "boot" | "run">): string {
  return `${boot}/${run ?? ""}`;
}

function signOf(row: GatewayRow, message: HelloMessage): Sign | undefined {
  const last = row.lives.at(-1);
  const lastConnection = row.hello?.["conn"];
  if (last === undefined || typeof lastConnection !== "number") return undefined;
  const life = lifeOf(message);
  if (life !== last && row.lives.includes(life)) return "returned";
  if (message.conn < lastConnection || (life !== last && message.conn === lastConnection)) return "counter";
  return undefined;
}

async function raise(
  drafts: Drafts,
  row: Draft<GatewayRow>,
  found: { readonly sign: Sign; readonly message: HelloMessage; readonly known: AlarmRow | undefined },
): Promise<void> {
  const { sign, message, known } = found;
  const { tx, nowMs } = drafts;
  const operator = known === undefined ? undefined : await tx.alarms.operator(row.ref, clonedKey);
  const wasClosed = operator?.closedMs !== undefined && operator.instance === known?.instance;
  const goesOn = known !== undefined && !known.cleared && !wasClosed;
  const severity = sign === "returned" || (goesOn && known.severity === "critical") ? "critical" : "major";
  if (goesOn && nowMs - known.changedMs < repeatMs && severity === known.severity) return;
  const text =
    severity === "critical"
      ? `two devices use the identity of gateway ${row.id}: each pushes the other out, and what they measure is mixed`
      : `gateway ${row.id} came with a connection number that was used before: a second device has its identity, or its state was put back or lost`;
  const fresh = { instance: `noc-${Math.round(nowMs)}`, revision: 0, raisedMs: nowMs };
  const base = goesOn ? known : fresh;
  const { instance, raisedMs } = base;
  const attrs = { sign, boot: message.boot, run: message.run ?? "", conn: message.conn, lives: row.lives.slice(-4) };
  const common = {
    gatewayRef: row.ref,
    key: clonedKey,
    instance,
    revision: base.revision,
    severity,
    cleared: false,
    equipment: "",
    path: "",
  };
  const body = {
    ...{ k: "alarm", id: instance, key: clonedKey, rev: base.revision, op: "raise", type: "gatewayCloned", tq: "", res: { path: "" } },
    ...{
      cat: "securityServiceOrMechanismViolation",
      sev: severity,
      clr: false,
      text,
      t0: raisedMs,
      tr: nowMs,
      tc: nowMs,
      n: base.revision,
    },
    ...{ repair: "revoke the identity (noc enrolment release GATEWAY) and enrol the device that is the real one again", attrs },
    src: { kind: "noc" },
  };
  await put(drafts, { ...common, type: "gatewayCloned", text, raisedMs, changedMs: nowMs, undated: undefined, body }, false);
}

function put(drafts: Drafts, row: AlarmRow, cleared: boolean): Promise<void> {
  return putOwnAlarm(drafts, { row, cleared, over: "no sign of it for a day", event: "gateway.cloned" });
}
