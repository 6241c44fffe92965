import type { AlarmRow } from "../store/rows.ts";
import type { Drafts } from "./drafts.ts";

/** How an alarm that the NOC itself raises about a gateway shows in the event list. */
export interface OwnAlarm {
  readonly row: AlarmRow;
  readonly cleared: boolean;
  /** Why it is over. */
  readonly over: string;
  /** Event beside each raise. */
  readonly event: string;
}

/** The next revision of the alarm, and its line in the event list. */
export async function putOwnAlarm({ tx, nowMs }: Drafts, { row, cleared, over, event }: OwnAlarm): Promise<void> {
  const revision = row.revision + 1;
  const text = cleared ? `${row.text} (over: ${over})` : row.text;
  const op = cleared ? "clear" : revision === 1 ? "raise" : "change";
  const body = { ...row.body, rev: revision, n: revision, op, clr: cleared, text, tc: nowMs };
  await tx.putAlarm({ ...row, revision, cleared, changedMs: nowMs, text, body });
  const place = { gatewayRef: row.gatewayRef, streamId: "", seq: 0, index: 0, atMs: nowMs, undated: undefined, equipment: "" };
  await tx.addEvent({ ...place, kind: `alarm.${op}`, severity: row.severity, text, body });
  if (cleared) return;
  await tx.addEvent({ ...place, kind: event, severity: row.severity, text, body: { attrs: row.body["attrs"] } });
}
