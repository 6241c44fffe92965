import type { StreamId } from "#model/chunk.ts";
import { defaultGrants, type Grants } from "./lanes.ts";
import { RateMeter } from "./rate-meter.ts";

const maxPoison = 256;

/** How often a chunk may be refused before it is given up. */
export const maxTries = 3;

export interface DrainCounters {
  sentChunks: number;
  sentBytes: number;
  resentChunks: number;
  acknowledgements: number;
  /** Published in the session in which the NOC acknowledged them. */
  acknowledgedChunks: number;
  /** Entries for streams that are not ours. */
  unknownAcks: number;
  /** Entries for chunks that do not exist yet. */
  impossibleAcks: number;
  /** Messages of the NOC that could not be read. */
  malformedMessages: number;
  /** Chunks given up. */
  rejectedChunks: number;
  /** Publications refused by the broker. */
  refusedPublications: number;
  /** Publications that nobody had subscribed to. */
  unmatchedPublications: number;
}

/** What the drain knows beyond one session. Bounded: the oldest entries go first. */
export class DrainMemory {
  readonly grants: Grants = defaultGrants();
  nocOn = true;
  /**
   * Whether PUBACK 0x10 means what it says. A broker that hands messages to rules or a bridge may have no subscriber and lose nothing: once
   * the NOC has acknowledged what was published to nobody, the code is believed no more.
   */
  believesUnmatched = true;
  lastAckAtMs: number | undefined;
  /** `stream:seq` of chunks that were under way when the broker cut the connection for what it was sent: published one at a time from then on. */
  readonly suspects = new Set<string>();
  readonly chunkRate = new RateMeter();
  readonly byteRate = new RateMeter();
  readonly counters: DrainCounters = {
    sentChunks: 0,
    sentBytes: 0,
    resentChunks: 0,
    acknowledgements: 0,
    acknowledgedChunks: 0,
    unknownAcks: 0,
    impossibleAcks: 0,
    malformedMessages: 0,
    rejectedChunks: 0,
    refusedPublications: 0,
    unmatchedPublications: 0,
  };
  readonly #tries = new Map<string, number>();

  /** Counts one refusal of a chunk and returns how many there were. */
  refused(key: string): number {
    const tries = (this.#tries.get(key) ?? 0) + 1;
    this.#tries.delete(key);
    this.#tries.set(key, tries);
    dropOldest(this.#tries, maxPoison);
    return tries;
  }

  forget(key: string): void {
    this.#tries.delete(key);
    this.suspects.delete(key);
  }
}

function dropOldest<K, V>(map: Map<K, V>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}

export function chunkKey(stream: StreamId, seq: number): string {
  return `${stream}:${seq}`;
}
