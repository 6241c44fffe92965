import { GatewayError } from "#model/errors.ts";
import type { AlarmIdentity, AlarmMatch, AlarmShelf, MaintenanceWindow } from "#ports/alarms.ts";
import type { State } from "#ports/state.ts";
import { matches } from "./identity.ts";

const stateKey = "alarms/marks";
const maxShelves = 256;
const maxWindows = 64;
const maxDays = 366;
const dayMs = 86_400_000;
const maxReason = 512;

interface Stored {
  readonly shelves: readonly AlarmShelf[];
  readonly windows: readonly MaintenanceWindow[];
}

type Alarm = { readonly key: string } & AlarmIdentity;

/** Shelves and maintenance windows: what people said about alarms. Survives restarts; windows of the configuration are given at each start. */
export class Marks {
  readonly #state: State;
  readonly #configured: (nowMs: number) => readonly MaintenanceWindow[];
  readonly #newId: () => string;
  #shelves: readonly AlarmShelf[] = [];
  #windows: readonly MaintenanceWindow[] = [];

  constructor(parts: {
    readonly state: State;
    readonly newId: () => string;
    readonly configured?: (nowMs: number) => readonly MaintenanceWindow[];
  }) {
    this.#state = parts.state;
    this.#newId = parts.newId;
    this.#configured = parts.configured ?? (() => []);
    const stored = readStored(parts.state.getText(stateKey));
    this.#shelves = stored.shelves;
    this.#windows = stored.windows;
  }

  get shelves(): readonly AlarmShelf[] {
    return this.#shelves;
  }

  /** Those of the configuration, as they fall now, and those that people began. */
  windows(nowMs: number): readonly MaintenanceWindow[] {
    return [...this.#configured(nowMs), ...this.#windows];
  }

  shelve(shelf: Omit<AlarmShelf, "id" | "createdMs">, nowMs: number): AlarmShelf {
    const match = checkedMatch(shelf.match);
    if (!(shelf.untilMs > nowMs && shelf.untilMs <= nowMs + maxDays * dayMs))
      throw refused(`until must lie within the next ${maxDays} days`);
    if (this.#shelves.length >= maxShelves) throw refused(`there are ${maxShelves} shelves already`);
    const made: AlarmShelf = {
      ...{ match, untilMs: shelf.untilMs, by: shelf.by.slice(0, maxReason), reason: shelf.reason.slice(0, maxReason) },
      ...{ id: this.#newId(), createdMs: nowMs },
    };
    this.#shelves = [...this.#shelves, made];
    this.#save();
    return made;
  }

  unshelve(id: string): boolean {
    const kept = this.#shelves.filter((one) => one.id !== id);
    if (kept.length === this.#shelves.length) return false;
    this.#shelves = kept;
    this.#save();
    return true;
  }

  start(window: Omit<MaintenanceWindow, "id">, nowMs: number): MaintenanceWindow {
    if (!(window.toMs > nowMs && window.toMs > window.fromMs && window.toMs <= nowMs + maxDays * dayMs))
      throw refused("the window must end in the future, after its beginning");
    if (this.#windows.length >= maxWindows) throw refused(`there are ${maxWindows} maintenance windows already`);
    const made: MaintenanceWindow = {
      ...{ fromMs: window.fromMs, toMs: window.toMs, by: window.by.slice(0, maxReason), reason: window.reason.slice(0, maxReason) },
      ...(window.match === undefined ? {} : { match: checkedMatch(window.match) }),
      id: this.#newId(),
    };
    this.#windows = [...this.#windows, made];
    this.#save();
    return made;
  }

  end(id: string): boolean {
    const kept = this.#windows.filter((one) => one.id !== id);
    if (kept.length === this.#windows.length) return false;
    this.#windows = kept;
    this.#save();
    return true;
  }

  /** Forgets what is over. */
  expire(nowMs: number): void {
    const shelves = this.#shelves.filter((one) => one.untilMs > nowMs);
    const windows = this.#windows.filter((one) => one.toMs > nowMs);
    if (shelves.length === this.#shelves.length && windows.length === this.#windows.length) return;
    this.#shelves = shelves;
    this.#windows = windows;
    this.#save();
  }

  shelfOf(alarm: Alarm, nowMs: number): string | undefined {
    return this.#shelves.find((one) => one.untilMs > nowMs && matches(one.match, alarm))?.id;
  }

  windowOf(alarm: Alarm, nowMs: number): string | undefined {
    return this.windows(nowMs).find(
      (one) => one.fromMs <= nowMs && nowMs < one.toMs && (one.match === undefined || matches(one.match, alarm)),
    )?.id;
  }

  #save(): void {
    this.#state.put({ [stateKey]: JSON.stringify({ shelves: this.#shelves, windows: this.#windows }) });
  }
}

function checkedMatch(match: AlarmMatch): AlarmMatch {
  const parts = Object.entries(match).filter(([name, value]) => ["key", "equipment", "type", "path"].includes(name) && value !== undefined);
  if (parts.length === 0) throw refused("name a key, an equipment, a type or a path");
  if (parts.some(([, value]) => typeof value !== "string" || value.length > 256)) throw refused("key, equipment, type and path are texts");
  return Object.fromEntries(parts);
}

function refused(message: string): GatewayError {
  return new GatewayError("command.refused", { message });
}

function readStored(text: string | undefined): Stored {
  if (text === undefined) return { shelves: [], windows: [] };
  // Written by this class alone; the state's own checks find damaged files.
  const { shelves, windows } = JSON.parse(text) as Stored;
  return { shelves, windows };
}
