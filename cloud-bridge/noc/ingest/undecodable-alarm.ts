import type { AlarmRow } from "../store/rows.ts";
import { nocKeyPrefix } from "./alarm-list.ts";
import type { Drafts, GatewayDraft } from "./drafts.ts";

export const undecodableKey = `${nocKeyPrefix}chunks-undecodable`;

/** What is said of one dictionary that does not come. */
export interface Undecodable {
  readonly revision: number;
  /** Chunks that wait for it. */
  readonly waiting: number;
  /** Chunks that were given up just now. */
  readonly buried: number;
}

/** Tells people of measurements that are here and cannot be read. */
export async function raiseUndecodable(drafts: Drafts, gateway: GatewayDraft, found: Undecodable): Promise<void> {
  const known = await drafts.tx.alarm(gateway.row.ref, undecodableKey);
  const goesOn = known !== undefined && !known.cleared;
  const { nowMs } = drafts;
  const { revision, waiting, buried } = found;
  const chunks = (count: number) => (count === 1 ? "1 chunk" : `${count} chunks`);
  const name = `dictionary ${revision} of gateway ${gateway.row.id}`;
  const text =
    buried > 0
      ? `${chunks(buried)} of measurements cannot be read: ${name} never came. They are dead letters now`
      : `${chunks(waiting)} of measurements cannot be read yet: ${name} is not here and was asked for in vain`;
  const severity = buried > 0 || (goesOn && known.severity === "major") ? "major" : "minor";
  const instance = goesOn ? known.instance : `noc-${Math.round(nowMs)}`;
  const raisedMs = goesOn ? known.raisedMs : nowMs;
  const common = {
    gatewayRef: gateway.row.ref,
    key: undecodableKey,
    instance,
    severity,
    equipment: "",
    path: "",
    type: "chunksUndecodable",
  };
  const attrs = { revision, waiting, buried };
  const body = {
    ...{ k: "alarm", id: instance, key: undecodableKey, type: common.type, tq: "", res: { path: "" }, cat: "processingErrorAlarm" },
    ...{ sev: severity, t0: raisedMs, tr: raisedMs, attrs, src: { kind: "noc" } },
    repair: "restart the gateway's program: it then begins new streams with a dictionary of their own (its history stays a dead letter)",
  };
  const revisionNow = goesOn ? known.revision : 0;
  await put(
    drafts,
    { ...common, revision: revisionNow, cleared: false, text, raisedMs, changedMs: nowMs, undated: undefined, body },
    false,
  );
}

export async function clearUndecodable(drafts: Drafts, gateway: GatewayDraft): Promise<void> {
  const known = await drafts.tx.alarm(gateway.row.ref, undecodableKey);
  if (known !== undefined && !known.cleared) await put(drafts, known, true);
}

/** The next revision of the alarm, and its line in the event list. */
async function put({ tx, nowMs }: Drafts, row: AlarmRow, cleared: boolean): Promise<void> {
  const revision = row.revision + 1;
  const text = cleared ? `${row.text} (over: nothing more of it for a day)` : row.text;
  const op = cleared ? "clear" : revision === 1 ? "raise" : "change";
  const body = { ...row.body, rev: revision, n: revision, op, clr: cleared, text, tc: nowMs };
  await tx.putAlarm({ ...row, revision, cleared, changedMs: nowMs, text, body });
  const place = { gatewayRef: row.gatewayRef, streamId: "", seq: 0, index: 0, atMs: nowMs, undated: undefined, equipment: "" };
  await tx.addEvent({ ...place, kind: `alarm.${op}`, severity: row.severity, text, body });
}
