import type { AlarmRow, BootTime, JsonObject } from "../store/rows.ts";
import { applyAlarmList } from "./alarm-list.ts";
import { countOf, elementsOf, numberOf, objectOf, textOf, timeOf } from "./batch-elements.ts";
import { applyCheckLatency, applyCheckResult } from "./checks.ts";
import { anchorShift } from "./chunk-time.ts";
import { type Drafts, type GatewayDraft, passOver } from "./drafts.ts";
import type { IngestLimits } from "./limits.ts";

const severities = new Set(["indeterminate", "warning", "minor", "major", "critical"]);

/** Where a batch element stands: its identity in the event list. */
interface Place {
  readonly stream: string;
  readonly seq: number;
  readonly index: number;
  /** Time of the batch, for elements that have none. */
  readonly atMs: number;
}

/** Applies one batch of stream E or C (PROTOCOL 5.1 `ev`, `chk`): alarms, gaps, clock anchors, checks, everything else as an event. */
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
    else if (kind === "check.latency") await applyLatency(drafts, gateway, { place, element });
    else {
      if (kind === "event" && element["type"] === "alarm.list") {
        const when = await dateOf(drafts, gateway, { place, element });
        await applyAlarmList(drafts, gateway, limits, { element, place, atMs: when.atMs, undated: when.undated });
        continue;
      }
      if (element["type"] === "notify.delivered") await noteTold(drafts, gateway, element);
      if (kind === "check") await applyCheckResult(drafts, gateway, element, (await dateOf(drafts, gateway, { place, element })).atMs);
      await addEvent(drafts, gateway, { place, element }, kindOf(kind, element));
    }
  }
}

interface Placed {
  readonly place: Place;
  readonly element: JsonObject;
}

async function applyAlarm(drafts: Drafts, gateway: GatewayDraft, limits: IngestLimits, placed: Placed): Promise<void> {
  const { element } = placed;
  const when = await dateOf(drafts, gateway, placed);
  const next = alarmOf(gateway.row.ref, element, when);
  if (next === undefined) return addEvent(drafts, gateway, { ...placed, element: {} }, "alarm.malformed");
  const known = await drafts.tx.alarm(gateway.row.ref, next.key);
  if (known === undefined && (await drafts.tx.activeAlarmKeys(gateway.row.ref)).length >= limits.maxAlarms) return;
  // The newest change of the newest instance wins, in whatever order they arrive; ULIDs of later instances are greater.
  const newer =
    known === undefined || next.instance > known.instance || (next.instance === known.instance && next.revision > known.revision);
  if (newer) await drafts.tx.putAlarm(toldBefore(known, next));
  const op = textOf(element, "op", 16);
  if (op !== "reassert") await addEvent(drafts, gateway, placed, `alarm.${op === "" ? "change" : op}`);
}

function alarmOf(gatewayRef: number, element: JsonObject, when: When): AlarmRow | undefined {
  const key = textOf(element, "key", 64);
  const instance = textOf(element, "id", 40);
  const revision = countOf(element, "rev");
  if (key === "" || instance === "" || revision === undefined) return undefined;
  const resource = objectOf(element, "res");
  const severity = textOf(element, "sev", 16);
  const isRaise = timeOf(element, "tr") === timeOf(element, "tc");
  const changedMs = when.isBootTime ? when.atMs : (timeOf(element, "tc") ?? when.atMs);
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
    raisedMs: isRaise ? changedMs : (timeOf(element, "tr") ?? timeOf(element, "t0") ?? changedMs),
    changedMs,
    undated: when.undated,
    body: element,
  };
}

/** Whom the gateway itself told while the NOC did not answer stays with the alarm as long as it lasts. */
function toldBefore(known: AlarmRow | undefined, next: AlarmRow): AlarmRow {
  const told = known?.instance === next.instance ? known.body["told"] : undefined;
  return told === undefined ? next : { ...next, body: { ...next.body, told } };
}

