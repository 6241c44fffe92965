import type { AlarmRow, EventRow, JsonObject } from "../store/rows.ts";
import { countOf, elementsOf, numberOf, objectOf, textOf, timeOf } from "./batch-elements.ts";
import type { Draft, Drafts, GatewayDraft } from "./drafts.ts";
import type { IngestLimits } from "./limits.ts";
import { withRange } from "./ranges.ts";

const severities = new Set(["indeterminate", "warning", "minor", "major", "critical"]);

/** Where a batch element stands: its identity in the event list. */
interface Place {
  readonly stream: string;
  readonly seq: number;
  readonly index: number;
  /** Time of the batch, for elements that have none. */
  readonly atMs: number;
}

/** Applies one batch of stream E (PROTOCOL 5.1 `ev`): alarms, gaps, clock anchors, everything else as an event. */
export async function applyEvents(
  drafts: Drafts,
  gateway: GatewayDraft,
  limits: IngestLimits,
  batch: { readonly stream: string; readonly seq: number; readonly body: JsonObject },
): Promise<void> {
  const atMs = timeOf(batch.body, "at") ?? drafts.nowMs;
  for (const [index, element] of elementsOf(batch.body, "e", 50).entries()) {
    const place = { stream: batch.stream, seq: batch.seq, index, atMs };
    const kind = textOf(element, "k", 40);
    if (kind === "alarm") await applyAlarm(drafts, gateway, limits, { place, element });
    else if (kind === "stream.gap") await applyGap(drafts, gateway, limits, { place, element });
    else if (kind === "clock.anchor") await applyAnchor(drafts, gateway, element);
    else await addEvent(drafts, gateway, place, kind === "" ? "other" : kind, element);
  }
}

interface Placed {
  readonly place: Place;
  readonly element: JsonObject;
}

async function applyAlarm(drafts: Drafts, gateway: GatewayDraft, limits: IngestLimits, placed: Placed): Promise<void> {
  const { element } = placed;
  const next = alarmOf(gateway.row.ref, element, placed.place.atMs);
  if (next === undefined) return addEvent(drafts, gateway, placed.place, "alarm.malformed", {});
  const known = await drafts.tx.alarm(gateway.row.ref, next.key);
  if (known === undefined && (await drafts.tx.activeAlarmKeys(gateway.row.ref)).length >= limits.maxAlarms) return;
  // The newest change of the newest instance wins, in whatever order they arrive; ULIDs of later instances are greater.
  const newer =
    known === undefined || next.instance > known.instance || (next.instance === known.instance && next.revision > known.revision);
  if (newer) await drafts.tx.putAlarm(next);
  const op = textOf(element, "op", 16);
  if (op !== "reassert") await addEvent(drafts, gateway, placed.place, `alarm.${op === "" ? "change" : op}`, element);
}

function alarmOf(gatewayRef: number, element: JsonObject, atMs: number): AlarmRow | undefined {
  const key = textOf(element, "key", 64);
  const instance = textOf(element, "id", 40);
  const revision = countOf(element, "rev");
  if (key === "" || instance === "" || revision === undefined) return undefined;
  const resource = objectOf(element, "res");
  const severity = textOf(element, "sev", 16);
  const changedMs = timeOf(element, "tc") ?? atMs;
  return {
    gatewayRef,
    key,
    instance,
    revision,
    severity: severities.has(severity) ? severity : "indeterminate",
    cleared: element["clr"] === true,
    equipment: textOf(resource, "dev", 63),
    path: textOf(resource, "path", 512),
    type: textOf(element, "type", 128),
    text: textOf(element, "text", 4_096),
    raisedMs: timeOf(element, "tr") ?? timeOf(element, "t0") ?? changedMs,
    changedMs,
    body: element,
  };
}

async function applyGap(drafts: Drafts, gateway: GatewayDraft, limits: IngestLimits, placed: Placed): Promise<void> {
  const { element, place } = placed;
  const streamId = textOf(element, "s", 12);
  const from = countOf(element, "from");
  const to = countOf(element, "to");
  const fromMs = timeOf(element, "t0") ?? place.atMs;
  await drafts.tx.addGap({
    gatewayRef: gateway.row.ref,
    streamId,
    fromSeq: from ?? 0,
    toSeq: to ?? 0,
    reason: textOf(element, "reason", 40),
    fromMs,
    toMs: timeOf(element, "t1") ?? fromMs,
    samples: countOf(element, "n"),
    recordedMs: drafts.nowMs,
  });
  await addEvent(drafts, gateway, place, "stream.gap", element);
  if (from === undefined || to === undefined || from < 1 || to < from) return;
  const stream = await drafts.stream(gateway, streamId);
  if (stream === undefined || stream.received.length >= limits.maxRanges) return;
  // What will never come counts as received: the acknowledgement passes over it.
  stream.received = withRange(stream.received, from, to);
  stream.tombstones += to - from + 1;
}

async function applyAnchor(drafts: Drafts, gateway: GatewayDraft, element: JsonObject): Promise<void> {
  const bootId = textOf(element, "boot", 40);
  const monotonicMs = numberOf(element, "mono");
  const wallMs = timeOf(element, "wall");
  if (bootId === "" || monotonicMs === undefined || wallMs === undefined) return;
  const errorMs = numberOf(element, "err") ?? 0;
  await drafts.tx.addAnchor({ gatewayRef: gateway.row.ref, bootId, monotonicMs, wallMs, source: textOf(element, "src", 16), errorMs });
  await drafts.tx.unpark(gateway.row.ref, { bootId });
}

async function addEvent(drafts: Drafts, gateway: GatewayDraft, place: Place, kind: string, element: JsonObject): Promise<void> {
  const resource = objectOf(element, "res");
  const row: Draft<EventRow> = {
    gatewayRef: gateway.row.ref,
    streamId: place.stream,
    seq: place.seq,
    index: place.index,
    atMs: timeOf(element, "at") ?? timeOf(element, "tc") ?? timeOf(element, "t") ?? place.atMs,
    kind,
    equipment: textOf(element, "dev", 63) || textOf(resource, "dev", 63),
    severity: textOf(element, "sev", 16),
    text: textOf(element, "text", 1_024),
    body: element,
  };
  await drafts.tx.addEvent(row);
}
