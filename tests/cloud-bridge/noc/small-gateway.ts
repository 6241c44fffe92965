import type { Chunk, Frame, StreamClass, StreamId } from "#model/chunk.ts";
import { isStreamId } from "#model/chunk.ts";
import { type EquipmentId, isEquipmentId } from "#model/equipment.ts";
import type { Observation } from "#model/observation.ts";
import type { Column, Metric, Report, TableShape } from "#model/report.ts";
import { type ClockQuality, type Instant, monotonicMs, wallMs } from "#model/time.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";

export function equipmentId(text: string): EquipmentId {
  if (!isEquipmentId(text)) throw new Error(`not an equipment id: ${text}`);
  return text;
}

export function streamId(text: string): StreamId {
  if (!isStreamId(text)) throw new Error(`not a stream id: ${text}`);
  return text;
}

const metrics: readonly Metric[] = [
  { name: "ifHCInOctets", kind: "counter", unit: "By", scale: 1 },
  { name: "ifHCOutOctets", kind: "counter", unit: "By", scale: 1 },
  { name: "ifOperStatus", kind: "state", unit: "enum:ifOperStatus", scale: 1 },
  { name: "temperature", kind: "gauge", unit: "Cel", scale: 10 },
  { name: "ifAlias", kind: "text", unit: "", scale: 1 },
];

/** A switch with `rows` ports. */
export function switchShape(equipment: string, rows: number, intervalMs: number, revision = 1): TableShape {
  return {
    equipment: equipmentId(equipment),
    table: "IF-MIB:ifXTable",
    revision,
    intervalMs,
    metrics,
    rows: Array.from({ length: rows }, (_, index) => ({
      key: `port${index + 1}`,
      labels: { ifIndex: String(index + 1), ifName: `Gi1/0/${index + 1}` },
    })),
  };
}

export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly bootId?: string;
  readonly quality?: ClockQuality;
}

export function instant(moment: Moment): Instant {
  return {
    wallMs: wallMs(moment.wallMs),
    monotonicMs: monotonicMs(moment.monotonicMs),
    bootId: moment.bootId ?? "b0070001",
    quality: moment.quality ?? "synced",
  };
}

/** Octets grow by `poll` x 1000 + row bytes each poll; temperature and status stand still unless told otherwise. */
export function switchReport(shape: TableShape, moment: Moment, poll: number, temperature = 21.5, status = 1): Report {
  const rows = shape.rows.length;
  const present = new Uint8Array(rows).fill(1);
  const counter = (offset: number): Column => ({
    kind: "counter",
    present,
    absolute: BigUint64Array.from({ length: rows }, (_, row) => BigInt(1_000_000 + (poll + offset) * 60_000 * (row + 1))),
    increment: Float64Array.from({ length: rows }, (_, row) => (poll === 0 ? Number.NaN : 60_000 * (row + 1))),
  });
  const columns: readonly Column[] = [
    counter(0),
    counter(1),
    { kind: "number", present, value: new Float64Array(rows).fill(status) },
    { kind: "number", present, value: new Float64Array(rows).fill(temperature) },
    { kind: "text", present, value: Array.from({ length: rows }, (_, row) => `customer ${row}`) },
  ];
  const observedAt = instant(moment);
  const elapsedMs = poll === 0 ? Number.NaN : shape.intervalMs;
  return {
    kind: "report",
    equipment: shape.equipment,
    observedAt,
    plannedAtMs: moment.monotonicMs,
    tables: [{ shape, columns, observedAt, elapsedMs }],
    gaps: [],
  };
}

/** Encoder and assembler with sequence numbers: what a gateway would publish, without its buffer. */
export class SmallGateway {
  readonly #encoder;
  readonly #assembler = createChunkAssembler();
  readonly #streams: Record<StreamClass, StreamId>;
  readonly #next = new Map<string, number>();

  constructor(id: string, streams: { readonly T?: string; readonly E?: string; readonly I?: string } = {}, seed = 1) {
    let state = seed;
    const byte = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state & 0xff;
    };
    const entropy = { random: () => byte() / 256, bytes: (count: number) => Uint8Array.from({ length: count }, byte) };
    this.#encoder = createFrameEncoder({ entropy, streamSalt: id });
    this.#streams = {
      T: streamId(streams.T ?? "aaaaaaaaaaaa"),
      E: streamId(streams.E ?? "eeeeeeeeeeee"),
      C: streamId("cccccccccccc"),
      I: streamId(streams.I ?? "111111111111"),
      S: streamId("555555555555"),
    };
  }

  get encoder() {
    return this.#encoder;
  }

  /** Chunks of one report: dictionary records first if they are due, then one chunk a frame. */
  poll(report: Report): readonly Chunk[] {
    return this.#encoder.encodeReport(report).map((frame) => this.seal(frame));
  }

  /** The tables of one slot in one chunk, as the buffer seals them; dictionary records first. All reports must be of one interval and moment. */
  pollTogether(reports: readonly Report[]): readonly Chunk[] {
    const frames = reports.flatMap((report) => this.#encoder.encodeReport(report));
    const groups = frames.filter((frame) => frame.kind === "group");
    return [...frames.filter((frame) => frame.kind === "dict").map((frame) => this.seal(frame)), this.#sealTogether(groups)];
  }

  tell(observation: Exclude<Observation, Report>): Chunk {
    return this.seal(this.#encoder.encodeObservation(observation));
  }

  /** Further telemetry goes into another stream, with a key-frame and a full dictionary. */
  splitStream(id: string): void {
    this.#streams.T = streamId(id);
    this.#encoder.restartStream();
  }

  seal(frame: Frame): Chunk {
    return this.#sealTogether([frame]);
  }

  #sealTogether(frames: readonly Frame[]): Chunk {
    const [frame] = frames;
    if (frame === undefined) throw new Error("nothing to seal");
    const stream = this.#streams[frame.streamClass];
    const seq = this.#next.get(stream) ?? 1;
    this.#next.set(stream, seq + 1);
    const head = frame.slot === undefined ? { stream, seq } : { stream, seq, slot: frame.slot };
    const bytes = Uint8Array.from(this.#assembler.assemble(head, frames));
    const samples = frames.reduce((sum, one) => sum + one.samples, 0);
    return { stream, streamClass: frame.streamClass, seq, bytes, samples, sealedAtMs: frame.wallMs };
  }
}
