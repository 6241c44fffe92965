import type { Engine } from "../../../../drivers/snmp/engine/engine.ts";
import type { SnmpSession, TableAnswer, TablePlan } from "../../../../runtime/ports/snmp.ts";
import { inMs, startEngine, unending } from "./conversing.ts";
import { integer, TableAgent } from "./table-agent.ts";

export const entry = "1.3.6.1.2.1.2.2.1";
export const rows = Array.from({ length: 40 }, (_, index) => String(index + 120));
export const columns = [2, 5, 10, 16, 20];

/** A value that tells its own cell. */
const numberOf = (row: string, column: number) => Number(row) * 1000 + column;

/** An agent with one table of 40 rows and 5 columns, an engine and a session to it. */
export class SwitchSite {
  readonly agent = new TableAgent();
  readonly engine: Engine = startEngine();
  #session: SnmpSession | undefined;

  get session(): SnmpSession {
    if (this.#session === undefined) throw new Error("not open");
    return this.#session;
  }

  async open(): Promise<this> {
    await this.agent.open();
    this.agent.table(entry, columns, rows, (row, column) => integer(numberOf(row, column), column === 5 ? 0x02 : 0x41));
    this.agent.set({ "1.3.6.1.2.1.3.1.0": integer(1) });
    this.reopen("2c");
    return this;
  }

  reopen(version: "1" | "2c"): void {
    const credential = { version, community: "public" };
    this.#session = this.engine.open({ address: "127.0.0.1", port: this.agent.port, credential, timeoutMs: 250, retries: 1 });
  }

  read(plan: TablePlan, deadlineMs = inMs(5_000)): Promise<TableAnswer> {
    return this.session.readTable(plan, deadlineMs, unending);
  }

  async close(): Promise<void> {
    await this.engine.close();
    await this.agent.close();
  }
}

export function planOf(planned: readonly string[] = rows): TablePlan {
  return {
    table: "t",
    rows: planned,
    columns: columns.map((column) => ({ oid: `${entry}.${column}`, as: column === 5 ? "number" : "counter" })),
  };
}

/** Cells that hold a value, as `column.row=value`. */
export function cellsOf(plan: TablePlan, answer: TableAnswer): readonly string[] {
  return answer.columns.flatMap((column, index) =>
    plan.rows.flatMap((row, position) => (column.present[position] === 1 ? [`${columns[index]}.${row}=${column.value[position]}`] : [])),
  );
}

export function expected(
  planned: readonly string[] = rows,
  isThere: (row: string, column: number) => boolean = () => true,
): readonly string[] {
  return columns.flatMap((column) =>
    planned.filter((row) => isThere(row, column)).map((row) => `${column}.${row}=${numberOf(row, column)}`),
  );
}
