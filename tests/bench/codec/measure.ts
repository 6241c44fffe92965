import { constants, zstdCompressSync } from "node:zlib";
import type { Frame, Slot, StreamId } from "#model/chunk.ts";
import type { Report } from "#model/report.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { DictionaryBook } from "../../../cloud-bridge/protocol/codec/dictionary-book.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { Site, siteSeries } from "./generator.ts";
import { naiveJson } from "./naive-json.ts";

const stream = "0123456789ab" as StreamId;
const entropy = { random: () => 0.5, bytes: (count: number) => new Uint8Array(count).fill(17) };

function zstdBytes(text: string): number {
  return zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 3 } }).length;
}

/** Whether the generator is the one that PROTOCOL 1.1 describes. */
export function measureGenerator(
  seed: number,
  busyShare: number,
  intervals = 40,
): { readonly naiveBytes: number; readonly changedShare: number } {
  const site = new Site({ seed, busyShare });
  let previous: readonly unknown[] | undefined;
  let changed = 0;
  let bytes = 0;
  for (let interval = 0; interval < intervals; interval++) {
    const reports = site.poll();
    const values = reports.flatMap((report) =>
      report.tables.flatMap((table) =>
        table.columns.flatMap((column) => [...(column.kind === "counter" ? column.absolute : column.value)]),
      ),
    );
    if (previous !== undefined) changed += values.filter((value, index) => value !== previous?.[index]).length;
    previous = values;
    bytes += zstdBytes(naiveJson([reports]));
  }
  return { naiveBytes: bytes / (siteSeries * intervals), changedShare: changed / (siteSeries * (intervals - 1)) };
}

export interface SizeResult {
  readonly intervalsPerChunk: number;
  /** Bytes of telemetry chunks per sample, key-frames included. */
  readonly chunkBytes: number;
  readonly keyFrameBytes: number;
  readonly plainBytes: number;
  readonly keyFrames: number;
  readonly chunks: number;
  readonly largestChunk: number;
  /** Bytes of dictionary records in the same time. */
  readonly dictionaryBytes: number;
}

/** Bytes on the wire over `hours`, as the store would seal them: chunks split where the assembler's bound says so. */
export function measureSize(options: {
  readonly seed: number;
  readonly busyShare: number;
  readonly intervalsPerChunk: number;
  readonly hours: number;
  readonly serialisation?: "cbor" | "json";
}): SizeResult {
  const site = new Site({ seed: options.seed, busyShare: options.busyShare });
  const encoder = createFrameEncoder({ entropy, streamSalt: `gw-${options.seed}`, intervalsPerChunk: () => options.intervalsPerChunk });
  const assembler = createChunkAssembler({ serialisation: options.serialisation ?? "cbor" });
  const slots = new Map<number, { readonly slot: Slot; readonly frames: Frame[] }>();
  let seq = 0;
  let dictionaryBytes = 0;
  const polls = options.hours * 60;
  for (let poll = 0; poll < polls; poll++) {
    for (const frame of site.poll().flatMap((report) => encoder.encodeReport(report))) {
      if (frame.slot === undefined) dictionaryBytes += assembler.assemble({ stream, seq: ++seq }, [frame]).length;
      else {
        const open = slots.get(frame.slot.id) ?? { slot: frame.slot, frames: [] };
        open.frames.push(frame);
        slots.set(frame.slot.id, open);
      }
    }
  }
  const sizes = [...slots.values()].flatMap(({ slot, frames }) =>
    pieces(frames, assembler.maxFrameBytes).map((piece) => ({
      isKey: (slot.flags & 1) !== 0,
      bytes: assembler.assemble({ stream, seq: ++seq, slot }, piece).length,
      samples: samplesIn(piece),
    })),
  );
  const per = (some: typeof sizes) => some.reduce((sum, one) => sum + one.bytes, 0) / some.reduce((sum, one) => sum + one.samples, 0);
  const keys = sizes.filter((one) => one.isKey);
  return {
    intervalsPerChunk: options.intervalsPerChunk,
    chunkBytes: per(sizes),
    keyFrameBytes: per(keys),
    plainBytes: per(sizes.filter((one) => !one.isKey)),
    keyFrames: keys.length,
    chunks: sizes.length,
    largestChunk: Math.max(...sizes.map((one) => one.bytes)),
    dictionaryBytes,
  };
}

function samplesIn(frames: readonly Frame[]): number {
  return frames.reduce((sum, frame) => sum + frame.samples, 0);
}

function pieces(frames: readonly Frame[], maxBytes: number): Frame[][] {
  const cut: Frame[][] = [[]];
  let bytes = 0;
  for (const frame of frames) {
    if (bytes > 0 && bytes + frame.payload.length > maxBytes) {
      cut.push([]);
      bytes = 0;
    }
    cut.at(-1)?.push(frame);
    bytes += frame.payload.length;
  }
  return cut;
}

export interface CpuResult {
  readonly encodeNsPerSample: number;
  readonly assembleNsPerSample: number;
  readonly decodeNsPerSample: number;
  readonly samples: number;
}

/** What makes one interval's reports. */
export interface Source {
  next(): readonly Report[];
}

/**
 * Time per sample of each stage over `intervals` intervals, after a tenth of that to warm up. The stages run one after another on one
 * thread and never wait, so time is CPU time as long as nobody takes the core away.
 */
export function measureCpu(source: Source, intervals: number, intervalsPerChunk: number): CpuResult {
  const assembler = createChunkAssembler();
  const decoder = createChunkDecoder();
  const book = new DictionaryBook();
  const memory = decoder.newMemory();
  const encoder = createFrameEncoder({ entropy, streamSalt: "gw", intervalsPerChunk: () => intervalsPerChunk, maxSeries: 1_000_000 });
  const total = { encode: 0, assemble: 0, decode: 0, samples: 0 };
  let seq = 0;
  let held: Frame[] = [];
  const seal = (frames: readonly Frame[]) => {
    const slot = frames[0]?.slot;
    for (const piece of pieces(frames, assembler.maxFrameBytes)) {
      const head = { stream, seq: ++seq, ...(slot === undefined ? {} : { slot }) };
      const before = performance.now();
      const bytes = assembler.assemble(head, piece);
      const assembled = performance.now();
      const payload = decoder.decode(bytes);
      if (payload.kind === "chunk") decoder.resolve(payload.chunk, book.at(payload.chunk.dictionaryRevision) ?? new Map(), memory);
      else if (payload.kind === "dict") {
        book.apply(payload.record);
        decoder.passOver(memory, payload.seq);
      }
      total.assemble += assembled - before;
      total.decode += performance.now() - assembled;
    }
  };
  for (let interval = -Math.ceil(intervals / 10); interval < intervals; interval++) {
    if (interval === 0) Object.assign(total, { encode: 0, assemble: 0, decode: 0, samples: 0 });
    const reports = source.next();
    const before = performance.now();
    const frames = reports.flatMap((report) => encoder.encodeReport(report));
    total.encode += performance.now() - before;
    total.samples += samplesIn(frames);
    for (const frame of frames) {
      if (frame.slot === undefined) seal([frame]);
      else {
        if (held[0]?.slot !== undefined && held[0].slot.id !== frame.slot.id) {
          seal(held);
          held = [];
        }
        held.push(frame);
      }
    }
  }
  const per = (milliseconds: number) => (milliseconds * 1e6) / total.samples;
  return {
    encodeNsPerSample: per(total.encode),
    assembleNsPerSample: per(total.assemble),
    decodeNsPerSample: per(total.decode),
    samples: total.samples,
  };
}
