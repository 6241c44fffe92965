import { tags } from "./ber.ts";
import type { Learned } from "./learned.ts";
import { instanceVarbind, nullVarbind, type PduSpec } from "./request.ts";
import type { Opening } from "./table-opening.ts";
import type { Block, CompiledPlan, Group } from "./table-plan.ts";
import { cellSizes } from "./table-sizes.ts";

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
  /** Asked for along with it in one of the requests, where there is room. */
  readonly opening?: Opening | undefined;
}

/** Room left in an answer for values that grow. */
const growthBytes = 16;
/** Room left in all answers when not even the smallest has it for a sentinel. */
const sentinelBytes = 48;
const judgedRows = 256;

export function widthOf(block: Block): number {
  return block.columnTo - block.columnFrom;
}

/** How many varbinds come before those of the cells. */
export function varbindsBefore({ sentinel, opening }: Block): number {
  return (opening?.names.length ?? 0) + (sentinel ? 1 : 0);
}

export function cellCount(block: Block): number {
  return widthOf(block) * (block.rowTo - block.rowFrom);
}

/** Column and row of a cell of a block, by its place in the answer (sentinel apart). */
export function cellAt(
  { group, columnFrom, columnTo, rowFrom }: Block,
  position: number,
): { readonly column: number; readonly row: number } {
  const width = columnTo - columnFrom;
  return { column: group.columns[columnFrom + (position % width)] ?? 0, row: group.rows[rowFrom + Math.floor(position / width)] ?? 0 };
}

/** Cuts the cells that are not excluded into as few requests as possible; of equally few the ones with the shorter requests. */
export function layOut(plan: CompiledPlan, excluded: Uint8Array | undefined, limits: LayoutLimits): Block[] {
  const groups = groupColumns(plan, excluded);
  const blocks = groups.flatMap((group) => cutGroup(plan, group, limits, growthBytes));
  if (!limits.sentinel || limits.type !== tags.getBulk || limits.learned.maxRequestVarbinds < 2) return blocks.map(({ block }) => block);
  const cutAgain = (spareBytes: number): readonly SizedBlock[] => groups.flatMap((group) => cutGroup(plan, group, limits, spareBytes));
  return opened(blocks, limits, cutAgain) ?? withHost(blocks, limits, sentinelBytes, cutAgain).map(({ block }) => block);
}

/** The block with most room gets the sentinel and comes first; where none has so much, all are cut smaller. */
function withHost(
  blocks: readonly SizedBlock[],
  { learned, overheadBytes }: LayoutLimits,
  neededBytes: number,
  cutAgain: (spareBytes: number) => readonly SizedBlock[],
): readonly SizedBlock[] {
  const smallest = blocks.reduce((least, { bytes }, index) => (bytes < (blocks[least]?.bytes ?? 0) ? index : least), 0);
  const hasRoom = (blocks[smallest]?.bytes ?? 0) + neededBytes <= learned.answerBytes - overheadBytes;
  const roomy = hasRoom ? blocks : cutAgain(neededBytes);
  const host = roomy[hasRoom ? smallest : roomy.length - 1];
  if (host === undefined) return roomy;
  return [{ ...host, block: { ...host.block, sentinel: true } }, ...roomy.filter((block) => block !== host)];
}

/** The same with the opening in the first block; undefined where that is not wanted, or would cost more than a request of its own. */
function opened(
  blocks: readonly SizedBlock[],
  limits: LayoutLimits,
  cutAgain: (spareBytes: number) => readonly SizedBlock[],
): Block[] | undefined {
  const { opening, learned } = limits;
  if (opening === undefined) return undefined;
  const [host, ...others] = withHost(blocks, limits, sentinelBytes + opening.bytes, cutAgain);
  if (host === undefined || others.length > blocks.length) return undefined;
  if (widthOf(host.block) + 1 + opening.names.length > learned.maxRequestVarbinds) return undefined;
  return [{ ...host.block, opening }, ...others.map(({ block }) => block)];
}

function groupColumns(plan: CompiledPlan, excluded: Uint8Array | undefined): readonly Group[] {
  const rowCount = plan.rows.count;
  if (excluded === undefined) return plan.rows.count === 0 ? [] : [plan.whole()];
  const groups = new Map<string, { readonly columns: number[]; readonly mask: Uint8Array }>();
  for (let column = 0; column < plan.columns.count; column++) {
    const mask = excluded.subarray(column * rowCount, (column + 1) * rowCount);
    const key = Buffer.from(mask).toString("latin1");
    const known = groups.get(key);
    if (known !== undefined) known.columns.push(column);
    else groups.set(key, { columns: [column], mask });
  }
  return [...groups.values()]
    .map(({ columns, mask }) => ({ columns: Uint16Array.from(columns), rows: Uint32Array.from(rowsLeft(mask)) }))
    .filter(({ rows }) => rows.length > 0);
}

function* rowsLeft(mask: Uint8Array): Generator<number> {
  for (const [row, isExcluded] of mask.entries()) if (isExcluded === 0) yield row;
}

/** A run of a group's columns [from, to), and the cheapest way to read those before it. */
interface Step {
  readonly from: number;
  readonly requests: number;
  /** Varbinds in all requests: what they cost besides their number. */
  readonly requested: number;
}

interface SizedBlock {
  readonly block: Block;
  /** Of the varbinds of its answer. */
  readonly bytes: number;
}

