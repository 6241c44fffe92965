/** An alarm element as it travels in `ev` (PROTOCOL 7.1), or as read from a stored one: foreign JSON. */
export type AlarmElement = Readonly<Record<string, unknown>>;

/** CloudEvents 1.0 in JSON. The same change of the same alarm has the same `source` and `id` whichever end sends it. */
export interface AlarmCloudEvent {
  readonly specversion: "1.0";
  /** `<instance>:<revision>`: what a receiver tells duplicates by. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  /** De-duplication key of the alarm: one ticket per key. */
  readonly alarmkey: string;
  readonly gateway: string;
  readonly tenant: string;
  /** Who sent this copy: `gateway` = the NOC could not be reached. */
  readonly via: "gateway" | "noc";
  readonly data: AlarmElement;
}

export interface EventPlace {
  readonly tenant: string;
  readonly gateway: string;
  readonly via: "gateway" | "noc";
  /** Unix ms, where the element's own time means nothing (clock not set) or is missing. */
  readonly atMs: number;
}

/** Largest wall time that an ISO date can show. */
const maxDateMs = 8.64e15;

/** @returns undefined when the element has no instance, key or revision: it is no alarm change */
export function alarmCloudEvent(element: AlarmElement, place: EventPlace): AlarmCloudEvent | undefined {
  const { id, key, rev, clk, t } = element;
  if (typeof id !== "string" || typeof key !== "string" || typeof rev !== "number" || !Number.isSafeInteger(rev)) return undefined;
  const atMs = typeof t === "number" && clk === undefined && Math.abs(t) <= maxDateMs ? t : place.atMs;
  return {
    specversion: "1.0",
    id: cloudEventId(id, rev),
    source: `/gatehouse/${place.tenant}/gw/${place.gateway}`,
    type: `io.gatehouse.alarm.${verbOf(element)}.v1`,
    subject: subjectOf(element),
    time: new Date(atMs).toISOString(),
    datacontenttype: "application/json",
    alarmkey: key,
    gateway: place.gateway,
    tenant: place.tenant,
    via: place.via,
    data: element,
  };
}

/** Identity of one change of one alarm at every receiver. */
export function cloudEventId(instance: string, revision: number): string {
  return `${instance}:${revision}`;
}

function verbOf(element: AlarmElement): "raised" | "changed" | "cleared" {
  if (element["clr"] === true || element["op"] === "clear") return "cleared";
  return element["op"] === "raise" ? "raised" : "changed";
}

function subjectOf(element: AlarmElement): string {
  const res = element["res"];
  const resource = typeof res === "object" && res !== null ? (res as Readonly<Record<string, unknown>>) : {};
  const parts = [resource["dev"], resource["path"]].filter((part) => typeof part === "string" && part !== "");
  return parts.length === 0 ? "gateway" : parts.join("/");
}
