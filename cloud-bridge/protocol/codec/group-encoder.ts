import type { Column, TableReport } from "#model/report.ts";
import { type ColumnMemory, encodeAbsent, encodeCounters, encodeNumbers, encodeTexts, GroupScratch, memoryOf } from "./column-encoders.ts";
import type { GroupShape } from "./dictionary-writer.ts";
import { frameTypeGroup, groupPrefixBytes, kindCounter, kindGauge, kindText } from "./layout.ts";

/** Encodes the rows of one group, one report at a time, saying only what changed. */
export class GroupEncoder {
  readonly group: GroupShape;
  /** Key epoch of the class under which this group last said everything. */
  keyEpoch = -1;
  readonly #columns: readonly ColumnMemory[];
  readonly #prefix: Uint8Array;

  constructor(group: GroupShape) {
    this.group = group;
    this.#columns = memoryOf(group);
    const kinds = this.#columns.map((column) => (column.kind === "counter" ? kindCounter : column.kind === "text" ? kindText : kindGauge));
    this.#prefix = new Uint8Array(groupPrefixBytes + kinds.length);
    const view = new DataView(this.#prefix.buffer);
    view.setUint8(0, frameTypeGroup);
    view.setUint32(3, group.gid, true);
    view.setUint16(7, group.rowCount, true);
    view.setUint16(9, kinds.length, true);
    this.#prefix.set(kinds, groupPrefixBytes);
  }

  get seriesCount(): number {
    return this.group.rowCount * this.#columns.length;
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
    let series = 0;
    for (let index = 0; index < this.#columns.length; index++) {
      const memory = this.#columns[index];
      const column = table.columns[index];
      if (memory === undefined) continue;
      if (options.keyed && memory.kind !== "counter") memory.known.fill(0);
      this.#column(column, memory, series, options.keyed, scratch);
      series += this.group.rowCount;
    }
    return this.#assemble(options, scratch);
  }

  #column(column: Column | undefined, memory: ColumnMemory, series: number, keyed: boolean, scratch: GroupScratch): void {
    const { fromRow, rowCount } = this.group;
    if (memory.kind === "counter" && column?.kind === "counter")
      encodeCounters(column, memory, { series, fromRow, rowCount, keyed }, scratch);
    else if (memory.kind === "number" && column?.kind === "number") encodeNumbers(column, memory, { series, fromRow, rowCount }, scratch);
    else if (memory.kind === "text" && column?.kind === "text") encodeTexts(column, memory, { series, fromRow, rowCount }, scratch);
    else encodeAbsent(memory, { series, rowCount, keyed }, scratch);
  }

  #assemble(
    options: { readonly dtMs: number; readonly keyed: boolean; readonly revisionsAhead: number },
    scratch: GroupScratch,
  ): Uint8Array<ArrayBuffer> {
    const out = scratch.out.reset();
    out.raw(this.#prefix);
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
    const payload = out.take();
    new DataView(payload.buffer).setUint16(1, options.revisionsAhead, true);
    return payload;
  }
}

export { GroupScratch };
