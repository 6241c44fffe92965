import { letGo } from "#model/own-bytes.ts";
import type { Clock } from "#ports/clock.ts";
import type { Backlog, BacklogBatch } from "./backlog.ts";
import type { BacklogKeeper } from "./backlog-keeper.ts";
import type { StoreLedger } from "./ledger.ts";
import type { Outbox } from "./outbox.ts";
import { factsOf } from "./record.ts";
import type { Ring } from "./ring.ts";
import { recordShare } from "./settings.ts";
import type { Space } from "./space.ts";
import type { OutboxStream, RingChunk } from "./streams.ts";

/** The journal begins to be emptied when this much of it is needed ... */
const crowdedShare = 0.65;
/** ... this much at a time, in one transaction ... */
const spillShare = 0.125;
/** ... and gives things up when it cannot be emptied and this much is needed. The rest is room for two records and the waste of a turn. */
const giveUpShare = 0.75;
/** From here on a chunk is rather written again than given up: alarms and audit. */
const preciousPriority = 4;
const highestPriority = 5;

/** A chunk that is written again at the journal's head, because its old place is needed. */
export interface CarriedChunk {
  readonly stream: OutboxStream;
  readonly chunk: RingChunk;
  readonly bytes: Uint8Array;
}

export interface ReliefParts {
  readonly ring: Ring;
  readonly outbox: Outbox;
  readonly keeper: BacklogKeeper;
  readonly space: Space;
  readonly ledger: StoreLedger;
  readonly clock: Pick<Clock, "now">;
}

/** Makes room: from the journal into the backlog, and in the backlog by evicting the oldest of the lowest class. */
export class Relief {
  /** Last eviction that is in the books. */
  lastEvictionId: number;
  readonly #parts: ReliefParts;
  #carried: CarriedChunk[] = [];

  constructor(parts: ReliefParts, lastEvictionId: number) {
    this.#parts = parts;
    this.lastEvictionId = lastEvictionId;
  }

  /** The newest of the records that must be emptied; undefined = there is room. */
  get crowdedUpTo(): number | undefined {
    const { ring } = this.#parts;
    if (ring.usedBytes < ring.capacityBytes * crowdedShare) return undefined;
    return ring.oldest(ring.capacityBytes * spillShare).at(-1);
  }

  /** Empties the journal's oldest part until it is no longer crowded, as far as that can be done. */
  relieve(): void {
    const { ring } = this.#parts;
    for (let upTo = this.crowdedUpTo; upTo !== undefined; upTo = this.crowdedUpTo) {
      const before = ring.usedBytes;
      if (!this.#spill(upTo) && before >= ring.capacityBytes * giveUpShare) this.#giveUp(upTo);
      if (ring.usedBytes === before) return;
    }
  }

  /** Chunks to be written again with the next record. They are still in their old place until `rewritten`. */
  get carried(): readonly CarriedChunk[] {
    return this.#carried.filter(({ stream, chunk }) => stream.ring.get(chunk.seq) === chunk);
  }

  rewritten(): void {
    this.#carried = [];
  }

  /** Keeps the backlog below its bound. @returns whether something was evicted */
  trim(): boolean {
    const { keeper, space } = this.#parts;
    const before = this.lastEvictionId;
    while (keeper.attempt((backlog) => space.isOver(backlog, 0))?.value === true && this.#evictSome(space.evictionBytes, highestPriority));
    return this.lastEvictionId !== before;
  }

  #spill(upToRecord: number): boolean {
    const { outbox, keeper, space, ring } = this.#parts;
    this.#makeRoomFor(upToRecord);
    const moving = this.#chunksUpTo(upToRecord);
    const batches: BacklogBatch[] = [];
    for (const [stream, chunks] of moving) {
      const rows = chunks.flatMap((chunk) => {
        const content = outbox.bytesOf(stream, chunk);
        return content === undefined ? [] : [{ ...factsOf(chunk), bytes: content }];
      });
      batches.push({ stream: stream.id, streamClass: stream.streamClass, chunks: rows });
    }
    const { bytes, lowest } = totalsOf(moving);
    if (bytes === 0) return true;
    const written = keeper.attempt((backlog) =>
      space.withRescue(
        backlog,
        () => backlog.insert(batches),
        () => this.#evictFrom(backlog, 2 * bytes, lowest),
      ),
    );
    // Megabytes, which this thread's collector would come to half a minute later; what was refused is read anew.
    for (const batch of batches) for (const chunk of batch.chunks) letGo(chunk.bytes);
    if (written === undefined) return false;
    keeper.proven();
    for (const [stream, chunks] of moving) {
      for (const chunk of chunks) if (stream.moveToBacklog(chunk.seq) !== undefined) ring.release(chunk.recordSeq, 1);
    }
    return true;
  }

  /** Evicts for what is to come; where only more important things are left in the backlog, what is to come goes itself, lowest class first. */
  #makeRoomFor(upToRecord: number): void {
    const { keeper, space, outbox } = this.#parts;
    for (;;) {
      const moving = this.#chunksUpTo(upToRecord);
      const { bytes, lowest } = totalsOf(moving);
      if (bytes === 0 || keeper.attempt((backlog) => space.isOver(backlog, bytes))?.value !== true) return;
      if (this.#evictSome(space.evictionBytes, lowest)) continue;
      for (const [stream, chunks] of moving) {
        for (const chunk of chunks) if (chunk.priority === lowest) outbox.drop(stream, chunk, "cap");
      }
    }
  }

  #chunksUpTo(record: number): ReadonlyMap<OutboxStream, readonly RingChunk[]> {
    const found = new Map<OutboxStream, RingChunk[]>();
    for (const stream of this.#parts.outbox.streams.all()) {
      // Not in order of records where chunks were carried.
      const chunks = [...stream.ring.values()].filter((chunk) => chunk.recordSeq <= record);
      if (chunks.length > 0) found.set(stream, chunks);
    }
    return found;
  }

