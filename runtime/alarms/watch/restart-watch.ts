import type { EquipmentId } from "#model/equipment.ts";
import type { Event, Inventory } from "#model/observation.ts";
import type { KnownIdentity } from "./equipment-facts.ts";
import type { WatchParts } from "./watch-parts.ts";

/** Whose restart is worth a line: the others are switched off and on by anybody. */
const worthy: ReadonlySet<string> = new Set([
  ...["switch", "router", "firewall", "access-point", "wireless-bridge", "nas", "server", "ups", "pdu"],
]);
/** Time to learn why: new firmware, an order, another unit. */
const explainMs = 120_000;
/** Of the site as a whole: whatever restarts then, restarts because of them. */
const outages: ReadonlySet<string> = new Set(["upsOnBattery", "upsBatteryLow", "upsRuntimeLow", "gatewayIsolated", "lanDown"]);
const restartOverMs = 3_600_000;
const swapOverMs = 86_400_000;
/** New firmware that is seen this long after a restart still explains it. */
const firmwareMs = 1_800_000;

/** A restart nobody ordered, and a device that was swapped for another. Identities live in the state: a swap while the gateway is off is seen, too. */
export class RestartWatch {
  readonly #parts: WatchParts;
  readonly #waiting = new Map<EquipmentId, { readonly atMs: number; readonly text: string }>();
  /** Facts that have no end of their own, by alarm type and equipment. */
  readonly #endings = new Map<string, { readonly equipment: EquipmentId; readonly type: string; readonly atMs: number }>();
  readonly #explained = new Map<EquipmentId, number>();

  constructor(parts: WatchParts) {
    this.#parts = parts;
    const nowMs = parts.clock.monotonicMs();
    // What an earlier run raised ends as well.
    for (const { identity } of parts.list.instances.values()) {
      const { type, equipment } = identity;
      if (equipment === undefined) continue;
      if (type === "unexpectedRestart") this.#endLater(equipment, type, nowMs + restartOverMs);
      if (type === "deviceSwapped") this.#endLater(equipment, type, nowMs + swapOverMs);
    }
  }

  observeEvent(event: Event): void {
    const { equipment, type } = event;
    if (equipment === undefined) return;
    const nowMs = event.observedAt.monotonicMs;
    if (type === "agent.restarted") this.#restarted(equipment, nowMs);
    else if (type === "inventory.firmware-changed") this.#explain(equipment, nowMs, "new firmware was installed");
  }

  observeInventory(inventory: Inventory): void {
    const { facts, clock } = this.#parts;
    const { equipment } = inventory;
    const before = facts.identityOf(equipment);
    facts.learn(inventory);
    const after = facts.identityOf(equipment);
    if (before === undefined || after === undefined) return;
    if (before.firmware !== undefined && after.firmware !== before.firmware)
      this.#explain(equipment, clock.monotonicMs(), "new firmware was installed");
    const difference = swapOf(before, after);
    if (difference !== undefined) this.#swapped(equipment, difference);
  }

  tick(nowMs: number): void {
    for (const [equipment, { atMs, text }] of this.#waiting) {
      if (nowMs - atMs < explainMs) continue;
      this.#waiting.delete(equipment);
      if (this.#isExplained(equipment, nowMs) || this.#followsOutage(equipment, atMs)) continue;
      this.#set(equipment, "unexpectedRestart", "warning", text, "Look for the reason: power, heat, firmware");
      this.#endLater(equipment, "unexpectedRestart", nowMs + restartOverMs);
    }
    for (const [key, { equipment, type, atMs }] of this.#endings) {
      if (nowMs < atMs) continue;
      this.#endings.delete(key);
      this.#parts.list.clear(
        { equipment, path: "", type, qualifier: "" },
        `${this.#parts.facts.nameOf(equipment)}: nothing more happened since`,
      );
    }
  }

