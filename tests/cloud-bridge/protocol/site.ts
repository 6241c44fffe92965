import type { DecodedChunk, Frame, StreamId } from "#model/chunk.ts";
import type { EquipmentId } from "#model/equipment.ts";
import type { Column, Metric, MetricKind, Report, TableReport, TableShape } from "#model/report.ts";
import { type Instant, monotonicMs, wallMs } from "#model/time.ts";
import type { ChunkAssembler, ChunkDecoder, FrameEncoder } from "#ports/codec.ts";
import type { Entropy } from "#ports/entropy.ts";
import { DictionaryBook } from "../../../cloud-bridge/protocol/codec/dictionary-book.ts";

/** A small linear generator: the same numbers for the same seed. */
export function seededEntropy(seed: number): Entropy {
  let state = seed >>> 0;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  return { random, bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)) };
}

export const bootWallMs = 1_795_294_121_000;

export function instant(
  monotonic: number,
  more: { readonly wall?: number; readonly quality?: Instant["quality"]; readonly bootId?: string } = {},
): Instant {
  return {
    wallMs: wallMs(more.wall ?? bootWallMs + monotonic),
    monotonicMs: monotonicMs(monotonic),
    bootId: more.bootId ?? "b00t0001",
    quality: more.quality ?? "synced",
  };
}

export const metric = (name: string, kind: MetricKind, scale = 1): Metric => ({ name, kind, unit: kind === "counter" ? "By" : "", scale });

export function shapeOf(equipment: string, table: string, metrics: readonly Metric[], rows: number, intervalMs = 60_000): TableShape {
  return {
    equipment: equipment as EquipmentId,
    table,
    revision: 1,
    intervalMs,
    metrics,
    rows: Array.from({ length: rows }, (_, index) => ({ key: `r${index}`, labels: { index: `${index}` } })),
  };
}

export function tableReport(shape: TableShape, columns: readonly Column[], observedAt: Instant): TableReport {
  return { shape, columns, observedAt, elapsedMs: shape.intervalMs };
}

export function reportOf(observedAt: Instant, tables: readonly TableReport[], gaps: Report["gaps"] = []): Report {
  const equipment = tables[0]?.shape.equipment ?? ("sw-1" as EquipmentId);
  return { kind: "report", equipment, observedAt, plannedAtMs: observedAt.monotonicMs, tables, gaps };
}

/** What the store does, without a disk: collects the frames of a slot, seals them in order, and hands on bytes. */
export class MemoryStore {
  readonly chunks: { readonly seq: number; readonly bytes: Uint8Array; readonly samples: number; readonly slotId: number | undefined }[] =
    [];
  readonly #assembler: ChunkAssembler;
  readonly #open = new Map<number, Frame[]>();
  #seq = 0;

  constructor(assembler: ChunkAssembler) {
    this.#assembler = assembler;
  }

  append(frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (frame.streamClass !== "T") continue;
      if (frame.slot === undefined) {
        this.#seal([frame]);
        continue;
      }
      const { slot } = frame;
      // A newer slot of the class means that the older one is complete.
      for (const [id, open] of this.#open) {
        if (open[0]?.slot?.intervalMs === slot.intervalMs && id < slot.id) this.#sealSlot(id);
      }
      this.#open.set(slot.id, [...(this.#open.get(slot.id) ?? []), frame]);
    }
  }

  sealNow(): void {
    for (const id of [...this.#open.keys()]) this.#sealSlot(id);
  }

  #sealSlot(id: number): void {
    const frames = this.#open.get(id) ?? [];
    this.#open.delete(id);
    this.#seal(frames);
  }

  #seal(frames: readonly Frame[]): void {
    const [first] = frames;
    if (first === undefined) return;
    this.#seq += 1;
    const head = { stream: "0123456789ab" as StreamId, seq: this.#seq, ...(first.slot === undefined ? {} : { slot: first.slot }) };
    const samples = frames.reduce((sum, frame) => sum + frame.samples, 0);
    this.chunks.push({ seq: this.#seq, bytes: this.#assembler.assemble(head, frames), samples, slotId: first.slot?.id });
  }
}

/** What the NOC does: dictionary records into the book, chunks through the memory. */
export function readAll(decoder: ChunkDecoder, chunks: readonly { readonly bytes: Uint8Array }[]): DecodedChunk[] {
  const book = new DictionaryBook();
  const memory = decoder.newMemory();
  const decoded: DecodedChunk[] = [];
  for (const { bytes } of chunks) {
    const payload = decoder.decode(bytes);
    if (payload.kind === "dict") {
      book.apply(payload.record);
      decoder.passOver(memory, payload.seq);
    } else if (payload.kind === "chunk") {
      const dictionary = book.at(payload.chunk.dictionaryRevision);
      if (dictionary === undefined) throw new Error(`no dictionary ${payload.chunk.dictionaryRevision}`);
      decoded.push(decoder.resolve(payload.chunk, dictionary, memory));
    }
  }
  return decoded;
}

export type { FrameEncoder };
