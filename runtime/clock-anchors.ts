import { type ClockAnchor, monotonicMs, wallMs } from "#model/time.ts";
import type { State } from "#ports/state.ts";

const key = "clock.anchors";
/** Boots whose anchors are kept; of each the first and the newest. */
const maxBoots = 16;

/**
 * Anchors of this and earlier boots, in the state: measurements of a boot without a date wait at the NOC, or here, for the anchor of that boot, and a lost
 * buffer must not take it along. Told again at every start; the NOC takes each once.
 */
export class AnchorBook {
  readonly #state: Pick<State, "getText" | "put">;
  #anchors: readonly ClockAnchor[];

  constructor(state: Pick<State, "getText" | "put">) {
    this.#state = state;
    this.#anchors = parse(state.getText(key));
  }

  /** Oldest first. */
  of(isWanted: (anchor: ClockAnchor) => boolean): readonly ClockAnchor[] {
    return this.#anchors.filter(isWanted);
  }

  /** @throws GatewayError buffer.* */
  add(anchor: ClockAnchor): void {
    const ofBoot = this.#anchors.filter(({ bootId }) => bootId === anchor.bootId);
    if (ofBoot.some((known) => saysTheSame(known, anchor))) return;
    const others = this.#anchors.filter(({ bootId }) => bootId !== anchor.bootId);
    const boots = [...new Set(others.map(({ bootId }) => bootId))].slice(1 - maxBoots);
    const kept = [...others.filter(({ bootId }) => boots.includes(bootId)), ...ofBoot.slice(0, 1), anchor];
    this.#state.put({ [key]: JSON.stringify(kept) });
    this.#anchors = kept;
  }
}

/** A source that comes and goes must not wear the flash out. */
function saysTheSame(a: ClockAnchor, b: ClockAnchor): boolean {
  const differenceMs = a.wallMs - a.monotonicMs - (b.wallMs - b.monotonicMs);
  return Math.abs(differenceMs) < sameMs && Math.abs(a.monotonicMs - b.monotonicMs) < freshMs;
}

const sameMs = 250;
const freshMs = 3_600_000;

/** What cannot be read is left out: the file's checks are the state's own. */
function parse(text: string | undefined): readonly ClockAnchor[] {
  if (text === undefined) return [];
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    // Not ours: begun anew with the next anchor.
    return [];
  }
  return Array.isArray(found) ? found.flatMap(anchorOf).slice(-2 * maxBoots) : [];
}

function anchorOf(value: unknown): readonly ClockAnchor[] {
  if (typeof value !== "object" || value === null) return [];
  const { bootId, monotonicMs: mono, wallMs: wall, source, errorMs } = value as Readonly<Record<string, unknown>>;
  const isSound = typeof bootId === "string" && typeof mono === "number" && typeof wall === "number" && typeof errorMs === "number";
  if (!isSound || (source !== "ntp" && source !== "noc" && source !== "operator")) return [];
  return [{ bootId, monotonicMs: monotonicMs(mono), wallMs: wallMs(wall), source, errorMs }];
}
