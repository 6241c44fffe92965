import { GatewayError } from "#model/errors.ts";
import { Pages } from "#model/pages.ts";
import type { ColumnRequest, TablePlan } from "#ports/snmp.ts";
import { BlockReads } from "./block-read.ts";
import { type CellArena, CellArenas } from "./cell-arena.ts";
import { ColumnSet, RowSet } from "./plan-sets.ts";
import type { PreparedRequest } from "./request.ts";
import { Shared } from "./shared.ts";
import type { Opening } from "./table-opening.ts";
import type { Quarantine } from "./table-quarantine.ts";

const maxCells = 1 << 20;
const readsBetweenCuts = 16;

/** Makes and shares the fixed parts of plans; one per engine. */
export class PlanParts {
  readonly arenas = new CellArenas();
  readonly reads = new BlockReads();
  readonly #forms = new WeakMap<TablePlan, PlanForm>();
  readonly #columns = new Shared<ColumnSet>(1024);
  readonly #rows = new Shared<RowSet>(4096);
  readonly #wholes = new Shared<Group>(4096);
  readonly #blocks = new Shared<Block>(16_384);
  readonly #cuts = new Shared<Cut>(1024);
  readonly #requests = new Shared<PreparedRequest>(16_384);
  #nextId = 0;
  /** Zeros. */
  readonly lengths = new Pages(2_048, (lengths) => new Uint16Array(lengths));

  /** @throws GatewayError driver.unsupported | driver.limit */
  form(plan: TablePlan): PlanForm {
    const known = this.#forms.get(plan);
    if (known !== undefined) return known;
    const cells = plan.rows.length * plan.columns.length;
    if (cells > maxCells) throw new GatewayError("driver.limit", { fields: { table: plan.table, maxCells } });
    const form: PlanForm = { plan, columns: this.#columnsOf(plan.columns), rows: this.#rowsOf(plan.rows), parts: this };
    this.#forms.set(plan, form);
    return form;
  }

  #columnsOf(columns: readonly ColumnRequest[]): ColumnSet {
    return this.#columns.get(columns.map(({ oid, as }) => `${oid} ${as}`).join(), () => new ColumnSet(this.#nextId++, columns));
  }

  #rowsOf(rows: readonly string[]): RowSet {
    return this.#rows.get(rows.join(), () => new RowSet(this.#nextId++, rows));
  }

  /** All columns and all rows. */
  whole(columns: ColumnSet, rows: RowSet): Group {
    const key = `${columns.id}.${rows.id}`;
    return this.#wholes.get(key, () => ({ key, columns: columns.all, rows: rows.all }));
  }

  /** The same list of the same blocks for all plans that are cut alike, and with the same community the same list of requests. */
  cut(made: readonly Block[], sharedBy: string | undefined): Cut {
    const keys = made.map(blockKey);
    const fresh = (): Cut => ({
      blocks: made.map((block, at) => this.#block(block, keys[at])),
      requests: new Array(made.length).fill(undefined),
    });
    if (sharedBy === undefined || keys.includes(undefined)) return fresh();
    return this.#cuts.get(`${sharedBy}\n${keys.join("\n")}`, fresh);
  }

  #block(block: Block, key: string | undefined): Block {
    return key === undefined ? block : this.#blocks.get(key, () => block);
  }

  /** The same bytes for all equipment that is asked the same with the same community. */
  request(sharedBy: string | undefined, block: Block, make: () => PreparedRequest): PreparedRequest {
    const key = sharedBy === undefined ? undefined : blockKey(block);
    if (key === undefined) return make();
    return this.#requests.get(`${key} ${sharedBy}`, () => ({ ...make(), isShared: true }));
  }
}

function blockKey({ type, group, columnFrom, columnTo, rowFrom, rowTo, sentinel, opening }: Block): string | undefined {
  if (group.key === undefined) return undefined;
  return `${group.key} ${type} ${columnFrom} ${columnTo} ${rowFrom} ${rowTo} ${sentinel} ${opening?.key ?? ""}`;
}

/** Columns that lack the same rows, and the rows they have: within a group there are no holes that would shift a GETBULK's repetitions. */
export interface Group {
  /** Names a group of all columns and rows; undefined for those with holes, which nobody shares. */
  readonly key?: string;
  readonly columns: Uint16Array;
  readonly rows: Uint32Array;
}

/**
 * One request of a table read and the cells that its answer should hold, in this order: for each row of the group in [rowFrom, rowTo) each column
 * in [columnFrom, columnTo). With `sentinel` one varbind comes before them: what follows the last planned row, so that a new row there is noticed;
 * with an opening the varbinds of that come before all others.
 */
export interface Block {
  /** tags.getBulk, tags.getNext or tags.get. */
  readonly type: number;
  readonly group: Group;
  readonly columnFrom: number;
  readonly columnTo: number;
  readonly rowFrom: number;
  readonly rowTo: number;
  readonly sentinel: boolean;
  readonly opening: Opening | undefined;
}

/** A plan cut into blocks. */
export interface Cut {
  readonly blocks: readonly Block[];
  /** One per block, made when first needed. */
  readonly requests: (PreparedRequest | undefined)[];
}

const uncut: Cut = { blocks: [], requests: [] };

