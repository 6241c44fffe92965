import type { AlarmChange, AnchorRecord, CheckLatency, CheckResult, Event, GapRecord, Inventory, Observation } from "#model/observation.ts";
import type { Report } from "#model/report.ts";
import type { Instant } from "#model/time.ts";

/** Everything that travels as JSON. */
export type JsonObservation = Exclude<Observation, Report>;

type Element = Readonly<Record<string, unknown>>;

/** Largest element, bytes of its JSON text, below the hard limit of a chunk; beyond it components are left out, and the element says so. */
const maxElementBytes = 90_000;
const maxAttributeChars: Readonly<Record<string, number>> = { alarm: 8_192, event: 16_384, check: 16_384 };

const whole = (ms: number): number => Math.round(ms);

/** Time of an element: wall time, and for an unanchored clock the boot's own, which the NOC re-stamps by an anchor. */
function timeOf(at: Instant): Element {
  if (at.quality !== "unanchored") return { t: whole(at.wallMs) };
  return { t: whole(at.wallMs), clk: { boot: at.bootId, mono: whole(at.monotonicMs), q: "unanchored" } };
}

function equipmentOf(observation: { readonly equipment?: string }): Element {
  return observation.equipment === undefined ? {} : { dev: observation.equipment };
}

/** Foreign attributes: JSON or nothing. They may come from a flow, so what cannot be written must not break the path of alarms. */
function bounded(attributes: Readonly<Record<string, unknown>>, maxChars: number): Element {
  let text: string;
  try {
    text = JSON.stringify(attributes);
  } catch (cause) {
    return { omitted: `attributes that are not JSON (${cause instanceof Error ? cause.name : "unknown"})` };
  }
  return text.length <= maxChars ? attributes : { omitted: `attributes of ${text.length} characters` };
}

/** Attributes that PROTOCOL 7.1 names itself; the others go under `attrs`. */
const alarmFields = new Set([
  "cat",
  "cause",
  "psev",
  "thr",
  "trend",
  "root",
  "imp",
  "corr",
  "repair",
  "src",
  "site",
  "cust",
  "maint",
  "flap",
  "alt",
  "shelved",
  "omitted",
]);

function alarmElement(alarm: AlarmChange): Element {
  const attributes = bounded(alarm.attributes, maxAttributeChars.alarm ?? 0);
  const named: Record<string, unknown> = {};
  const others: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (alarmFields.has(name)) named[name] = value;
    else if (name !== "label" && name !== "name" && name !== "ip") others[name] = value;
  }
  const { label, name, ip } = attributes;
  return {
    k: "alarm",
    id: alarm.id,
    key: alarm.key,
    rev: alarm.rev,
    op: alarm.op,
    type: alarm.type,
    tq: alarm.qualifier,
    res: { ...equipmentOf(alarm), name, ip, path: alarm.path, label },
    sev: alarm.severity,
    clr: alarm.cleared,
    text: alarm.text.slice(0, 4_096),
    t0: whole(alarm.raisedAt.wallMs),
    tr: whole(alarm.raisedAt.wallMs),
    tc: whole(alarm.observedAt.wallMs),
    n: alarm.changes,
    ...named,
    ...timeOf(alarm.observedAt),
    ...(Object.keys(others).length === 0 ? {} : { attrs: others }),
  };
}

function eventElement(event: Event): Element {
  return {
    k: "event",
    type: event.type,
    ...equipmentOf(event),
    src: event.source,
    sev: event.severity,
    text: event.text.slice(0, 8_192),
    ...timeOf(event.observedAt),
    attrs: bounded(event.attributes, maxAttributeChars.event ?? 0),
  };
}

function checkElement(check: CheckResult): Element {
  return {
    k: "check",
    check: check.check,
    ...equipmentOf(check),
    ok: check.ok,
    type: check.type,
    target: check.target?.slice(0, 2_048),
    ...(check.failure === undefined ? {} : { fail: { ...check.failure, text: check.failure.text.slice(0, 1_024) } }),
    vantage: check.vantage,
    ...timeOf(check.observedAt),
    ev: bounded(check.evidence, maxAttributeChars.check ?? 0),
  };
}

/** Sparse counts as the model makes them: short integers, which zstd makes shorter still. */
function latencyElement(latency: CheckLatency): Element {
  const { min, max, buckets } = latency.latency;
  return {
    k: "check.latency",
    check: latency.check,
    ...equipmentOf(latency),
    ...timeOf(latency.observedAt),
    len: whole(latency.lengthMs),
    n: latency.runs,
    bad: latency.failures,
    lat: { min, max, b: buckets },
  };
}

function gapElement(gap: GapRecord): Element {
  return {
    k: "stream.gap",
    s: gap.stream,
    from: gap.fromSeq,
    to: gap.toSeq,
    reason: gap.reason,
    t0: gap.fromMs === undefined ? undefined : whole(gap.fromMs),
    t1: gap.toMs === undefined ? undefined : whole(gap.toMs),
    n: gap.samples,
    ...timeOf(gap.observedAt),
  };
}

function anchorElement(record: AnchorRecord): Element {
  const { anchor } = record;
  return {
    k: "clock.anchor",
    boot: anchor.bootId,
    mono: anchor.monotonicMs,
    wall: anchor.wallMs,
    src: anchor.source,
    err: anchor.errorMs,
    ...timeOf(record.observedAt),
  };
}

/** A device as a whole; on a change it is sent whole again, with what changed. */
function inventoryElement(inventory: Inventory, components: number, changes: number): Element {
  const omitted = inventory.components.length - components;
  return {
    k: "inventory",
    id: inventory.equipment,
    at: whole(inventory.observedAt.wallMs),
    ...timeOf(inventory.observedAt),
    identity: inventory.identity,
    components: inventory.components.slice(0, components),
    changes: inventory.changes.slice(0, changes),
    ...(inventory.enumerations === undefined ? {} : { enumerations: inventory.enumerations }),
    ...(omitted === 0 ? {} : { omitted }),
  };
}

function inventoryText(inventory: Inventory): string {
  let components = inventory.components.length;
  let changes = inventory.changes.length;
  for (;;) {
    const text = JSON.stringify(inventoryElement(inventory, components, changes));
    if (Buffer.byteLength(text) <= maxElementBytes || (components === 0 && changes === 0)) return text;
    // Halving ends after at most 2 x log2(n) rounds.
    components = Math.floor(components / 2);
    changes = Math.floor(changes / 2);
  }
}

function elementOf(observation: Exclude<JsonObservation, Inventory>): Element {
  switch (observation.kind) {
    case "alarm":
      return alarmElement(observation);
    case "event":
      return eventElement(observation);
    case "check":
      return checkElement(observation);
    case "check-latency":
      return latencyElement(observation);
    case "gap":
      return gapElement(observation);
    default:
      return anchorElement(observation);
  }
}

/** The JSON text of one element; it always begins with its kind, which the assembler goes by. */
export function elementText(observation: JsonObservation): string {
  return observation.kind === "inventory" ? inventoryText(observation) : JSON.stringify(elementOf(observation));
}
