import type { AlarmRow, BootTime, JsonObject } from "../store/rows.ts";
import { clockAhead } from "./alarm-order.ts";
import { objectOf, textOf } from "./batch-elements.ts";
import type { Drafts, GatewayDraft } from "./drafts.ts";
import type { IngestLimits } from "./limits.ts";

const maxKeys = 500;

/** Where the list stands in its stream. */
interface Place {
  readonly stream: string;
  readonly seq: number;
  readonly index: number;
}

/** Rows of the gateway's own making are compared with its list; what the NOC itself raised is not the gateway's to end. */
export const nocKeyPrefix = "noc:";

/** The list of what is active at the gateway (PROTOCOL 7.1): what it no longer has was cleared, and the clear was lost. @returns whether it was one */
export async function applyAlarmList(
  drafts: Drafts,
  gateway: GatewayDraft,
  limits: IngestLimits,
  listed: { readonly element: JsonObject; readonly atMs: number; readonly undated: BootTime | undefined; readonly place: Place },
): Promise<boolean> {
  const { element, atMs, undated, place } = listed;
  if (textOf(element, "type", 40) !== "alarm.list") return false;
  const attributes = objectOf(element, "attrs");
  const { list, part, parts } = attributes;
  const keys = keysOf(attributes["keys"]);
  if (typeof list !== "string" || !isCount(part) || !isCount(parts)) return true;
  const all = await drafts.tx.alarms.addListPart(gateway.row.ref, { list: list.slice(0, 64), part, parts, keys });
  if (all === undefined) return true;
  for (const row of await drafts.tx.alarms.activeAlarms(gateway.row.ref, limits.maxAlarms)) {
    if (all.has(row.key) || row.key.startsWith(nocKeyPrefix) || clockAhead(row, { atMs, undated })) continue;
    await close(drafts, row, atMs, place);
  }
  return true;
}

/** The row keeps its revision, so that a change that was only late still counts; the event is the next one, as the lost clear was. */
async function close(drafts: Drafts, row: AlarmRow, atMs: number, place: Place): Promise<void> {
  const text = `${row.text} (over: the gateway no longer lists it)`.slice(0, 4_096);
  const body = { ...row.body, clr: true, repaired: true };
  await drafts.tx.putAlarm({ ...row, cleared: true, changedMs: atMs, text, body });
  const { gatewayRef, equipment, severity } = row;
  await drafts.tx.addEvent({
    ...{ gatewayRef, streamId: place.stream, seq: place.seq, index: place.index, atMs, undated: undefined },
    ...{ kind: "alarm.clear", equipment, severity, text, body: { ...body, rev: row.revision + 1, op: "clear", tc: atMs } },
  });
}

function keysOf(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, maxKeys).flatMap((entry: unknown) => {
    const key: unknown = Array.isArray(entry) ? entry[0] : entry;
    return typeof key === "string" && key.length <= 64 ? [key] : [];
  });
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 1_000;
}
