import type { Database, Statement } from "better-sqlite3";
import type { HistorySeries } from "#ports/history.ts";
import { atDisk } from "./disk-error.ts";
import { historyFile } from "./history-schema.ts";

/** Series that wait for their first write. So many are only there where the disk has refused for long; what is new then has no plot until it takes writes again. */
const maxUnwritten = 20_000;
/** A number beyond it is no number of ours but a turned bit. */
const maxId = 2 ** 31;

interface Row {
  readonly equipment: string;
  readonly tbl: string;
  readonly row_key: string;
  readonly metric: string;
  readonly kind: HistorySeries["kind"];
  readonly unit: string;
}

/**
 * Names of series and the numbers they have in blocks. A new one is numbered in memory and written with the first block that names it: with a write of its
 * own for each table a site of a thousand switches kept the disk busy for minutes, and the journal, which shares the thread, waiting.
 */
export class HistorySeriesBook {
  readonly #database: Database;
  readonly #find: Statement<[string, string, string, string], number>;
  readonly #unwritten = new Map<string, { readonly id: number; readonly one: HistorySeries }>();
  #lastId: number;

  /** @throws GatewayError buffer.* */
  constructor(database: Database) {
    this.#database = database;
    const sql = "SELECT id FROM series WHERE equipment = ? AND tbl = ? AND row_key = ? AND metric = ?";
    this.#find = this.#run(() => database.prepare<[string, string, string, string], number>(sql).pluck());
    const last = this.#run(() => database.prepare("SELECT max(id) FROM series WHERE id < ?").pluck().get(maxId));
    this.#lastId = typeof last === "number" ? last : 0;
  }

  /** undefined = not known. @throws GatewayError buffer.* */
  idOf(one: HistorySeries): number | undefined {
    const unwritten = this.#unwritten.get(keyOf(one));
    if (unwritten !== undefined) return unwritten.id;
    const { equipment, table, rowKey, metric } = one;
    return this.#run(() => this.#find.get(equipment, table, rowKey, metric));
  }

  /** The series' numbers, made where they are new; 0 = there are too many that could not be written. @throws GatewayError buffer.* */
  idsOf(series: readonly HistorySeries[]): readonly number[] {
    return series.map((one) => this.idOf(one) ?? this.#number(one));
  }

  /** Whether the disk should be asked soon. */
  get isCrowded(): boolean {
    return this.#unwritten.size >= maxUnwritten / 2;
  }

  /** To be called in the transaction that writes blocks; `written` once that has succeeded. */
  write(): void {
    if (this.#unwritten.size === 0) return;
    const insert = this.#database.prepare(
      `INSERT INTO series (id, equipment, tbl, row_key, metric, kind, unit) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET kind = excluded.kind, unit = excluded.unit`,
    );
    for (const { id, one } of this.#unwritten.values())
      insert.run(id, one.equipment, one.table, one.rowKey, one.metric, one.kind, one.unit);
  }

  written(): void {
    this.#unwritten.clear();
  }

  /** Of one equipment, or all; in order. @throws GatewayError buffer.* */
  list(equipment: string | undefined): readonly HistorySeries[] {
    // Two statements: with one for both SQLite reads all series for those of one equipment.
    const sql = equipment === undefined ? "SELECT * FROM series" : "SELECT * FROM series WHERE equipment = ?";
    const rows = this.#run(() => this.#database.prepare<string[], Row>(sql).all(...(equipment === undefined ? [] : [equipment])));
    const stored = rows.map((row) => ({
      equipment: row.equipment,
      table: row.tbl,
      rowKey: row.row_key,
      metric: row.metric,
      kind: row.kind,
      unit: row.unit,
    }));
    const fresh = [...this.#unwritten.values()]
      .map(({ one }) => one)
      .filter((one) => equipment === undefined || one.equipment === equipment);
    return [...stored, ...fresh].sort(
      (a, b) =>
        compare(a.equipment, b.equipment) || compare(a.table, b.table) || compare(a.rowKey, b.rowKey) || compare(a.metric, b.metric),
    );
  }

  #number(one: HistorySeries): number {
    if (this.#unwritten.size >= maxUnwritten) return 0;
    this.#lastId += 1;
    this.#unwritten.set(keyOf(one), { id: this.#lastId, one });
    return this.#lastId;
  }

  #run<T>(work: () => T): T {
    return atDisk({ file: historyFile }, work);
  }
}

function keyOf({ equipment, table, rowKey, metric }: HistorySeries): string {
  return JSON.stringify([equipment, table, rowKey, metric]);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
