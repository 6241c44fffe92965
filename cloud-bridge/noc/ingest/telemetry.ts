import type { DecodedChunk, DecodedGroup, DictionaryRecord } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import type { ChunkDecoder, RawChunk } from "#ports/codec.ts";
import type { AnchorRow, ChunkRow, ChunkState, StreamRow } from "../store/rows.ts";
import { bury } from "./bury.ts";
import { anchorShift, firstAt } from "./chunk-time.ts";
import { deriveRow, rollupLevels } from "./derive.ts";
import { continued } from "./dictionary-groups.ts";
import type { Draft, Drafts, GatewayDraft } from "./drafts.ts";
import type { IngestLimits } from "./limits.ts";
import { contentOf, counterTimes, RecentlyUsed, type ResolvedDictionary, StreamMemories, type StreamMemory } from "./memories.ts";
import { contiguousTo, hasRange, highestSeq } from "./ranges.ts";
import { isKnown, type KnownRows, repeatedRows } from "./repeated-rows.ts";

const maxRefused = 1_000;

/** What became of one chunk when its turn came. `wait`: not now; later chunks of the stream may not pass it yet. */
type Turn = ChunkState | "wait";

/**
 * Turns stored chunks into last values and rollups, in stream order: exact, because a chunk's unchanged values are those of its
 * predecessor. Every effect is part of the caller's transaction; when that fails, call `forget`.
 */
export class Telemetry {
  readonly #decoder: ChunkDecoder;
  readonly #limits: IngestLimits;
  readonly #memories: StreamMemories;
  /** Dictionaries that exceed the limit of series: not asked for again, and what needs them is set aside. */
  readonly #refused = new RecentlyUsed<string, true>(maxRefused);

  constructor(decoder: ChunkDecoder, limits: IngestLimits) {
    this.#decoder = decoder;
    this.#limits = limits;
    this.#memories = new StreamMemories(decoder, limits);
  }

  /** Drops what a failed transaction may have changed; it is rebuilt from the store. */
  forget(): void {
    this.#memories.forget();
  }

  /** Applies whatever is ready. True = the transaction's share was used up and there may be more. */
  async apply(drafts: Drafts, gateway: GatewayDraft, stream: Draft<StreamRow>): Promise<boolean> {
    let cursor = 1;
    for (let count = 0; count < this.#limits.appliesPerTransaction; count++) {
      const chunk = await drafts.tx.nextPending(stream.ref, cursor);
      if (chunk === undefined) {
        stream.appliedTo = Math.max(stream.appliedTo, contiguousTo(stream.received));
        return false;
      }
      cursor = chunk.seq + 1;
      const patienceMs = gateway.row.online ? this.#limits.patienceMs : this.#limits.patienceOfflineMs;
      const waited = drafts.nowMs - chunk.receivedMs >= patienceMs;
      const inTurn = chunk.seq <= stream.appliedTo || hasRange(stream.received, stream.appliedTo + 1, chunk.seq);
      if (!inTurn && !waited) return false;
      const turn = await this.#take(drafts, gateway, stream, chunk);
      if (turn === "wait") return false;
      stream.appliedTo = Math.max(stream.appliedTo, chunk.seq);
    }
    return highestSeq(stream.received) > stream.appliedTo;
  }

  /**
   * Shows what a chunk says by itself as last values, long before its turn comes: that is after the history in front of it. Rollups and the chunk's state
   * are left to its turn, which overwrites what is shown here with the exact.
   */
  async preview(drafts: Drafts, gateway: GatewayDraft, stream: StreamRow, chunk: ChunkRow): Promise<void> {
    try {
      const payload = this.#decoder.decode(chunk.payload);
      if (payload.kind !== "chunk") return;
      const dictionary = await this.#memories.dictionary(drafts.tx, stream, payload.chunk);
      if (dictionary === undefined) return;
      const decoded = this.#decoder.resolve(payload.chunk, dictionary.groups);
      const shiftMs = decoded.unanchored ? anchorShift(await this.#anchors(drafts, gateway, decoded), firstAt(decoded)) : 0;
      if (shiftMs === undefined) return;
      for (const group of decoded.groups) await this.#previewGroup(drafts, gateway, group, { dictionary, shiftMs });
    } catch (error) {
      if (!isGatewayError(error) || !error.code.startsWith("codec.")) throw error; // Judged when its turn comes.
    }
  }

  async #previewGroup(
    drafts: Drafts,
    gateway: GatewayDraft,
    { group, rows }: DecodedGroup,
    context: { readonly dictionary: ResolvedDictionary; readonly shiftMs: number },
  ): Promise<void> {
    const ref = context.dictionary.refs.get(group.groupId);
    if (ref === undefined) return;
    const columns = group.series.length;
    const last = await drafts.last(ref, columns);
    const equipment = await drafts.equipment(gateway, group.equipment);
    const target = { last: last.numbers, texts: last.texts, seen: last.seen, counterMs: new Float64Array(columns), buckets: [] };
    for (const row of rows) {
      const atMs = row.at + context.shiftMs;
      deriveRow(row, group.intervalMs, atMs, target);
      last.atMs = Math.max(last.atMs, atMs);
      if (equipment !== undefined) equipment.lastPollMs = Math.max(equipment.lastPollMs, atMs);
    }
  }

