import type { DecodedChunk } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { ChunkDecoder } from "#ports/codec.ts";
import { StreamMemories } from "../ingest/memories.ts";
import type { ChunkRow, GatewayRow } from "../store/rows.ts";
import type { StoreQueries } from "../store/store.ts";

/** Counted from the stored bytes, not from any counter. */
export interface Recount {
  readonly chunks: number;
  readonly samples: number;
  /** Chunks whose dictionary is not known yet, or that are not decodable: their samples are not in `samples`. */
  readonly unreadable: number;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Samples of the asked metric per equipment; {} if none was asked for. */
  readonly byEquipment: Readonly<Record<string, number>>;
}

export interface RecountParts {
  readonly read: StoreQueries;
  readonly decoder: ChunkDecoder;
  readonly clock: Clock;
}

/** Chunks read and decoded between two breaths. */
const chunksPerTurn = 100;

/** Decodes every stored telemetry chunk of a gateway again. @param metric counted per equipment besides */
export async function recount(parts: RecountParts, gateway: GatewayRow, metric: string | undefined, signal: AbortSignal): Promise<Recount> {
  const counter = new Counter(parts, metric);
  let after = { streamRef: -1, seq: 0 };
  for (;;) {
    const page = await parts.read.allChunks(gateway.ref, after, chunksPerTurn);
    for (const row of page) await counter.add(row);
    const last = page.at(-1);
    if (last === undefined || page.length < chunksPerTurn) return counter.result();
    after = { streamRef: last.streamRef, seq: last.seq };
    await parts.clock.sleep(0, signal);
  }
}

class Counter {
  readonly #parts: RecountParts;
  readonly #metric: string | undefined;
  readonly #dictionaries: StreamMemories;
  readonly #byEquipment = new Map<string, number>();
  #chunks = 0;
  #samples = 0;
  #unreadable = 0;
  #fromMs: number | null = null;
  #toMs: number | null = null;

  constructor(parts: RecountParts, metric: string | undefined) {
    this.#parts = parts;
    this.#metric = metric;
    this.#dictionaries = new StreamMemories(parts.decoder, { maxMemories: 64, maxReplay: 0 });
  }

  async add(row: ChunkRow): Promise<void> {
    if (row.kind !== "chunk") return;
    this.#chunks += 1;
    const chunk = await this.#resolve(row);
    if (chunk === undefined) {
      this.#unreadable += 1;
      return;
    }
    this.#samples += chunk.samples;
    this.#countMetric(chunk);
    if (row.fromMs !== undefined) this.#fromMs = Math.min(this.#fromMs ?? row.fromMs, row.fromMs);
    if (row.toMs !== undefined) this.#toMs = Math.max(this.#toMs ?? row.toMs, row.toMs);
  }

  result(): Recount {
    return {
      chunks: this.#chunks,
      samples: this.#samples,
      unreadable: this.#unreadable,
      fromMs: this.#fromMs,
      toMs: this.#toMs,
      byEquipment: Object.fromEntries(this.#byEquipment),
    };
  }

  async #resolve(row: ChunkRow): Promise<DecodedChunk | undefined> {
    try {
      const decoded = this.#parts.decoder.decode(row.payload);
      if (decoded.kind !== "chunk") return undefined;
      const stream = { ref: row.streamRef, gatewayRef: row.gatewayRef };
      const dictionary = await this.#dictionaries.dictionary(this.#parts.read, stream, decoded.chunk);
      return dictionary === undefined ? undefined : this.#parts.decoder.resolve(decoded.chunk, dictionary.groups);
    } catch (error) {
      if (!isGatewayError(error) || !error.code.startsWith("codec.")) throw error;
      return undefined;
    }
  }

  #countMetric(chunk: DecodedChunk): void {
    for (const { group, rows } of chunk.groups) {
      for (const [column, series] of group.series.entries()) {
        if (series.metric !== this.#metric) continue;
        const count = rows.filter((row) => row.cells[column]?.state !== "missing").length;
        this.#byEquipment.set(group.equipment, (this.#byEquipment.get(group.equipment) ?? 0) + count);
      }
    }
  }
}
