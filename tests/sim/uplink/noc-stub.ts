import type { StreamAck, StreamId } from "../../../runtime/model/chunk.ts";
import type { NocAcknowledgement, UplinkLeaf } from "../../../runtime/ports/uplink.ts";

/** One arrival of one chunk at the NOC. */
export interface Arrival {
  readonly key: string;
  readonly leaf: UplinkLeaf;
  readonly atMs: number;
  readonly duplicate: boolean;
}

/** The NOC's ingest in miniature: stores (stream, seq) once, knows what is contiguous, and says so when asked. */
export class NocStub {
  readonly #streams = new Map<StreamId, { contiguous: number; readonly beyond: Set<number> }>();
  readonly arrivals: Arrival[] = [];
  duplicates = 0;
  #dirty = new Set<StreamId>();
  /** Chunks it says it cannot store. */
  refuses: (key: string) => boolean = () => false;
  #refused: { stream: StreamId; seq: number; code: string }[] = [];
  grants: NocAcknowledgement["grants"] = {};

  store(stream: StreamId, seq: number, leaf: UplinkLeaf, atMs: number): void {
    const key = `${stream}:${seq}`;
    if (this.refuses(key)) {
      this.#refused.push({ stream, seq, code: "malformed" });
      return;
    }
    const known = this.#streams.get(stream) ?? { contiguous: 0, beyond: new Set<number>() };
    this.#streams.set(stream, known);
    const duplicate = seq <= known.contiguous || known.beyond.has(seq);
    this.arrivals.push({ key, leaf, atMs, duplicate });
    if (duplicate) this.duplicates += 1;
    else known.beyond.add(seq);
    this.#settle(stream);
  }

  /** The gateway said that this range will never come (`stream.gap`). */
  tombstone(stream: StreamId, fromSeq: number, toSeq: number): void {
    const known = this.#streams.get(stream) ?? { contiguous: 0, beyond: new Set<number>() };
    this.#streams.set(stream, known);
    for (let seq = Math.max(fromSeq, known.contiguous + 1); seq <= toSeq; seq++) known.beyond.add(seq);
    this.#settle(stream);
  }

  has(stream: StreamId, seq: number): boolean {
    const known = this.#streams.get(stream);
    return known !== undefined && (seq <= known.contiguous || known.beyond.has(seq));
  }

  get stored(): number {
    return this.arrivals.length - this.duplicates;
  }

  /** Forgets what it knows about streams that were not touched since: as after a restart of the acker. */
  touchAll(): void {
    for (const stream of this.#streams.keys()) this.#dirty.add(stream);
  }

  /** What it would say now; undefined = nothing new since the last time. */
  acknowledgement(): NocAcknowledgement | undefined {
    if (this.#dirty.size === 0 && this.#refused.length === 0) return undefined;
    const streams: StreamAck[] = [...this.#dirty].map((stream) => {
      const known = this.#streams.get(stream);
      return { stream, upTo: known?.contiguous ?? 0, ranges: rangesOf([...(known?.beyond ?? [])]) };
    });
    const rejected = this.#refused.splice(0, 32);
    this.#dirty = new Set();
    return { streams, grants: this.grants, neededDictionaries: [], resync: false, rejected };
  }

  #settle(stream: StreamId): void {
    const known = this.#streams.get(stream);
    if (known === undefined) return;
    while (known.beyond.delete(known.contiguous + 1)) known.contiguous += 1;
    this.#dirty.add(stream);
  }
}

function rangesOf(seqs: readonly number[]): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === seq - 1) last[1] = seq;
    else ranges.push([seq, seq]);
  }
  return ranges.slice(0, 32);
}