  async #take(drafts: Drafts, gateway: GatewayDraft, stream: Draft<StreamRow>, chunk: ChunkRow): Promise<Turn> {
    try {
      const decoded = this.#decoder.decode(chunk.payload);
      if (decoded.kind === "dict") return await this.#learn(drafts, gateway, stream, chunk, decoded.record);
      if (decoded.kind === "chunk") return await this.#derive(drafts, gateway, stream, chunk, decoded.chunk);
      return "dead"; // Never stored as a chunk.
    } catch (error) {
      if (!isGatewayError(error) || !error.code.startsWith("codec.")) throw error;
      if (error.code === "codec.dictionary") return await this.#park(drafts, gateway, stream, chunk);
      await bury(drafts, stream, chunk, error.code);
      return "dead";
    }
  }

  /** Sets a chunk aside until the dictionary it needs is known; it is asked for with the next ack. */
  async #park(drafts: Drafts, gateway: GatewayDraft, stream: Draft<StreamRow>, chunk: ChunkRow): Promise<Turn> {
    if (this.#refused.get(`${gateway.row.ref}/${chunk.dictionaryRevision}`) === true) {
      await bury(drafts, stream, chunk, "too-many-series");
      return "dead";
    }
    gateway.needed.add(chunk.dictionaryRevision);
    await drafts.tx.markChunk(chunk, "parked");
    return "parked";
  }

  async #learn(drafts: Drafts, gateway: GatewayDraft, stream: Draft<StreamRow>, chunk: ChunkRow, record: DictionaryRecord): Promise<Turn> {
    const base = record.full ? undefined : await drafts.tx.dictionary(gateway.row.ref, stream.ref, record.base, chunk.seq);
    if (!record.full && base === undefined) return await this.#park(drafts, gateway, stream, chunk);
    const earlier = record.full ? await drafts.tx.waiting.priorDictionary(gateway.row.ref, record.revision) : base;
    const { groups, removed } = continued(earlier, record);
    for (const group of record.groups) {
      const row = await drafts.tx.internGroup(gateway.row.ref, contentOf(group), this.#limits.maxSeries);
      if (row === undefined) {
        this.#refused.set(`${gateway.row.ref}/${record.revision}`, true);
        await drafts.tx.waiting.unpark(gateway.row.ref, { revision: record.revision });
        await bury(drafts, stream, chunk, "too-many-series");
        return "dead";
      }
      groups.set(group.groupId, row.ref);
    }
    const place = { streamRef: stream.ref, gatewayRef: gateway.row.ref, seq: chunk.seq, revision: record.revision };
    await drafts.tx.addDictionary({ ...place, groups, removed });
    await drafts.tx.markChunk(chunk, "applied");
    await drafts.tx.waiting.unpark(gateway.row.ref, { revision: record.revision });
    this.#memories.passDictionary(stream.ref, chunk.seq);
    return "applied";
  }

  async #derive(drafts: Drafts, gateway: GatewayDraft, stream: Draft<StreamRow>, chunk: ChunkRow, raw: RawChunk): Promise<Turn> {
    const dictionary = await this.#memories.dictionary(drafts.tx, stream, raw);
    if (dictionary === undefined) return await this.#park(drafts, gateway, stream, chunk);
    const memory = await this.#memories.before(drafts.tx, stream, raw.seq);
    const decoded = this.#decoder.resolve(raw, dictionary.groups, memory.codec);
    const shiftMs = decoded.unanchored ? anchorShift(await this.#anchors(drafts, gateway, decoded), firstAt(decoded)) : 0;
    // Counted once, dated or not: it is here.
    if (chunk.samples === 0) stream.samples += decoded.samples;
    if (shiftMs === undefined) {
      await drafts.tx.markChunk({ ...chunk, samples: decoded.samples }, "parked");
      return "parked";
    }
    const known = decoded.salvaged
      ? await repeatedRows({ tx: drafts.tx, decoder: this.#decoder, memories: this.#memories }, chunk, { decoded, shiftMs })
      : nothingKnown;
    const span = await this.#applyGroups(drafts, gateway, decoded, { dictionary, memory, shiftMs, known });
    await this.#applyMisses(drafts, gateway, decoded, { dictionary, shiftMs });
    const state = isExact(decoded) ? "applied" : "alone";
    await drafts.tx.markChunk({ ...chunk, ...span, samples: decoded.samples }, state);
    return state;
  }

  async #anchors(drafts: Drafts, gateway: GatewayDraft, decoded: DecodedChunk): Promise<readonly AnchorRow[]> {
    return decoded.bootId === undefined ? [] : drafts.tx.anchors(gateway.row.ref, decoded.bootId);
  }

  async #applyGroups(drafts: Drafts, gateway: GatewayDraft, decoded: DecodedChunk, context: ApplyContext): Promise<Span> {
    let fromMs = Number.POSITIVE_INFINITY;
    let toMs = Number.NEGATIVE_INFINITY;
    for (const group of decoded.groups) {
      const span = await this.#applyGroup(drafts, gateway, group, context);
      fromMs = Math.min(fromMs, span.fromMs);
      toMs = Math.max(toMs, span.toMs);
    }
    // A chunk of misses only lies where its misses lie.
    for (const miss of decoded.misses) {
      fromMs = Math.min(fromMs, miss.at + context.shiftMs);
      toMs = Math.max(toMs, miss.at + context.shiftMs);
    }
    return Number.isFinite(fromMs) ? { fromMs: Math.floor(fromMs), toMs: Math.ceil(toMs) } : { fromMs: drafts.nowMs, toMs: drafts.nowMs };
  }

  async #applyGroup(drafts: Drafts, gateway: GatewayDraft, decoded: DecodedGroup, context: ApplyContext): Promise<Span> {
    const { group, rows } = decoded;
    const ref = context.dictionary.refs.get(group.groupId);
    const span: Draft<Span> = { fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY };
    if (ref === undefined) return span;
    const columns = group.series.length;
    const last = await drafts.last(ref, columns);
    const counterMs = counterTimes(context.memory, ref, columns);
    const equipment = await drafts.equipment(gateway, group.equipment);
    for (const row of rows) {
      const atMs = row.at + context.shiftMs;
      span.fromMs = Math.min(span.fromMs, atMs);
      span.toMs = Math.max(span.toMs, atMs);
      if (isKnown(context.known, ref, atMs, group.intervalMs)) continue;
      const buckets: Float64Array[] = [];
      for (const level of rollupLevels) buckets.push(await drafts.prepareRollup(level, ref, Math.floor(atMs / level) * level, columns));
      deriveRow(row, group.intervalMs, atMs, { last: last.numbers, texts: last.texts, seen: last.seen, counterMs, buckets });
      last.atMs = Math.max(last.atMs, atMs);
      if (equipment === undefined) continue;
      // The shortest interval of its tables; a longer one counts once the shorter is no longer used.
      const isOverdue = atMs - equipment.lastPollMs > equipment.intervalMs * 3;
      if (group.intervalMs < equipment.intervalMs || isOverdue) equipment.intervalMs = group.intervalMs;
      equipment.lastPollMs = Math.max(equipment.lastPollMs, atMs);
    }
    return span;
  }

  async #applyMisses(
    drafts: Drafts,
    gateway: GatewayDraft,
    decoded: DecodedChunk,
    context: { readonly dictionary: ResolvedDictionary; readonly shiftMs: number },
  ): Promise<void> {
    for (const miss of decoded.misses) {
      const group = context.dictionary.groups.get(miss.groupId);
      const ref = context.dictionary.refs.get(miss.groupId);
      if (group === undefined || ref === undefined) continue;
      const atMs = miss.at + context.shiftMs;
      await drafts.tx.addMiss(ref, atMs, miss.reason, group.intervalMs * 1.6);
      const equipment = await drafts.equipment(gateway, group.equipment);
      if (equipment === undefined || atMs < equipment.lastMissMs) continue;
      equipment.lastMissMs = atMs;
      equipment.missReason = miss.reason;
    }
  }
}

/** Without its predecessors a chunk cannot say what its unchanged values are. */
function isExact(chunk: DecodedChunk): boolean {
  return chunk.groups.every((group) => group.rows.every((row) => row.cells.every((cell) => cell.state !== "unchanged")));
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface ApplyContext {
  readonly dictionary: ResolvedDictionary;
  readonly memory: StreamMemory;
  readonly shiftMs: number;
  /** Rows that are in last values and rollups already. */
  readonly known: KnownRows;
}

const nothingKnown: KnownRows = new Map();
