import type { ColumnRequest, TableAnswer, TableColumn, TablePlan, Varbind } from "#ports/snmp.ts";

/** Typed columns from the answers of GETs in (column, row) order; absent and unfitting ones stay absent. */
export function fillTable(plan: TablePlan, answers: readonly Varbind[]): Pick<TableAnswer, "columns" | "vanished"> {
  const rows = plan.rows.length;
  const columns = plan.columns.map((column, index) => fillColumn(column, answers.slice(index * rows, (index + 1) * rows), rows));
  const vanished = plan.rows.filter((_, row) => columns.every(({ present }) => present[row] !== 1)).length;
  return { columns, vanished };
}

function fillColumn({ as }: ColumnRequest, cells: readonly Varbind[], rows: number): TableColumn {
  const present = new Uint8Array(rows);
  const keep = <T>(values: { [row: number]: T }, read: (varbind: Varbind) => T | undefined) => {
    for (const [row, varbind] of cells.entries()) {
      const value = read(varbind);
      if (value === undefined) continue;
      values[row] = value;
      present[row] = 1;
    }
  };
  if (as === "counter") {
    const value = new BigUint64Array(rows);
    keep(value, ({ type, value: read }) => (type !== "counter64" && (typeof read !== "number" || read < 0) ? undefined : toBigint(read)));
    return { as, present, value, bits: cells.some(({ type }) => type === "counter64") ? 64 : 32 };
  }
  if (as === "number") {
    const value = new Float64Array(rows);
    keep(value, ({ value: read }) => (typeof read === "number" || typeof read === "bigint" ? Number(read) : undefined));
    return { as, present, value };
  }
  if (as === "text") {
    const value = new Array<string>(rows).fill("");
    keep(value, ({ type, value: read }) => textOf(type, read));
    return { as, present, value };
  }
  const value = new Array<Uint8Array>(rows).fill(new Uint8Array(0));
  keep(value, ({ value: read }) => (read instanceof Uint8Array ? read : undefined));
  return { as, present, value };
}

function toBigint(value: Varbind["value"]): bigint | undefined {
  return typeof value === "bigint" || typeof value === "number" ? BigInt(value) : undefined;
}

function textOf(type: Varbind["type"], value: Varbind["value"]): string | undefined {
  if (typeof value === "string") return value;
  return type === "octet-string" && value instanceof Uint8Array ? new TextDecoder().decode(value).replace(/\0+$/, "") : undefined;
}