  #restarted(equipment: EquipmentId, nowMs: number): void {
    const { facts } = this.#parts;
    const deviceClass = facts.classOf(equipment);
    if (!worthy.has(deviceClass) || this.#isExplained(equipment, nowMs)) return;
    this.#waiting.set(equipment, { atMs: nowMs, text: `${facts.nameOf(equipment)} restarted, and nobody ordered it` });
  }

  #isExplained(equipment: EquipmentId, nowMs: number): boolean {
    const { facts, list } = this.#parts;
    const isPlanned = list.isInMaintenance({ equipment, path: "", type: "unexpectedRestart", qualifier: "" });
    return (
      isPlanned || facts.isExpected(equipment, nowMs) || nowMs - (this.#explained.get(equipment) ?? Number.NEGATIVE_INFINITY) < firmwareMs
    );
  }

  /** It was away, its power or its link failed: that has an alarm, and that it began anew afterwards is no news. */
  #followsOutage(equipment: EquipmentId, restartedMs: number): boolean {
    const { list, topology } = this.#parts;
    const around = new Set([equipment, topology.parent(equipment), ...topology.links(equipment).map(({ other }) => other)]);
    return [...list.instances.values(), ...list.recent].some(({ identity, raisedAt }) => {
      if (raisedAt.monotonicMs > restartedMs + explainMs) return false;
      if (outages.has(identity.type)) return true;
      if (identity.type === "equipmentUnreachable") return around.has(identity.equipment);
      if (identity.type !== "linkDown" || identity.equipment === undefined) return false;
      const port = identity.path.slice("interface/".length);
      return (
        identity.equipment === equipment ||
        topology.links(identity.equipment).some((link) => link.port === port && link.other === equipment)
      );
    });
  }

  #explain(equipment: EquipmentId, nowMs: number, why: string): void {
    this.#explained.set(equipment, nowMs);
    this.#waiting.delete(equipment);
    this.#parts.list.clear(
      { equipment, path: "", type: "unexpectedRestart", qualifier: "" },
      `${this.#parts.facts.nameOf(equipment)}: ${why}`,
    );
  }

  #swapped(equipment: EquipmentId, difference: string): void {
    const { facts, list, clock } = this.#parts;
    if (list.isInMaintenance({ equipment, path: "", type: "deviceSwapped", qualifier: "" })) return;
    const nowMs = clock.monotonicMs();
    this.#explain(equipment, nowMs, "another unit stands in its place");
    const text = `another device answers as ${facts.nameOf(equipment)}: ${difference}`;
    this.#set(equipment, "deviceSwapped", "minor", text, "If nobody replaced it, find out who did");
    this.#endLater(equipment, "deviceSwapped", nowMs + swapOverMs);
  }

  #set(equipment: EquipmentId, type: string, severity: "warning" | "minor", text: string, repair: string): void {
    const attributes = { name: this.#parts.facts.nameOf(equipment) };
    this.#parts.list.set({
      equipment,
      path: "",
      type,
      qualifier: "",
      severity,
      text,
      repair,
      source: { kind: "poll", ref: "restarts" },
      attributes,
    });
  }

  #endLater(equipment: EquipmentId, type: string, atMs: number): void {
    this.#endings.set(`${type} ${equipment}`, { equipment, type, atMs });
  }
}

/** In words, what tells the new unit from the old one; undefined = it is the same. Serial numbers decide where both are known. */
export function swapOf(before: KnownIdentity, after: KnownIdentity): string | undefined {
  if (before.serial !== undefined && after.serial !== undefined)
    return before.serial === after.serial ? undefined : `serial number ${after.serial} instead of ${before.serial}`;
  if (differs(before.sysObjectId, after.sysObjectId) && differs(before.model, after.model))
    return `model ${after.model} instead of ${before.model}`;
  if (differs(before.macAddress, after.macAddress) && (before.engineId === undefined || differs(before.engineId, after.engineId)))
    return `MAC address ${after.macAddress} instead of ${before.macAddress}`;
  return undefined;
}

function differs(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
