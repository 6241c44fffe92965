import type { EquipmentId } from "#model/equipment.ts";
import type { Event } from "#model/observation.ts";
import type { Instant } from "#model/time.ts";
import type { Varbind } from "#ports/snmp.ts";
import type { Notification } from "./notification.ts";
import { clip, printable } from "./printable.ts";
import { type TrapDefinition, type TrapDefinitions, type TrapVariable, upsAlarmName } from "./trap-definitions.ts";

/** Event.attributes is at most 16 KiB when serialised; these keep it below. */
const maxVarbindBytes = 8_192;
const maxTagBytes = 4_096;
const maxOidLength = 256;
const maxValueLength = 240;

/** Where a datagram came from, and whose that is. */
export interface Origin {
  readonly address: string;
  readonly port: number;
  readonly equipment: EquipmentId | undefined;
  /** The equipment was found by the agent address inside the message, not by the source: a relay stands between. */
  readonly relayed: boolean;
}

/** Attributes of an event with source `trap`. */
export interface TrapAttributes {
  readonly trapOid: string;
  readonly version: "1" | "2c" | "3";
  readonly inform: boolean;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  /** false: no equipment is configured for the source. */
  readonly sourceKnown: boolean;
  readonly relayed?: true;
  readonly agentAddress?: string;
  readonly enterprise?: string;
  readonly upTimeTicks?: number;
  readonly user?: string;
  readonly engineId?: string;
  /** File of the definition, or `built-in`; absent = unknown trap. */
  readonly definition?: string;
  /** By the definition's names: numbers with their text where there is an enumeration. */
  readonly tags: Readonly<Record<string, string | number>>;
  /** Index arcs of the first variable that has them: which row the trap is about. */
  readonly index?: string;
  readonly varbinds: readonly { readonly oid: string; readonly type: string; readonly value: string | number }[];
  /** Varbinds beyond the 8 KiB that are kept. */
  readonly varbindsLeftOut?: number;
}

/** @param secured user and engine of a v3 notification */
export function trapEvent(
  notification: Notification,
  definitions: TrapDefinitions,
  origin: Origin,
  observedAt: Instant,
  secured: { readonly user?: string; readonly engineId?: string } = {},
): Event {
  const definition = definitions.find(notification.trapOid);
  const { tags, index, kept } = describe(notification.varbinds, definition);
  const shown = within(
    maxVarbindBytes,
    kept.map(({ oid, type, value }) => ({ oid: clip(oid, maxOidLength), type, value: plain(value) })),
  );
  const attributes: TrapAttributes = {
    trapOid: clip(notification.trapOid, maxOidLength),
    version: notification.version,
    inform: notification.confirmed,
    sourceAddress: origin.address,
    sourcePort: origin.port,
    sourceKnown: origin.equipment !== undefined,
    ...(origin.relayed ? { relayed: true as const } : {}),
    ...(notification.agentAddress === undefined ? {} : { agentAddress: notification.agentAddress }),
    ...(notification.enterprise === undefined ? {} : { enterprise: clip(notification.enterprise, maxOidLength) }),
    ...(notification.upTimeTicks === undefined ? {} : { upTimeTicks: notification.upTimeTicks }),
    ...secured,
    ...(definition === undefined ? {} : { definition: definition.origin }),
    tags,
    ...(index === undefined ? {} : { index }),
    varbinds: shown,
    ...(kept.length > shown.length ? { varbindsLeftOut: kept.length - shown.length } : {}),
  };
  return {
    kind: "event",
    type: definition === undefined ? "trap.unknown" : `trap.${definition.name}`,
    ...(origin.equipment === undefined ? {} : { equipment: origin.equipment }),
    source: "trap",
    severity: definition?.severity ?? "indeterminate",
    text: textOf(notification, definition, tags),
    observedAt,
    attributes: { ...attributes },
  };
}

function describe(
  varbinds: readonly Varbind[],
  definition: TrapDefinition | undefined,
): {
  readonly tags: Readonly<Record<string, string | number>>;
  readonly index: string | undefined;
  readonly kept: readonly Varbind[];
} {
  const tags: [string, string | number][] = [];
  const kept: Varbind[] = [];
  let index: string | undefined;
  for (const varbind of varbinds) {
    const variable = definition?.variables.find(({ oid }) => varbind.oid === oid || varbind.oid.startsWith(`${oid}.`));
    if (variable !== undefined || definition?.dropUndefined !== true) kept.push(varbind);
    if (variable === undefined) continue;
    tags.push([variable.tag ?? variable.name, tagValue(varbind, variable)]);
    const instance = varbind.oid.slice(variable.oid.length + 1);
    if (index === undefined && instance !== "" && instance !== "0") index = clip(instance, maxOidLength);
  }
  return { tags: Object.fromEntries(within(maxTagBytes, tags)), index, kept };
}

/** As many from the beginning as fit when serialised. */
function within<T>(budgetBytes: number, items: readonly T[]): readonly T[] {
  let bytes = 0;
  const end = items.findIndex((item) => {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    return bytes > budgetBytes;
  });
  return end < 0 ? items : items.slice(0, end);
}

function tagValue({ value }: Varbind, variable: TrapVariable): string | number {
  if (typeof value === "number") return variable.enumeration?.get(value) ?? value;
  const text = plain(value);
  if (typeof text !== "string") return text;
  // Kentik's rule: text may name an entry of the enumeration, whatever its case.
  for (const name of variable.enumeration?.values() ?? []) if (name.toLowerCase() === text.toLowerCase()) return name;
  return upsAlarmName(text) ?? text;
}

function plain(value: Varbind["value"]): string | number {
  if (value === undefined) return "";
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
  if (typeof value === "string") return clip(value, maxValueLength);
  return printable(value, maxValueLength);
}

function textOf(
  notification: Notification,
  definition: TrapDefinition | undefined,
  tags: Readonly<Record<string, string | number>>,
): string {
  if (definition === undefined) return `unknown trap ${notification.trapOid}`.slice(0, maxValueLength);
  const shown = Object.entries(tags)
    .slice(0, 6)
    .map(([name, value]) => `${name} ${value}`);
  return [definition.name, ...shown].join(", ").slice(0, 2 * maxValueLength);
}
