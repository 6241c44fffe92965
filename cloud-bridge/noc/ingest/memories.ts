import type { DictionaryGroup } from "#model/chunk.ts";
import type { ChunkDecoder, RawChunk, SeriesMemory } from "#ports/codec.ts";
import type { ChunkRow, GroupRow, StreamRow } from "../store/rows.ts";
import type { StoreTransaction } from "../store/store.ts";
import { firstAt } from "./chunk-time.ts";
import type { IngestLimits } from "./limits.ts";

/** What must be remembered of a telemetry stream to decode its next chunk exactly. Valid for `codec.nextSeq` only. */
export interface StreamMemory {
  readonly codec: SeriesMemory;
  /** By group: per column, when the last valid counter sample was taken. */
  readonly counterMs: Map<number, Float64Array>;
}

/** A dictionary revision ready for use: groups by their number on the wire, and which group of the store each is. */
export interface ResolvedDictionary {
  readonly groups: ReadonlyMap<number, DictionaryGroup>;
  readonly refs: ReadonlyMap<number, number>;
}

/** What makes a group the same group, whatever its number on the wire. */
export function contentOf(group: Omit<DictionaryGroup, "groupId">): Omit<GroupRow, "ref" | "gatewayRef"> {
  return { equipment: group.equipment, table: group.table, intervalMs: group.intervalMs, series: group.series };
}

export function counterTimes(memory: StreamMemory, groupRef: number, columns: number): Float64Array {
  const known = memory.counterMs.get(groupRef);
  if (known !== undefined) return known;
  const made = new Float64Array(columns);
  memory.counterMs.set(groupRef, made);
  return made;
}

type DictionaryReader = Pick<StoreTransaction, "dictionary" | "group">;

/** Decoding memories and dictionaries of the streams in use; what is not at hand is rebuilt from the store. */
export class StreamMemories {
  readonly #decoder: ChunkDecoder;
  readonly #limits: Pick<IngestLimits, "maxMemories" | "maxReplay">;
  readonly #memories: RecentlyUsed<number, StreamMemory>;
  readonly #dictionaries: RecentlyUsed<string, ResolvedDictionary>;

  constructor(decoder: ChunkDecoder, limits: Pick<IngestLimits, "maxMemories" | "maxReplay">) {
    this.#decoder = decoder;
    this.#limits = limits;
    this.#memories = new RecentlyUsed(limits.maxMemories);
    this.#dictionaries = new RecentlyUsed(limits.maxMemories);
  }

  forget(): void {
    this.#memories.clear();
    this.#dictionaries.clear();
  }

  /** A dictionary record takes a seq of its stream and changes no value. */
  passDictionary(streamRef: number, seq: number): void {
    const memory = this.#memories.get(streamRef);
    if (memory?.codec.nextSeq === seq) this.#decoder.passOver(memory.codec, seq);
  }

  async dictionary(
    tx: DictionaryReader,
    stream: Pick<StreamRow, "ref" | "gatewayRef">,
    raw: RawChunk,
  ): Promise<ResolvedDictionary | undefined> {
    const row = await tx.dictionary(stream.gatewayRef, stream.ref, raw.dictionaryRevision, raw.seq);
    if (row === undefined) return undefined;
    const key = `${row.streamRef}/${row.seq}`;
    const known = this.#dictionaries.get(key);
    if (known !== undefined) return known;
    const groups = new Map<number, DictionaryGroup>();
    for (const [groupId, ref] of row.groups) {
      const group = await tx.group(ref);
      if (group !== undefined) groups.set(groupId, { groupId, ...contentOf(group) });
    }
    const resolved = { groups, refs: row.groups };
    this.#dictionaries.set(key, resolved);
    return resolved;
  }

  /** The stream's memory as of just before `seq`; rebuilt from the stream's last key frame when it is not at hand. */
  async before(tx: StoreTransaction, stream: StreamRow, seq: number): Promise<StreamMemory> {
    const known = this.#memories.get(stream.ref);
    if (known?.codec.nextSeq === seq) return known;
    const memory: StreamMemory = { codec: this.#decoder.newMemory(), counterMs: new Map() };
    for (const chunk of await tx.chunksSinceKeyFrame(stream.ref, seq, this.#limits.maxReplay))
      await this.#replay(tx, stream, chunk, memory);
    this.#memories.set(stream.ref, memory);
    return memory;
  }

  async #replay(tx: StoreTransaction, stream: StreamRow, chunk: ChunkRow, memory: StreamMemory): Promise<void> {
    if (chunk.state === "dead") return;
    if (chunk.kind === "dict") {
      this.#decoder.passOver(memory.codec, chunk.seq);
      return;
    }
    const decoded = this.#decoder.decode(chunk.payload);
    if (decoded.kind !== "chunk") return;
    const dictionary = await this.dictionary(tx, stream, decoded.chunk);
    if (dictionary === undefined) return;
    const resolved = this.#decoder.resolve(decoded.chunk, dictionary.groups, memory.codec);
    const shiftMs = (chunk.fromMs ?? 0) - firstAt(resolved);
    for (const { group, rows } of resolved.groups) {
      const ref = dictionary.refs.get(group.groupId);
      if (ref === undefined) continue;
      const counterMs = counterTimes(memory, ref, group.series.length);
      for (const row of rows) {
        for (const [column, cell] of row.cells.entries()) if (cell.state === "counter") counterMs[column] = row.at + shiftMs;
      }
    }
  }
}

/** Least recently used goes first. */
export class RecentlyUsed<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    const oldest = this.#entries.keys().next();
    if (oldest.done !== true) this.#entries.delete(oldest.value);
  }

  clear(): void {
    this.#entries.clear();
  }
}
