import type { Frame, StreamClass } from "#model/chunk.ts";
import { type Gap, gapReason, type Report, type TableReport, type TableShape } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import type { FrameEncoder } from "#ports/codec.ts";
import type { Entropy } from "#ports/entropy.ts";
import { DictionaryWriter, rowRanges } from "./dictionary-writer.ts";
import { countFrom, dictionaryFrame, missPayload, offsetOf, priorityOf, refusal, type Stamp, stampOf, telemetryFrame } from "./frames.ts";
import { GroupEncoder } from "./group-encoder.ts";
import { GroupMemories } from "./group-memory.ts";
import { GroupScratch } from "./group-scratch.ts";
import { limits } from "./layout.ts";
import { elementText, type JsonObservation } from "./observation-json.ts";
import { RetiredGroups } from "./retired-groups.ts";
import { SlotClock } from "./slots.ts";

export interface FrameEncoderOptions {
  readonly entropy: Entropy;
  /** Text that differs between gateways (the gateway's id): spreads slot ends and key-frames over a fleet. */
  readonly streamSalt: string;
  /** Rows a chunk of this interval class may hold, 1..60. Default: 1. */
  readonly intervalsPerChunk?: (intervalMs: number) => number;
  /** Default 50,000. Rows beyond are refused and counted. */
  readonly maxSeries?: number;
  /** Default 60 min. */
  readonly keyFrameEveryMs?: number;
  /** Default 5,000: a wall clock that steps by more opens a new slot. */
  readonly wallStepMs?: number;
  /**
   * Payloads of a report's groups are good until the next report is encoded: for a buffer that copies what it admits. A quarter of the arrays that a large site
   * makes and drops. Default: they are for good.
   */
  readonly lendsPayloads?: boolean;
}

/** Counters since start, for status and metrics. */
export interface EncoderStats {
  /** Series refused because the dictionary is full, at present. */
  readonly refusedSeries: number;
  /** Samples that were not encoded for that reason. */
  readonly refusedSamples: number;
  readonly cutTexts: number;
  readonly refusedTexts: number;
  readonly groups: number;
}

interface TableEntry {
  readonly shape: TableShape;
  /** The first of its groups, see GroupEncoder.next. */
  readonly groups: GroupEncoder | undefined;
  /** Rows from this one on have no group. */
  readonly acceptedRows: number;
  /** Whole seconds: a number with a fraction would be an object of its own. */
  lastUsedS: number;
  /** Its groups were taken out. */
  isGone: boolean;
}

interface GapOfTables {
  readonly gap: Gap;
  readonly entries: readonly TableEntry[];
}

const noGaps: readonly GapOfTables[] = [];
const noEntries: readonly TableEntry[] = [];

function groupsOf({ groups }: TableEntry): readonly GroupEncoder[] {
  const all: GroupEncoder[] = [];
  for (let group = groups; group !== undefined; group = group.next) all.push(group);
  return all;
}

function secondsOf(ms: number): number {
  return Math.floor(ms / 1_000);
}

/** A table unused for this long, and for ten of its intervals, may make room for a new one. */
const idleMs = 3_600_000;
/** Of maxSeries, on top of it: groups whose table changed while their slot is open. */
const retiredShare = 0.25;
const textEncoder = new TextEncoder();
/** Raw bytes a cell is planned for when a table is cut into groups. */
const plannedBytes = { counter: 20, gauge: 10, state: 5, text: 96 } as const;

function streamClassOf({ kind }: JsonObservation): StreamClass {
  if (kind === "inventory") return "I";
  // Apart from alarms, so that a site full of checks never stands before one.
  return kind === "check" || kind === "check-latency" ? "C" : "E";
}

function rowsPerGroup(shape: TableShape): number {
  let rowBytes = 1;
  for (const metric of shape.metrics) rowBytes += plannedBytes[metric.kind];
  return Math.max(1, Math.min(0xffff, Math.floor(limits.frameBytes / rowBytes)));
}

export function createFrameEncoder(options: FrameEncoderOptions): FrameEncoder & { stats(): EncoderStats; dictionarySha256(): string } {
  return new TelemetryEncoder(options);
}

class TelemetryEncoder implements FrameEncoder {
  readonly #maxSeries: number;
  readonly #slots: SlotClock;
  readonly #dictionary: DictionaryWriter;
  readonly #retired: RetiredGroups;
  /** By equipment, in lists of their exact length (`concat` and `slice` make them so, growing and filtering leave room): maps of all tables by name and by shape would be as large as what is in them. */
  readonly #tables = new Map<string, readonly TableEntry[]>();
  readonly #scratch = new GroupScratch();
  readonly #memories = new GroupMemories();
  readonly #lendsPayloads: boolean;
  #seriesCount = 0;
  #refusedSamples = 0;

