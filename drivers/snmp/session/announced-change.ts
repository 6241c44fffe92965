import type { PolledTable } from "./polled-table.ts";

/**
 * The agent says that the rows of some tables changed. What has its names from one of those, or its rows, is read anew as well, whoever defined it: profiles add
 * tables whose rows are called by ifName. What only has the same indexes keeps its names, which are numbers; but another thing may count there now.
 */
export function learnAnnounced(tables: readonly PolledTable[]): void {
  const announcing = tables.filter(({ definition }) => definition.changeIndicator !== undefined);
  const names = new Set(announcing.map(({ definition }) => definition.table));
  const labels = new Set(announcing.flatMap(({ definition }) => (definition.labels ?? []).map(({ oid }) => oid)));
  // Told by their rows of before: looked at before any of them forgets its own.
  const indexes = announcing.map(indexesOf);
  for (const table of tables) {
    const { table: name, rowsOf, labels: own = [] } = table.definition;
    const isNamedByThem = names.has(name) || (rowsOf !== undefined && names.has(rowsOf)) || own.some(({ oid }) => labels.has(oid));
    if (isNamedByThem) table.learnFirst();
    else if (indexes.some((theirs) => isWithin(indexesOf(table), theirs) || isWithin(theirs, indexesOf(table)))) beginAnew(table);
  }
}

/** Its counters have no predecessor any more. */
function beginAnew({ outputs }: PolledTable): void {
  for (const output of outputs) output.reset();
}

function indexesOf({ rows }: PolledTable): ReadonlySet<string> {
  return new Set(rows.map(({ index }) => index));
}

function isWithin(few: ReadonlySet<string>, many: ReadonlySet<string>): boolean {
  return few.size > 0 && few.size <= many.size && [...few].every((index) => many.has(index));
}