  /** The backlog takes nothing and the journal must go on: measurements go, alarms and audit are carried along while they fit. */
  #giveUp(upToRecord: number): void {
    const { outbox, ring } = this.#parts;
    let carriedBytes = 0;
    this.#carried = [];
    for (const [stream, chunks] of this.#chunksUpTo(upToRecord)) {
      for (const chunk of chunks) {
        const fits = carriedBytes + chunk.size <= ring.capacityBytes * recordShare;
        const bytes = chunk.priority >= preciousPriority && fits ? outbox.bytesOf(stream, chunk) : undefined;
        if (bytes === undefined) outbox.drop(stream, chunk, "disk-full");
        else this.#carried.push({ stream, chunk, bytes });
        carriedBytes += bytes?.length ?? 0;
      }
    }
  }

  #evictSome(bytes: number, maxPriority: number): boolean {
    return this.#parts.keeper.attempt((backlog) => this.#evictFrom(backlog, bytes, maxPriority))?.value === true;
  }

  #evictFrom(backlog: Backlog, bytes: number, maxPriority: number): boolean {
    const { outbox, ledger, clock } = this.#parts;
    const isDone = (id: string, seq: number): boolean => outbox.streams.get(id)?.isDone(seq) ?? false;
    const evicted = backlog.evict(bytes, { maxPriority, isDone });
    for (const run of evicted) {
      this.lastEvictionId = run.id;
      const stream = outbox.streams.get(run.stream);
      if (stream === undefined) continue;
      const { fromSeq, toSeq, fromMs, toMs, samples } = run;
      stream.forgetBacklog({ chunks: toSeq - fromSeq + 1, samples, bytes: run.bytes });
      stream.entomb(fromSeq, toSeq);
      ledger.drop({ kind: "gap", observedAt: clock.now(), reason: "cap", stream: run.stream, fromSeq, toSeq, fromMs, toMs, samples });
    }
    return evicted.length > 0;
  }
}

function totalsOf(moving: ReadonlyMap<OutboxStream, readonly RingChunk[]>): { readonly bytes: number; readonly lowest: number } {
  let bytes = 0;
  let lowest = highestPriority;
  for (const chunks of moving.values()) {
    for (const chunk of chunks) {
      bytes += chunk.size;
      lowest = Math.min(lowest, chunk.priority);
    }
  }
  return { bytes, lowest };
}