async function noteTold(drafts: Drafts, gateway: GatewayDraft, element: JsonObject): Promise<void> {
  const attributes = objectOf(element, "attrs");
  const known = await drafts.tx.alarm(gateway.row.ref, textOf(attributes, "key", 64));
  if (known === undefined || known.instance !== textOf(attributes, "id", 40)) return;
  const before = Array.isArray(known.body["told"]) ? known.body["told"] : [];
  const told = [...new Set([...before, textOf(attributes, "path", 32)])].slice(0, 16);
  await drafts.tx.putAlarm({ ...known, body: { ...known.body, told } });
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
  await addEvent(drafts, gateway, placed, "stream.gap");
  if (from === undefined || to === undefined || from < 1 || to < from) return;
  const stream = await drafts.stream(gateway, streamId);
  // Of a stream not heard of yet, the record is looked up when its first chunk comes.
  if (stream !== undefined) passOver(stream, from, to, limits);
}

async function applyAnchor(drafts: Drafts, gateway: GatewayDraft, element: JsonObject): Promise<void> {
  const bootId = textOf(element, "boot", 40);
  const monotonicMs = numberOf(element, "mono");
  const wallMs = timeOf(element, "wall");
  if (bootId === "" || monotonicMs === undefined || wallMs === undefined) return;
  const errorMs = numberOf(element, "err") ?? 0;
  await drafts.tx.addAnchor({ gatewayRef: gateway.row.ref, bootId, monotonicMs, wallMs, source: textOf(element, "src", 16), errorMs });
  await drafts.tx.waiting.unpark(gateway.row.ref, { bootId });
  await drafts.tx.dateEvents(gateway.row.ref, bootId, wallMs - monotonicMs);
  for (const undated of await drafts.tx.checks.takeUndated(gateway.row.ref, bootId))
    await applyCheckLatency(drafts, gateway, undated.body, undated.monotonicMs + wallMs - monotonicMs);
}

/** Counts of a boot without a clock belong to no bucket yet: they wait for its anchor. */
async function applyLatency(drafts: Drafts, gateway: GatewayDraft, placed: Placed): Promise<void> {
  const { element } = placed;
  const { atMs, undated } = await dateOf(drafts, gateway, placed);
  if (undated === undefined) {
    if (!(await applyCheckLatency(drafts, gateway, element, atMs))) await addEvent(drafts, gateway, placed, "check.malformed");
    return;
  }
  const { bootId, monotonicMs } = undated;
  await drafts.tx.checks.addUndated(gateway.row.ref, bootId, { check: textOf(element, "check", 64), monotonicMs, body: element });
}

/** What an event is called: events proper say their type, the rest of the batch its kind. */
function kindOf(kind: string, element: JsonObject): string {
  if (kind === "event") return textOf(element, "type", 80) || kind;
  if (kind === "check") return element["ok"] === true ? "check.ok" : "check.failed";
  return kind === "" ? "other" : kind;
}

async function addEvent(drafts: Drafts, gateway: GatewayDraft, placed: Placed, kind: string): Promise<void> {
  const { element, place } = placed;
  const when = await dateOf(drafts, gateway, placed);
  await drafts.tx.addEvent({
    gatewayRef: gateway.row.ref,
    streamId: place.stream,
    seq: place.seq,
    index: place.index,
    atMs: when.atMs,
    undated: when.undated,
    kind,
    equipment: textOf(element, "dev", 63) || textOf(objectOf(element, "res"), "dev", 63),
    severity: textOf(element, "sev", 16),
    text: textOf(element, "text", 1_024) || textOf(element, "check", 128),
    body: element,
  });
}

interface When {
  readonly atMs: number;
  /** The clock of that boot was not set: the element's own wall times mean nothing. */
  readonly isBootTime: boolean;
  readonly undated: BootTime | undefined;
}

/** When an element happened: by the gateway's clock, by an anchor of its boot, or not known yet (then the order of arrival). */
async function dateOf(drafts: Drafts, gateway: GatewayDraft, placed: Placed): Promise<When> {
  const { element, place } = placed;
  const clock = objectOf(element, "clk");
  const bootId = textOf(clock, "boot", 40);
  const monotonicMs = numberOf(clock, "mono");
  if (bootId === "" || monotonicMs === undefined)
    return { atMs: timeOf(element, "t") ?? place.atMs, isBootTime: false, undated: undefined };
  const shiftMs = anchorShift(await drafts.tx.anchors(gateway.row.ref, bootId), monotonicMs);
  if (shiftMs !== undefined) return { atMs: monotonicMs + shiftMs, isBootTime: true, undated: undefined };
  return { atMs: drafts.nowMs, isBootTime: true, undated: { bootId, monotonicMs } };
}
