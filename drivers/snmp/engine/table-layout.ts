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

/** Value lengths assumed before the first read, by `kind`. */
const assumedBytes = [6, 4, 16, 16];

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
  const smallest = blocks.reduce((least, block, index) => (cellsOf(block) <= cellsOf(blocks[least]) ? index : least), 0);
  const host = blocks[smallest];
  const hasRoom = limits.learned.maxRequestVarbinds > 1;
  if (limits.sentinel && hasRoom && host !== undefined && host.type === tags.getBulk) blocks[smallest] = { ...host, sentinel: true };
  return blocks;
}

function cellsOf(block: Block | undefined): number {
  return block === undefined ? 0 : block.columns.length * block.rows.length;
}

/** Columns that lack the same rows are read together: within a group there are no holes that would shift a GETBULK's repetitions. */
function groupColumns(plan: CompiledPlan, excluded: Uint8Array | undefined): readonly Group[] {
  const rowCount = plan.rows.count;
  const columns = Array.from({ length: plan.columns.count }, (_, column) => column);
  if (excluded === undefined) return [{ columns, rows: Uint32Array.from({ length: rowCount }, (_, row) => row) }];
  const groups = new Map<string, Group>();
  for (const column of columns) {
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
  for (const { from, to, height } of bestCut(plan, group, limits)) {
    const columns = Uint16Array.from(group.columns.slice(from, to));
    for (let row = 0; row < group.rows.length; row += height) {
      blocks.push({ type: limits.type, columns, rows: group.rows.subarray(row, row + height), sentinel: false, request: undefined });
    }
  }
}

/** A run of a group's columns [from, to) that is read `height` rows at a time. */
interface Stripe {
  readonly from: number;
  readonly to: number;
  readonly height: number;
}

/** The runs of columns that take the fewest requests in all: the cheapest way to the first `to` columns, for each `to` in turn. */
function bestCut(plan: CompiledPlan, group: Group, limits: LayoutLimits): readonly Stripe[] {
  const sizes = group.columns.map((column) => varbindBytes(plan, column));
  const best: { readonly requests: number; readonly requested: number; readonly stripe: Stripe | undefined }[] = [
    { requests: 0, requested: 0, stripe: undefined },
  ];
  for (let to = 1; to <= sizes.length; to++) {
    let rowBytes = 0;
    for (let from = to - 1; from >= 0; from--) {
      rowBytes += sizes[from] ?? 0;
      const height = tallest(to - from, rowBytes, group.rows.length, limits);
      const before = best[from];
      if (before === undefined || (height < 1 && to - from > 1)) break;
      const stripes = Math.ceil(group.rows.length / Math.max(1, height));
      const requests = before.requests + stripes;
      const requested = before.requested + stripes * (to - from);
      const known = best[to];
      if (known !== undefined && (known.requests < requests || (known.requests === requests && known.requested <= requested))) continue;
      // Even stripes: the answers are then equally long, and equally far from the limit.
      best[to] = { requests, requested, stripe: { from, to, height: Math.ceil(group.rows.length / stripes) } };
    }
  }
  const cut: Stripe[] = [];
  for (let step = best.at(-1)?.stripe; step !== undefined; step = best[step.from]?.stripe) cut.unshift(step);
  return cut;
}

/** Rows that one answer can hold of `width` columns which take `rowBytes` together; 0 = not even one. */
function tallest(width: number, rowBytes: number, rowCount: number, { learned, overheadBytes, type, maxCells }: LayoutLimits): number {
  const isBulk = type === tags.getBulk;
  if (width > Math.min(maxCells, learned.maxRequestVarbinds - (isBulk ? 1 : 0)) && width > 1) return 0;
  const fitting = Math.floor((learned.answerBytes - overheadBytes) / rowBytes);
  const allowed = isBulk ? learned.maxRepetitions : Math.floor(learned.maxRequestVarbinds / width);
  return Math.min(fitting, rowCount, Math.floor(maxCells / width), allowed);
}

function varbindBytes(plan: CompiledPlan, column: number): number {
  const valueBytes = plan.valueBytes[column] || assumedBytes[plan.columns.kinds[column] ?? 0] || 0;
  const content = 2 + plan.columns.prefixBytes(column) + plan.rows.maxIndexBytes + headerBytes(valueBytes) + valueBytes;
  return headerBytes(content) + content;
}

/** The PDU of a block. GETBULK and GETNEXT start from the planned row before the first one, so a row in between is noticed. */
export function blockSpec(plan: CompiledPlan, block: Block): PduSpec {
  const varbinds: Buffer[] = [];
  const isBulk = block.type === tags.getBulk;
  if (block.sentinel) varbinds.push(instanceVarbind(plan.columns.prefix(block.columns[0] ?? 0), plan.rows.index(plan.rows.count - 1)));
  for (const row of isBulk ? block.rows.subarray(0, 1) : block.rows) {
    for (const column of block.columns) varbinds.push(cellVarbind(plan, block.type, column, row));
  }
  return { type: block.type, nonRepeaters: block.sentinel ? 1 : 0, maxRepetitions: isBulk ? block.rows.length : 0, varbinds };
}

function cellVarbind(plan: CompiledPlan, type: number, column: number, row: number): Buffer {
  const prefix = plan.columns.prefix(column);
  if (type === tags.get) return instanceVarbind(prefix, plan.rows.index(row));
  return row === 0 ? nullVarbind(prefix) : instanceVarbind(prefix, plan.rows.index(row - 1));
}
