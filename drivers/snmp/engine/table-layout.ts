import { headerBytes, tags } from "./ber.ts";
import type { Learned } from "./learned.ts";
import { instanceVarbind, nullVarbind, type PduSpec, type PreparedRequest } from "./request.ts";
import type { CompiledPlan } from "./table-plan.ts";

/**
 * One request of a table read and the cells that its answer should hold, in this order: for each row each column. With `sentinel` one varbind
 * comes before them: what follows the last planned row, so that a new row at the end is noticed.
 */
export interface Block {
  /** tags.getBulk, tags.getNext or tags.get. */
  readonly type: number;
  readonly columns: Uint16Array;
  readonly rows: Uint32Array;
  readonly sentinel: boolean;
  request: PreparedRequest | undefined;
}

export interface LayoutLimits {
  readonly learned: Learned;
  /** Bytes around the varbinds of an answer. */
  readonly overheadBytes: number;
  /** tags.getBulk, tags.getNext or tags.get. */
  readonly type: number;
  /** At most so many cells a block. */
  readonly maxCells: number;
  /** Ask for what follows the last row. */
  readonly sentinel: boolean;
}

interface Group {
  readonly columns: number[];
  readonly rows: Uint32Array;
}

/** Cuts the cells that are not excluded into as few requests as possible; of equally few the ones with the shorter requests. */
export function layOut(plan: CompiledPlan, excluded: Uint8Array | undefined, limits: LayoutLimits): Block[] {
  const blocks: Block[] = [];
  for (const group of groupColumns(plan, excluded)) cutGroup(plan, group, limits, blocks);
  const last = blocks.at(-1);
  if (limits.sentinel && last !== undefined && last.type === tags.getBulk) blocks[blocks.length - 1] = { ...last, sentinel: true };
  return blocks;
}

/** Columns that lack the same rows are read together: within a group there are no holes that would shift a GETBULK's repetitions. */
function groupColumns(plan: CompiledPlan, excluded: Uint8Array | undefined): readonly Group[] {
  const { rowCount, columns } = plan;
  if (excluded === undefined) return [{ columns: [...columns.keys()], rows: Uint32Array.from({ length: rowCount }, (_, row) => row) }];
  const groups = new Map<string, Group>();
  for (const column of columns.keys()) {
    const mask = excluded.subarray(column * rowCount, (column + 1) * rowCount);
    const key = Buffer.from(mask).toString("latin1");
    const known = groups.get(key);
    if (known !== undefined) known.columns.push(column);
    else groups.set(key, { columns: [column], rows: Uint32Array.from(rowsLeft(mask)) });
  }
  return [...groups.values()].filter((group) => group.rows.length > 0);
}

function* rowsLeft(mask: Uint8Array): Generator<number> {
  for (const [row, isExcluded] of mask.entries()) if (isExcluded === 0) yield row;
}

function cutGroup(plan: CompiledPlan, group: Group, limits: LayoutLimits, blocks: Block[]): void {
  const { width, height } = bestCut(plan, group, limits);
  for (let from = 0; from < group.columns.length; from += width) {
    const columns = Uint16Array.from(group.columns.slice(from, from + width));
    for (let row = 0; row < group.rows.length; row += height) {
      blocks.push({ type: limits.type, columns, rows: group.rows.subarray(row, row + height), sentinel: false, request: undefined });
    }
  }
}

function bestCut(plan: CompiledPlan, group: Group, limits: LayoutLimits): { width: number; height: number } {
  const { learned } = limits;
  const columnCount = group.columns.length;
  const rowCount = group.rows.length;
  const isBulk = limits.type === tags.getBulk;
  const budgetBytes = learned.answerBytes - limits.overheadBytes;
  let best = { width: 1, height: 1, requests: Number.POSITIVE_INFINITY };
  const maxWidth = Math.min(columnCount, learned.maxRequestVarbinds - (isBulk ? 1 : 0), limits.maxCells);
  for (let width = 1; width <= Math.max(1, maxWidth); width++) {
    let height = Math.floor(budgetBytes / widestChunk(plan, group.columns, width));
    height = Math.min(
      height,
      rowCount,
      Math.floor(limits.maxCells / width),
      isBulk ? learned.maxRepetitions : Math.floor(learned.maxRequestVarbinds / width),
    );
    if (height < 1) {
      if (width > 1) break;
      height = 1;
    }
    const stripes = Math.ceil(rowCount / height);
    const chunks = Math.ceil(columnCount / width);
    // Even stripes: the answers of a poll are then equally long, and equally far from the limit.
    if (stripes * chunks < best.requests)
      best = { width: Math.ceil(columnCount / chunks), height: Math.ceil(rowCount / stripes), requests: stripes * chunks };
  }
  return best;
}

/** Bytes that one row takes in the answer of the widest run of `width` columns. */
function widestChunk(plan: CompiledPlan, columns: readonly number[], width: number): number {
  let widest = 1;
  for (let from = 0; from < columns.length; from += width) {
    let bytes = 0;
    for (const column of columns.slice(from, from + width)) bytes += varbindBytes(plan, column);
    widest = Math.max(widest, bytes);
  }
  return widest;
}

function varbindBytes(plan: CompiledPlan, column: number): number {
  const store = plan.columns[column];
  if (store === undefined) return 0;
  const content = 2 + store.prefix.length + plan.maxIndexBytes + headerBytes(store.valueBytes) + store.valueBytes;
  return headerBytes(content) + content;
}

/** The PDU of a block. GETBULK and GETNEXT start from the planned row before the first one, so a row in between is noticed. */
export function blockSpec(plan: CompiledPlan, block: Block): PduSpec {
  const varbinds: Buffer[] = [];
  const isBulk = block.type === tags.getBulk;
  if (block.sentinel) varbinds.push(instanceVarbind(prefixOf(plan, block.columns[0]), plan.index(plan.rowCount - 1)));
  for (const row of isBulk ? block.rows.subarray(0, 1) : block.rows) {
    for (const column of block.columns) varbinds.push(cellVarbind(plan, block.type, column, row));
  }
  return { type: block.type, nonRepeaters: block.sentinel ? 1 : 0, maxRepetitions: isBulk ? block.rows.length : 0, varbinds };
}

function cellVarbind(plan: CompiledPlan, type: number, column: number, row: number): Buffer {
  const prefix = prefixOf(plan, column);
  if (type === tags.get) return instanceVarbind(prefix, plan.index(row));
  return row === 0 ? nullVarbind(prefix) : instanceVarbind(prefix, plan.index(row - 1));
}

function prefixOf(plan: CompiledPlan, column: number | undefined): Uint8Array {
  return plan.columns[column ?? 0]?.prefix ?? new Uint8Array(0);
}
