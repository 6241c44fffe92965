import type { TableReport, TableShape } from "#model/report.ts";
import { headBytes } from "./cbor-writer.ts";
import { encodeAbsent, encodeCounters, encodeNumbers, encodeTexts } from "./column-encoders.ts";
import type { GroupShape } from "./dictionary-writer.ts";
import { formOf, type GroupForm } from "./group-form.ts";
import { type GroupMemories, GroupMemory } from "./group-memory.ts";
import type { GroupScratch } from "./group-scratch.ts";
import { frameTypeGroup, groupPrefixBytes } from "./layout.ts";

/** What a frame says besides its values. */
export interface FrameOptions {
  /** After the slot's base. */
  readonly dtMs: number;
  /** Say every value and the counters' absolutes, for readers that begin here. */
  readonly keyed: boolean;
  /** Dictionary revisions this group's is ahead of the slot's. */
  readonly revisionsAhead: number;
}

const noTexts: string[] = [];

/** One for all columns: an object for each would be most of what encoding leaves to the collector. */
const range = {
  column: 0,
  series: 0,
  place: 0,
  fromRow: 0,
  rowCount: 0,
  keyed: false,
  scale: 0,
  last: noTexts,
  form: formOf([]),
};

/** The sequence of reports that are not counted: what was said of them is remembered here. No report that is counted follows it, the first has 1. */
const uncounted = -1;
/** Comes before no sequence, and is a small number: one that is none would be an object in each group. */
const ofNone = -3;

/**
 * Encodes the rows of one group, one report at a time, saying only what changed. It is its own memory: there are five for each switch, and an object
 * beside each, or a list around it, would be half as large again.
 */
export class GroupEncoder extends GroupMemory implements GroupShape {
  readonly gid: number;
  readonly shape: TableShape;
  readonly fromRow: number;
  /** Key epoch of the class under which this group last said everything. */
  keyEpoch = -1;
  /** The table's next group; most tables have one. */
  readonly next: GroupEncoder | undefined;
  readonly #form: GroupForm;
  /** Of the report that was last encoded to its end. */
  #sequence = ofNone;

  constructor({ gid, shape, fromRow, rowCount }: GroupShape, memories: GroupMemories, next: GroupEncoder | undefined) {
    const form = formOf(shape.metrics);
    super(form, rowCount, memories);
    this.gid = gid;
    this.shape = shape;
    this.fromRow = fromRow;
    this.next = next;
    this.#form = form;
  }

  get seriesCount(): number {
    return this.rowCount * this.#form.columns.length;
  }

  /** One row-set as a frame's payload (see layout.ts for the prefix). */
  encode(table: TableReport, options: FrameOptions, scratch: GroupScratch): Uint8Array<ArrayBuffer> {
    const series = this.seriesCount;
    const sequence = table.sequence ?? uncounted;
    if (sequence !== (sequence === uncounted ? this.#sequence : this.#sequence + 1)) this.#forgetCounters();
    this.#sequence = ofNone;
    scratch.begin(series);
    const { out } = scratch;
    this.#prefix(options, scratch);
    const headAt = out.length;
    out.array(0);
    out.uint(this.gid);
    out.array(1);
    out.int(options.dtMs);
    const stateBytes = (series + 3) >>> 2;
    out.bytesHead(stateBytes);
    const stateAt = out.length;
    out.skip(stateBytes);
    const countBytes = headBytes(series);
    out.skip(countBytes);
    scratch.beginVals();
    for (let index = 0; index < this.#form.columns.length; index++) this.#column(table, index, options.keyed, scratch);
    // How many values there are is known only now, and its head may be shorter than the room for it.
    out.patchArray(stateAt + stateBytes, countBytes, scratch.valCount);
    out.patch(stateAt, scratch.state, stateBytes);
    const payload = this.#finish(headAt, options.keyed, scratch);
    this.#sequence = sequence;
    return payload;
  }

  /** What the report says was said of its counters before was not said here: a report between was lost, or this is the first. */
  #forgetCounters(): void {
    for (const [column, { kind }] of this.#form.columns.entries()) if (kind === "counter") this.forget(column);
  }

  #prefix(options: FrameOptions, { out }: GroupScratch): void {
    const { kinds } = this.#form;
    const { gid, rowCount } = this;
    const bytes = out.room(groupPrefixBytes + kinds.length);
    let end = out.end;
    bytes[end] = frameTypeGroup;
    bytes[end + 1] = options.revisionsAhead;
    bytes[end + 2] = options.revisionsAhead >>> 8;
    for (let at = 0; at < 4; at++) bytes[end + 3 + at] = gid >>> (8 * at);
    bytes[end + 7] = rowCount;
    bytes[end + 8] = rowCount >>> 8;
    bytes[end + 9] = kinds.length;
    bytes[end + 10] = kinds.length >>> 8;
    end += groupPrefixBytes;
    for (let at = 0; at < kinds.length; at++) bytes[end + at] = kinds[at] ?? 0;
    out.wroteTo(end + kinds.length);
  }

  #column(table: TableReport, index: number, keyed: boolean, scratch: GroupScratch): void {
    const column = table.columns[index];
    const form = this.#form.columns[index];
    if (form === undefined) return;
    const { kind, scale } = form;
    const { fromRow, rowCount } = this;
    const last = this.texts?.[index];
    range.column = index;
    range.series = index * rowCount;
    range.place = this.placeOf(form);
    range.fromRow = fromRow;
    range.rowCount = rowCount;
    range.keyed = keyed;
    range.scale = scale;
    range.form = this.#form;
    if (keyed && kind !== "counter") this.forget(index);
    if (kind === "counter" && column?.kind === "counter") encodeCounters(column, this, range, scratch);
    else if (kind === "number" && column?.kind === "number") encodeNumbers(column, this, range, scratch);
    else if (kind === "text" && column?.kind === "text" && last !== undefined) {
      range.last = last;
      encodeTexts(column, this, range, scratch);
    } else encodeAbsent(kind, this, range, scratch);
  }

  #finish(headAt: number, keyed: boolean, scratch: GroupScratch): Uint8Array<ArrayBuffer> {
    const { out } = scratch;
    const rebased = scratch.rebaseCount > 0;
    out.patchArray(headAt, 1, rebased ? 6 : keyed ? 5 : 4);
    if (keyed) {
      out.array(scratch.baseCount);
      out.raw(scratch.base.view());
    } else if (rebased) out.null();
    if (rebased) {
      out.array(scratch.rebaseCount);
      out.raw(scratch.rebase.view());
    }
    return out.cut();
  }
}