function cutGroup(plan: CompiledPlan, group: Group, limits: LayoutLimits, spareBytes: number): readonly SizedBlock[] {
  const sizes = cellSizes(plan, group);
  const budgetBytes = limits.learned.answerBytes - limits.overheadBytes - spareBytes;
  const blocks: SizedBlock[] = [];
  for (const [columnFrom, columnTo] of bestRuns(sizes, group, limits, budgetBytes)) {
    const rowBytes = rowBytesOf(sizes, group.rows.length, columnFrom, columnTo);
    const ends: number[] = [];
    stripes(rowBytes, columnTo - columnFrom, limits, budgetBytes, ends);
    let rowFrom = 0;
    for (const rowTo of ends) {
      const block = { type: limits.type, group, columnFrom, columnTo, rowFrom, rowTo, sentinel: false, opening: undefined };
      blocks.push({ block, bytes: rowBytes.subarray(rowFrom, rowTo).reduce((sum, size) => sum + size, 0) });
      rowFrom = rowTo;
    }
  }
  return blocks;
}

/**
 * The runs of columns that take the fewest requests in all: the cheapest way to the first `to` columns, for each `to` in turn. Long tables are judged
 * by their first rows.
 */
function bestRuns(sizes: Uint16Array, group: Group, limits: LayoutLimits, budgetBytes: number): readonly (readonly [number, number])[] {
  const rowCount = group.rows.length;
  const rowBytes = new Uint32Array(Math.min(rowCount, judgedRows));
  const best: (Step | undefined)[] = [{ from: 0, requests: 0, requested: 0 }];
  for (let to = 1; to <= group.columns.length; to++) {
    rowBytes.fill(0);
    for (let from = to - 1; from >= 0; from--) {
      addColumn(rowBytes, sizes, from * rowCount);
      const before = best[from];
      const width = to - from;
      const count = width > 1 && !isAllowed(width, limits) ? 0 : stripes(rowBytes, width, limits, budgetBytes);
      if (before === undefined || count === 0) break;
      const requests = before.requests + count;
      const requested = before.requested + count * width;
      const known = best[to];
      const isBetter = known === undefined || requests < known.requests || (requests === known.requests && requested < known.requested);
      if (isBetter) best[to] = { from, requests, requested };
    }
  }
  const runs: (readonly [number, number])[] = [];
  for (let to = group.columns.length; to > 0; to = best[to]?.from ?? 0) runs.unshift([best[to]?.from ?? 0, to]);
  return runs;
}

function isAllowed(width: number, { learned, maxCells, type }: LayoutLimits): boolean {
  return width <= Math.min(maxCells, learned.maxRequestVarbinds - (type === tags.getBulk ? 1 : 0));
}

function addColumn(rowBytes: Uint32Array, sizes: Uint16Array, start: number): void {
  for (let row = 0; row < rowBytes.length; row++) rowBytes[row] = (rowBytes[row] ?? 0) + (sizes[start + row] ?? 0);
}

function rowBytesOf(sizes: Uint16Array, rowCount: number, from: number, to: number): Uint32Array {
  const rowBytes = new Uint32Array(rowCount);
  for (let column = from; column < to; column++) addColumn(rowBytes, sizes, column * rowCount);
  return rowBytes;
}

/**
 * Into how many runs of rows that each fit one answer the rows fall; their ends go to `ends`. 0 when not even one row of several columns fits.
 */
function stripes(rowBytes: Uint32Array, width: number, limits: LayoutLimits, budgetBytes: number, ends?: number[]): number {
  const mostRows = mostRowsOf(width, limits);
  let count = 1;
  let bytes = 0;
  let rows = 0;
  for (let row = 0; row < rowBytes.length; row++) {
    const size = rowBytes[row] ?? 0;
    if (size > budgetBytes && width > 1) return 0;
    if (rows > 0 && (bytes + size > budgetBytes || rows === mostRows)) {
      ends?.push(row);
      count += 1;
      bytes = 0;
      rows = 0;
    }
    bytes += size;
    rows += 1;
  }
  ends?.push(rowBytes.length);
  return count;
}

function mostRowsOf(width: number, { learned, type, maxCells }: LayoutLimits): number {
  const allowed = type === tags.getBulk ? learned.maxRepetitions : Math.floor(learned.maxRequestVarbinds / width);
  return Math.max(1, Math.min(Math.floor(maxCells / width), allowed));
}

/** The PDU of a block. GETBULK and GETNEXT start from the planned row before the first one, so a row in between is noticed. */
export function blockSpec(plan: CompiledPlan, block: Block): PduSpec {
  const { type, group, columnFrom, columnTo, rowFrom, rowTo } = block;
  const varbinds: Buffer[] = [];
  const isBulk = type === tags.getBulk;
  for (const varbind of block.opening?.varbinds ?? []) varbinds.push(varbind);
  if (block.sentinel)
    varbinds.push(instanceVarbind(plan.columns.prefix(group.columns[columnFrom] ?? 0), plan.rows.index(plan.rows.count - 1)));
  for (const row of group.rows.subarray(rowFrom, isBulk ? rowFrom + 1 : rowTo)) {
    for (const column of group.columns.subarray(columnFrom, columnTo)) varbinds.push(cellVarbind(plan, type, column, row));
  }
  return { type, nonRepeaters: varbindsBefore(block), maxRepetitions: isBulk ? rowTo - rowFrom : 0, varbinds };
}

function cellVarbind(plan: CompiledPlan, type: number, column: number, row: number): Buffer {
  const prefix = plan.columns.prefix(column);
  if (type === tags.get) return instanceVarbind(prefix, plan.rows.index(row));
  return row === 0 ? nullVarbind(prefix) : instanceVarbind(prefix, plan.rows.index(row - 1));
}