/** What follows from a TablePlan alone: one for all equipment that is asked for it. */
export interface PlanForm {
  readonly plan: TablePlan;
  readonly columns: ColumnSet;
  readonly rows: RowSet;
  readonly parts: PlanParts;
}

/** What the engine keeps of a TablePlan for one equipment: what was learnt about its values and holes, the requests to send; the cells only during a read. */
export class CompiledPlan {
  readonly #form: PlanForm;
  #arena: CellArena | undefined;
  /** Longest value seen a column, bytes, 0 before the first read; sizes the answers that are asked for. */
  readonly valueBytes: Uint16Array;
  /** Where those of this plan begin: others stand beside them. */
  readonly valueBytesAt: number;
  /** Cells that the agent does not have; undefined while there is none. */
  absent: Uint8Array | undefined;
  /** Columns left alone for a while; made with the first. */
  quarantine: Quarantine | undefined;
  /** What its reads ask for; shared by all plans that are cut alike. */
  cut: Cut = uncut;
  /** Learned.revision that `cut` was made for; -1 = cut anew. */
  cutFor = -1;
  /** It was cut without the values at hand: by the longest ones seen. */
  isCutBlindly = false;
  /** Asked for along with the cells. */
  opening: Opening | undefined;
  #grownAt = 0;
  reads = 0;
  /** Values of this read that did not fit their column, as far as answers were the predicted ones. */
  unfit = 0;
  /** > 0: ask for exact instances so many reads more, because the agent has rows between the planned ones. */
  exactReads = 0;
  reading = false;

  /** @throws GatewayError driver.unsupported | driver.limit */
  constructor(plan: TablePlan, parts: PlanParts) {
    this.#form = parts.form(plan);
    const { page, at } = parts.lengths.take(plan.columns.length);
    this.valueBytes = page;
    this.valueBytesAt = at;
  }

  get plan(): TablePlan {
    return this.#form.plan;
  }

  get columns(): ColumnSet {
    return this.#form.columns;
  }

  get rows(): RowSet {
    return this.#form.rows;
  }

  /**
   * The cells of the read under way, or of the last one until they are given back. Taken when the first answer comes: polls ask at the same time, but are
   * answered one after the other.
   */
  get arena(): CellArena {
    this.#arena ??= this.#form.parts.arenas.take(this.columns, this.plan.columns, this.rows.count);
    return this.#arena;
  }

  /** Whether anything was answered in this read. */
  get hasCells(): boolean {
    return this.#arena !== undefined;
  }

  /** Whether the values of the last read are still here. */
  get holdsValues(): boolean {
    return this.#arena !== undefined && this.reads > 0;
  }

  get cells(): number {
    return this.rows.count * this.columns.count;
  }

  get present(): Uint8Array {
    return this.arena.present;
  }

  /** No cell holds a value of this read yet. */
  clear(): void {
    this.unfit = 0;
    this.#arena?.clear();
  }

  /** The last answer has been taken over: its cells may serve another plan. */
  release(): void {
    if (this.#arena === undefined || this.reading || this.columns.hasObjects) return;
    this.#form.parts.arenas.giveBack(this.#arena);
    this.#arena = undefined;
  }

  /** From now on its reads ask for this along with the cells; undefined = for nothing. */
  openWith(opening: Opening | undefined): void {
    if (this.opening === opening) return;
    this.opening = opening;
    this.cutFor = -1;
  }

  /** Values have grown so long that an answer is longer than wanted. Cutting costs as much as reading, so not at every byte. */
  noteGrowth(): void {
    if (this.reads - this.#grownAt < readsBetweenCuts) return;
    this.#grownAt = this.reads;
    this.cutFor = -1;
  }

  /** Cells that are not asked for: 1 each; undefined = all are. */
  excluded(): Uint8Array | undefined {
    const columns = this.quarantine?.columns() ?? [];
    if (columns.length === 0) return this.absent;
    const cells = this.absent?.slice() ?? new Uint8Array(this.cells);
    for (const column of columns) cells.fill(1, column * this.rows.count, (column + 1) * this.rows.count);
    return cells;
  }

  /** All columns and all rows. */
  whole(): Group {
    return this.#form.parts.whole(this.columns, this.rows);
  }

  columnOid(column: number): string {
    return this.plan.columns[column]?.oid ?? "";
  }

  /** Its reads ask for these from now on. `sharedBy`: as in requestOf. */
  take(blocks: readonly Block[], sharedBy: string | undefined): void {
    this.cut = this.#form.parts.cut(blocks, sharedBy);
  }

  /** The encoded request of a block. `sharedBy`: what all askers have in common; undefined = it is nobody else's. */
  requestOf(block: Block, sharedBy: string | undefined, make: () => PreparedRequest): PreparedRequest {
    return this.#form.parts.request(sharedBy, block, make);
  }

  get blockReads(): BlockReads {
    return this.#form.parts.reads;
  }

  /** Rows of which no column has a value. */
  countVanished(): number {
    const { answer } = this.arena;
    let vanished = 0;
    for (let row = 0; row < this.rows.count; row++) if (answer.every((column) => column.present[row] === 0)) vanished++;
    return vanished;
  }
}
