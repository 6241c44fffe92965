import { createHash } from "node:crypto";
import type { Slot } from "#model/chunk.ts";
import type { Instant } from "#model/time.ts";
import { flagKeyFrame, flagUnanchored, limits } from "./layout.ts";

export interface SlotOptions {
  /** Spreads slot ends and key-frames over a fleet: the gateway's id. */
  readonly salt: string;
  readonly intervalsPerChunk: (intervalMs: number) => number;
  readonly keyFrameEveryMs: number;
  /** A wall clock that moved by more than this against the monotonic one opens a new slot. */
  readonly wallStepMs: number;
}

/** The open slot of one interval class, with the class's key-frame state. */
export interface OpenSlot {
  readonly slot: Slot;
  /** Grows with each key-frame slot of the class: a group that was last keyed under a lower one must be keyed now. */
  readonly keyEpoch: number;
}

interface IntervalClass {
  readonly intervalMs: number;
  readonly intervals: number;
  readonly spanMs: number;
  readonly slotPhaseMs: number;
  readonly keyPhaseMs: number;
  slotNumber: number;
  keyNumber: number;
  keyEpoch: number;
  forceKey: boolean;
  wallOffsetMs: number;
  open: OpenSlot | undefined;
}

/** Uniform in [0, spanMs), the same for the same text. */
function phaseOf(text: string, spanMs: number): number {
  const digest = createHash("sha256").update(text).digest();
  return (digest.readUInt32BE(0) / 4_294_967_296) * spanMs;
}

function isUnanchored(at: Instant): boolean {
  return at.quality === "unanchored";
}

/** Base of a time in a chunk: wall time, or the boot's own when the wall clock was never set. Whole milliseconds. */
export function chunkTimeMs(at: Instant, unanchored: boolean): number {
  return Math.round(unanchored ? at.monotonicMs : at.wallMs);
}

/**
 * Cuts time into slots, one sequence per interval class, by monotonic time. Everything a chunk's head says is fixed when the slot opens,
 * because frames are finished before the slot's end is known.
 */
export class SlotClock {
  readonly #options: SlotOptions;
  readonly #classes = new Map<number, IntervalClass>();
  #lastId = 0;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** The slot for a report of this class observed at `at`. */
  slotFor(intervalMs: number, at: Instant, dictionaryRevision: number): OpenSlot {
    const own = this.#classOf(intervalMs, at);
    const number = Math.floor((at.monotonicMs + own.slotPhaseMs) / own.spanMs);
    const open = own.open;
    if (open !== undefined && !this.#mustOpen(own, open, number, at, dictionaryRevision)) return open;
    return this.#openSlot(own, number, at, dictionaryRevision);
  }

  /** When the open slot of this class ends, monotonic; undefined when none is open. */
  openUntilMs(intervalMs: number): number | undefined {
    return this.#classes.get(intervalMs)?.open?.slot.endsAtMs;
  }

  /** The next report of every class opens a slot that is a key-frame. */
  restart(): void {
    for (const own of this.#classes.values()) {
      own.forceKey = true;
      own.open = undefined;
    }
  }

  #classOf(intervalMs: number, at: Instant): IntervalClass {
    const known = this.#classes.get(intervalMs);
    if (known !== undefined) return known;
    const intervals = Math.max(1, Math.min(limits.rows, Math.trunc(this.#options.intervalsPerChunk(intervalMs)) || 1));
    const spanMs = Math.max(1, intervalMs) * intervals;
    const made: IntervalClass = {
      intervalMs,
      intervals,
      spanMs,
      slotPhaseMs: phaseOf(`${this.#options.salt}/${intervalMs}/slot`, spanMs),
      keyPhaseMs: phaseOf(`${this.#options.salt}/${intervalMs}/key`, this.#options.keyFrameEveryMs),
      slotNumber: -1,
      keyNumber: Number.NaN,
      keyEpoch: 0,
      forceKey: true,
      wallOffsetMs: at.wallMs - at.monotonicMs,
      open: undefined,
    };
    this.#classes.set(intervalMs, made);
    return made;
  }

  #mustOpen(own: IntervalClass, open: OpenSlot, number: number, at: Instant, dictionaryRevision: number): boolean {
    const { slot } = open;
    // A poll that ends late never reopens a slot that is gone.
    if (number > own.slotNumber || at.bootId !== slot.bootId) return true;
    if (isUnanchored(at) !== ((slot.flags & flagUnanchored) !== 0)) return true;
    if (dictionaryRevision - slot.dictionaryRevision > 0xffff) return true;
    return !isUnanchored(at) && Math.abs(at.wallMs - at.monotonicMs - own.wallOffsetMs) > this.#options.wallStepMs;
  }

  #openSlot(own: IntervalClass, number: number, at: Instant, dictionaryRevision: number): OpenSlot {
    const sameBoot = own.open === undefined || own.open.slot.bootId === at.bootId;
    const slotNumber = sameBoot ? Math.max(number, own.slotNumber) : number;
    const keyNumber = Math.floor((at.monotonicMs + own.keyPhaseMs) / this.#options.keyFrameEveryMs);
    const isKeyFrame = own.forceKey || keyNumber !== own.keyNumber || !sameBoot;
    if (isKeyFrame) own.keyEpoch += 1;
    // Counted from the wall clock's floor on, so that ids also grow over a restart: the journal may still hold the last run's.
    this.#lastId = this.#lastId === 0 ? Math.max(1, Math.floor(at.wallMs)) : this.#lastId + 1;
    const unanchored = isUnanchored(at);
    const slot: Slot = Object.freeze({
      id: this.#lastId,
      intervalMs: own.intervalMs,
      t0: chunkTimeMs(at, unanchored),
      flags: (isKeyFrame ? flagKeyFrame : 0) | (unanchored ? flagUnanchored : 0),
      dictionaryRevision,
      intervals: own.intervals,
      endsAtMs: (slotNumber + 1) * own.spanMs - own.slotPhaseMs,
      bootId: at.bootId,
    });
    own.slotNumber = slotNumber;
    own.keyNumber = keyNumber;
    own.forceKey = false;
    own.wallOffsetMs = at.wallMs - at.monotonicMs;
    own.open = { slot, keyEpoch: own.keyEpoch };
    return own.open;
  }
}
