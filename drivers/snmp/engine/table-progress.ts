import { cellAt, cellCount } from "./table-layout.ts";
import type { Block, CompiledPlan } from "./table-plan.ts";

/** Fate of a cell in one read: not known yet; a value; the agent has none; it has one that does not fit or cannot be read. */
export const fate = { unknown: 0, value: 1, absent: 2, unfit: 3 } as const;

/**
 * What became of each cell in a read that met a surprise. A read without one needs none of this: there every cell of the blocks done so far has
 * its value.
 */
export class Progress {
  /** By cell, see `fate`. */
  readonly fates: Uint8Array;
  readonly #plan: CompiledPlan;

  constructor(plan: CompiledPlan, done: readonly Block[]) {
    this.#plan = plan;
    this.fates = new Uint8Array(plan.cells);
    for (const [cell, isAbsent] of (plan.absent ?? []).entries()) if (isAbsent === 1) this.fates[cell] = fate.absent;
    for (const column of plan.quarantine?.columns() ?? []) this.markColumn(column, fate.unfit);
    for (const block of done)
      for (const cell of this.#cellsOf(block)) this.fates[cell] = plan.present[cell] === 1 ? fate.value : fate.unfit;
  }

  *#cellsOf(block: Block): Generator<number> {
    for (let position = 0; position < cellCount(block); position++) {
      const { column, row } = cellAt(block, position);
      yield column * this.#plan.rows.count + row;
    }
  }

  /** Takes back what was stored for cells whose fate is not settled. */
  eraseUnsettled(block: Block): void {
    for (const cell of this.#cellsOf(block)) if (this.fates[cell] === fate.unknown) this.#plan.present[cell] = 0;
  }

  markBlock(block: Block, what: number): void {
    for (const cell of this.#cellsOf(block)) this.fates[cell] = what;
  }

  /** @param position of the cell in the block's requests, from 0 */
  markCell(block: Block, position: number, what: number): void {
    const { column, row } = cellAt(block, position);
    this.fates[column * this.#plan.rows.count + row] = what;
  }

  /** What is not known of a column yet. @returns how many cells that was */
  markColumn(column: number, what: number): number {
    let marked = 0;
    for (let cell = column * this.#plan.rows.count; cell < (column + 1) * this.#plan.rows.count; cell++) {
      if (this.fates[cell] !== fate.unknown) continue;
      this.fates[cell] = what;
      marked += 1;
    }
    return marked;
  }

  /** 1 for each cell that needs not be asked for any more. */
  settled(): Uint8Array {
    return this.fates.map((cell) => (cell === fate.unknown ? 0 : 1));
  }

  /** 1 for each cell that the agent does not have; undefined when it has all. */
  absent(): Uint8Array | undefined {
    return this.fates.includes(fate.absent) ? this.fates.map((cell) => (cell === fate.absent ? 1 : 0)) : undefined;
  }

  unfitCount(): number {
    return this.fates.reduce((count, cell) => count + (cell === fate.unfit ? 1 : 0), 0);
  }
}
