import type { Equipment } from "#model/equipment.ts";
import type { Inventory } from "#model/observation.ts";
import type { State } from "#ports/state.ts";
import type { LastingNotes } from "./lasting-notes.ts";

const prefix = "alarms/identity/";
/** Somebody who ordered something disruptive sees its consequences for so long. */
const expectedMs = 900_000;

/** What an equipment was, as far as it tells one unit from another. */
export interface KnownIdentity {
  readonly serial?: string | undefined;
  readonly engineId?: string | undefined;
  readonly macAddress?: string | undefined;
  readonly sysObjectId?: string | undefined;
  readonly model?: string | undefined;
  readonly firmware?: string | undefined;
  readonly deviceClass?: string | undefined;
}

/** What alarms look at of it; the configuration's own objects, kept once. */
export type MonitoredEquipment = Pick<Equipment, "id" | "name" | "address" | "pollIntervalMs">;

/** Kinds of equipment, models and firmware, of which a site has many of few: one text for all. Bounded; what is over the bound is merely not shared. */
const kinds = new Map<string, string>();
const maxKinds = 512;

function sharedText(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const known = kinds.get(text);
  if (known === undefined && kinds.size < maxKinds) kinds.set(text, text);
  return known ?? text;
}

function isSame(known: MonitoredEquipment | undefined, one: MonitoredEquipment): boolean {
  return known !== undefined && known.name === one.name && known.address === one.address && known.pollIntervalMs === one.pollIntervalMs;
}

/** What alarms need to know of each equipment: name, class, identity over restarts, and whether somebody works on it. */
export class EquipmentFacts {
  readonly #notes: LastingNotes;
  readonly #read: () => readonly MonitoredEquipment[];
  #equipment: ReadonlyMap<string, MonitoredEquipment> = new Map();
  readonly #identities = new Map<string, KnownIdentity>();
  readonly #expected = new Map<string, number>();

  /** @param equipment what is monitored now: discovery finds more, and the configuration may change */
  constructor(state: State, notes: LastingNotes, equipment: () => readonly MonitoredEquipment[]) {
    this.#notes = notes;
    this.#read = equipment;
    for (const key of state.keys(prefix, 4_096)) {
      const text = state.getText(key);
      if (text !== undefined) this.#identities.set(key.slice(prefix.length), JSON.parse(text) as KnownIdentity);
    }
  }

  /** Looks again what is monitored. @returns whether something is no longer */
  refresh(): boolean {
    const before = this.#equipment;
    const now = this.#read();
    // The usual case, every few seconds: what is there stays, instead of being made anew for the collector.
    if (now.length === before.size && now.every((one) => isSame(before.get(one.id), one))) return false;
    this.#equipment = new Map(now.map((one) => [one.id, one]));
    return [...before.keys()].some((id) => !this.#equipment.has(id));
  }

  get all(): ReadonlyMap<string, MonitoredEquipment> {
    return this.#equipment;
  }

  nameOf(equipment: string): string {
    return this.#equipment.get(equipment)?.name ?? equipment;
  }

  /** `switch`, `printer` ...; "" while not known. */
  classOf(equipment: string): string {
    return this.#identities.get(equipment)?.deviceClass ?? "";
  }

  identityOf(equipment: string): KnownIdentity | undefined {
    return this.#identities.get(equipment);
  }

  /** Keeps what is known where the new reading lacks it. */
  learn({ equipment, identity }: Inventory): void {
    const before = this.#identities.get(equipment);
    const { serial, engineId, macAddress, sysObjectId, model, firmware, deviceClass } = identity;
    const next: KnownIdentity = {
      serial: serial ?? before?.serial,
      engineId: engineId ?? before?.engineId,
      macAddress: macAddress ?? before?.macAddress,
      sysObjectId: sharedText(sysObjectId ?? before?.sysObjectId),
      model: sharedText(model ?? before?.model),
      firmware: sharedText(firmware ?? before?.firmware),
      deviceClass: deviceClass === "unknown" ? (before?.deviceClass ?? deviceClass) : deviceClass,
    };
    const text = JSON.stringify(next);
    if (text === JSON.stringify(before)) return;
    this.#identities.set(equipment, next);
    this.#notes.note(`${prefix}${equipment}`, text);
  }

  /** Somebody ordered something that may interrupt it: a restart within a quarter of an hour is no surprise. */
  expect(equipment: string, nowMs: number): void {
    this.#expected.set(equipment, nowMs + expectedMs);
    if (this.#expected.size > 4_096) for (const [id, untilMs] of this.#expected) if (untilMs < nowMs) this.#expected.delete(id);
  }

  isExpected(equipment: string, nowMs: number): boolean {
    return (this.#expected.get(equipment) ?? 0) > nowMs;
  }
}