  constructor(options: FrameEncoderOptions) {
    this.#maxSeries = options.maxSeries ?? 50_000;
    this.#lendsPayloads = options.lendsPayloads ?? false;
    this.#slots = new SlotClock({
      salt: options.streamSalt,
      intervalsPerChunk: options.intervalsPerChunk ?? (() => 1),
      keyFrameEveryMs: options.keyFrameEveryMs ?? 3_600_000,
      wallStepMs: options.wallStepMs ?? 5_000,
    });
    const [a = 0, b = 0, c = 0, d = 0] = options.entropy.bytes(4);
    this.#dictionary = new DictionaryWriter(((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
    this.#retired = new RetiredGroups(this.#slots, this.#maxSeries * retiredShare, (gid) => this.#dictionary.remove(gid));
  }

  get dictionaryRevision(): number {
    return this.#dictionary.revision;
  }

  /** Digest of the dictionary as it stands, for `hello`. */
  dictionarySha256(): string {
    return this.#dictionary.sha256();
  }

  get seriesCount(): number {
    return this.#seriesCount;
  }

  stats(): EncoderStats {
    let refusedSeries = 0;
    let groups = 0;
    for (const entry of [...this.#tables.values()].flat()) {
      refusedSeries += (entry.shape.rows.length - entry.acceptedRows) * entry.shape.metrics.length;
      groups += groupsOf(entry).length;
    }
    const { cutTexts, refusedTexts } = this.#scratch;
    return { refusedSeries, refusedSamples: this.#refusedSamples, cutTexts, refusedTexts, groups };
  }

  encodeReport(report: Report): readonly Frame[] {
    if (this.#lendsPayloads) this.#scratch.out.rewind();
    const frames: Frame[] = [];
    const { tables } = report;
    const entries: TableEntry[] = [];
    for (const table of tables) entries.push(this.#entryOf(table.shape, table.observedAt, frames));
    const gaps = report.gaps.length === 0 ? noGaps : this.#gapsOf(report, frames);
    if (entries.length > 0 || gaps.length > 0) this.#appendDictionary(report.observedAt, frames);
    for (let index = 0; index < tables.length; index++) {
      const table = tables[index];
      const entry = entries[index];
      if (table === undefined) continue;
      // A table that a report names twice with different shapes has its first groups taken out again: a driver's bug must not reach the wire.
      if (entry !== undefined && !entry.isGone) this.#encodeTable(table, entry, frames);
      else this.#refusedSamples += countFrom(table, 0);
    }
    if (gaps.length > 0) this.#encodeGaps(gaps, report.observedAt, frames);
    return frames;
  }

  encodeObservation(observation: JsonObservation): Frame {
    return {
      streamClass: streamClassOf(observation),
      kind: "json",
      samples: 0,
      urgent: observation.kind === "alarm" || observation.kind === "gap" || observation.kind === "anchor",
      priority: priorityOf(observation),
      ...stampOf(observation.observedAt),
      payload: textEncoder.encode(elementText(observation)),
    };
  }

  restartStream(): void {
    this.#slots.restart();
    this.#dictionary.restart();
  }

  fullDictionary(): Frame {
    const text = this.#dictionary.fullText();
    const revision = this.#dictionary.revision;
    // Too long for one record: an empty delta now, and the whole as several records with the next report.
    if (text === undefined) this.restartStream();
    const empty = `{"v":1,"rev":${revision},"base":${revision},"full":false,"groups":[],"removed":[]}`;
    return dictionaryFrame(text ?? empty, this.#lastStamp);
  }

  #lastStamp: Stamp = { wallMs: 0, monotonicMs: 0, bootId: "" };

  /** The table's groups; new ones for a new shape, whose predecessors leave the dictionary when their slot is over. */
  #entryOf(shape: TableShape, at: Instant, frames: Frame[]): TableEntry {
    const own = this.#tables.get(shape.equipment) ?? noEntries;
    // Shapes are the same object from report to report.
    for (let index = 0; index < own.length; index++) {
      const same = own[index];
      if (same?.shape !== shape) continue;
      same.lastUsedS = secondsOf(at.monotonicMs);
      return same;
    }
    const known = own.find((entry) => entry.shape.table === shape.table);
    if (known !== undefined) this.#drop(known, at.monotonicMs);
    const wanted = shape.rows.length * shape.metrics.length;
    if (this.#seriesCount + wanted > this.#maxSeries) this.#evictIdle(at.monotonicMs);
    const room = Math.max(0, this.#maxSeries - this.#seriesCount);
    const acceptedRows = Math.min(shape.rows.length, shape.metrics.length === 0 ? 0 : Math.floor(room / shape.metrics.length));
    const groups = this.#makeGroups(shape, acceptedRows);
    const entry: TableEntry = { shape, groups, acceptedRows, lastUsedS: secondsOf(at.monotonicMs), isGone: false };
    this.#tables.set(shape.equipment, (this.#tables.get(shape.equipment) ?? noEntries).concat(entry));
    if (acceptedRows < shape.rows.length) frames.push(this.encodeObservation(refusal(shape, acceptedRows, this.#maxSeries, at)));
    return entry;
  }

  /** @returns the first of them */
  #makeGroups(shape: TableShape, acceptedRows: number): GroupEncoder | undefined {
    const groups = rowRanges(shape, acceptedRows, rowsPerGroup(shape)).map((range) => ({
      ...range,
      shape,
      gid: this.#dictionary.nextGid(),
    }));
    const first = groups.reduceRight<GroupEncoder | undefined>((next, group) => new GroupEncoder(group, this.#memories, next), undefined);
    for (let group = first; group !== undefined; group = group.next) {
      this.#dictionary.add(group);
      this.#seriesCount += group.seriesCount;
    }
    return first;
  }

  #drop(entry: TableEntry, nowMs: number): void {
    for (const encoder of groupsOf(entry)) {
      this.#retired.retire(encoder.gid, encoder.seriesCount, entry.shape.intervalMs, nowMs);
      this.#seriesCount -= encoder.seriesCount;
    }
    entry.isGone = true;
    const { equipment } = entry.shape;
    const left = (this.#tables.get(equipment) ?? noEntries).filter((one) => one !== entry).slice();
    if (left.length === 0) this.#tables.delete(equipment);
    else this.#tables.set(equipment, left);
  }

  #evictIdle(nowMs: number): void {
    for (const entry of [...this.#tables.values()].flat()) {
      if (nowMs - entry.lastUsedS * 1_000 > Math.max(idleMs, 10 * entry.shape.intervalMs)) this.#drop(entry, nowMs);
    }
  }

  #appendDictionary(at: Instant, frames: Frame[]): void {
    this.#lastStamp = stampOf(at);
    this.#retired.sweep(at.monotonicMs);
    for (const text of this.#dictionary.takeRecords()) frames.push(dictionaryFrame(text, this.#lastStamp));
  }

  #encodeTable(table: TableReport, entry: TableEntry, frames: Frame[]): void {
    const at = table.observedAt;
    const { slot, keyEpoch } = this.#slots.slotFor(table.shape.intervalMs, at, this.#dictionary.revision);
    const dtMs = offsetOf(at, slot);
    const revisionsAhead = this.#dictionary.revision - slot.dictionaryRevision;
    for (let encoder = entry.groups; encoder !== undefined; encoder = encoder.next) {
      const payload = encoder.encode(table, { dtMs, keyed: encoder.keyEpoch !== keyEpoch, revisionsAhead }, this.#scratch);
      encoder.keyEpoch = keyEpoch;
      frames.push(telemetryFrame(slot, at, this.#scratch.samples, payload));
    }
    if (entry.acceptedRows < entry.shape.rows.length) this.#refusedSamples += countFrom(table, entry.acceptedRows);
  }

  /** What is missing, by group: the named table's, or, when the whole poll failed, the equipment's tables of its shortest interval. */
  #gapsOf(report: Report, frames: Frame[]): readonly GapOfTables[] {
    return report.gaps.map((gap) => {
      if (gap.shape !== undefined) return { gap, entries: [this.#entryOf(gap.shape, report.observedAt, frames)] };
      const own = this.#tables.get(report.equipment) ?? noEntries;
      const shortest = Math.min(...own.map((entry) => entry.shape.intervalMs));
      return { gap, entries: own.filter((entry) => entry.shape.intervalMs === shortest) };
    });
  }

  #encodeGaps(gaps: readonly GapOfTables[], at: Instant, frames: Frame[]): void {
    for (const { gap, entries } of gaps) {
      for (const entry of entries) {
        if (entry.groups === undefined) continue;
        const { slot } = this.#slots.slotFor(entry.shape.intervalMs, at, this.#dictionary.revision);
        const ahead = this.#dictionary.revision - slot.dictionaryRevision;
        frames.push(telemetryFrame(slot, at, 0, missPayload(groupsOf(entry), gapReason[gap.reason], offsetOf(at, slot), ahead)));
      }
    }
  }
}
