import type { TableReport } from "#model/report.ts";
import {
  encodeAbsent,
  encodeCounters,
  encodeNumbers,
  encodeTexts,
  formOf,
  type GroupForm,
  GroupMemory,
  GroupScratch,
} from "./column-encoders.ts";
import type { GroupShape } from "./dictionary-writer.ts";
import { frameTypeGroup, groupPrefixBytes } from "./layout.ts";

const prefix = new Uint8Array(groupPrefixBytes);
const prefixView = new DataView(prefix.buffer);

/** Encodes the rows of one group, one report at a time, saying only what changed. */
export class GroupEncoder {
  readonly group: GroupShape;
  /** Key epoch of the class under which this group last said everything. */
  keyEpoch = -1;
  readonly #form: GroupForm;
  readonly #memory: GroupMemory;

  constructor(group: GroupShape) {
    this.group = group;
    this.#form = formOf(group.shape.metrics);
    this.#memory = new GroupMemory(this.#form, group.rowCount);
  }

  get seriesCount(): number {
    return this.group.rowCount * this.#form.columns.length;
  }

  /**
   * One row-set as a frame's payload (see layout.ts for the prefix).
   * @param keyed say every value and the counters' absolutes, for readers that begin here
   * @param revisionsAhead dictionary revisions this group's is ahead of the slot's
   */
  encode(
    table: TableReport,
    options: { readonly dtMs: number; readonly keyed: boolean; readonly revisionsAhead: number },
    scratch: GroupScratch,
  ): Uint8Array<ArrayBuffer> {
    scratch.begin(this.seriesCount);
    for (let index = 0; index < this.#form.columns.length; index++) this.#column(table, index, options.keyed, scratch);
    return this.#assemble(options, scratch);
  }

  #column(table: TableReport, index: number, keyed: boolean, scratch: GroupScratch): void {
    const column = table.columns[index];
    const { kind, scale } = this.#form.columns[index] ?? { kind: "number", scale: 0 };
    const { fromRow, rowCount } = this.group;
    const memory = this.#memory;
    const series = index * rowCount;
    const last = memory.texts?.[index];
    if (keyed && kind !== "counter") memory.known.fill(0, series, series + rowCount);
    if (kind === "counter" && column?.kind === "counter") encodeCounters(column, memory, { series, fromRow, rowCount, keyed }, scratch);
    else if (kind === "number" && column?.kind === "number")
      encodeNumbers(column, memory, { series, fromRow, rowCount, keyed, scale }, scratch);
    else if (kind === "text" && column?.kind === "text" && last !== undefined)
      encodeTexts(column, memory, { series, fromRow, rowCount, keyed, last }, scratch);
    else encodeAbsent(kind, memory, { series, fromRow, rowCount, keyed }, scratch);
  }

  #assemble(
    options: { readonly dtMs: number; readonly keyed: boolean; readonly revisionsAhead: number },
    scratch: GroupScratch,
  ): Uint8Array<ArrayBuffer> {
    const out = scratch.out.reset();
    prefixView.setUint8(0, frameTypeGroup);
    prefixView.setUint16(1, options.revisionsAhead, true);
    prefixView.setUint32(3, this.group.gid, true);
    prefixView.setUint16(7, this.group.rowCount, true);
    prefixView.setUint16(9, this.#form.kinds.length, true);
    out.raw(prefix);
    out.raw(this.#form.kinds);
    const rebased = scratch.rebaseCount > 0;
    out.array(rebased ? 6 : options.keyed ? 5 : 4);
    out.uint(this.group.gid);
    out.array(1);
    out.int(options.dtMs);
    out.bytes(scratch.state.subarray(0, (this.seriesCount + 3) >>> 2));
    out.array(scratch.valCount);
    out.raw(scratch.vals.view());
    if (options.keyed) {
      out.array(scratch.baseCount);
      out.raw(scratch.base.view());
    } else if (rebased) out.null();
    if (rebased) {
      out.array(scratch.rebaseCount);
      out.raw(scratch.rebase.view());
    }
    return out.take();
  }
}

export { GroupScratch };
