import type { SnmpType } from "#ports/snmp.ts";
import type { MetricSet, TableDefinition } from "../metric-sets/metric-set.ts";
import { isBelow } from "../oid.ts";
import type { Exchange } from "./exchange.ts";

/** What an agent has: tables with at least one value column, and every column's type as first answered. */
export interface ProbeResult {
  readonly tables: readonly TableDefinition[];
  readonly sets: readonly MetricSet[];
  readonly types: ReadonlyMap<string, SnmpType>;
  /** Names of tables of the sets that it said it does not have; those for which it had no good answer are in neither list. */
  readonly lacking: ReadonlySet<string>;
}

/**
 * Finds out by GETNEXT which tables an agent has: first once per subtree, then once per column of the tables below subtrees that
 * answered. A profile never switches these off: what answers is there, whatever the device calls itself.
 * @throws GatewayError driver.* when the agent stops answering
 */
export async function probeTables(sets: readonly MetricSet[], exchange: Exchange, known: KnownResults): Promise<ProbeResult> {
  const tables = sets.flatMap((set) => set.tables);
  const roots = [...new Set(tables.map(commonRoot))];
  const unclear = new Set<string>();
  const alive = new Set((await answersBelow(roots, exchange, unclear)).keys());
  const likely = tables.filter((table) => alive.has(commonRoot(table)));
  const types = await answersBelow([...new Set(likely.flatMap(columnsOf))], exchange, unclear);
  const present = likely.filter((table) => table.columns.some((column) => isThere(column.oid, types) || isThere(column.fallback, types)));
  const names = new Set(present);
  const absent = tables.filter((table) => !names.has(table) && ![commonRoot(table), ...columnsOf(table)].some((oid) => unclear.has(oid)));
  const lacking = new Set(absent.map((table) => table.table));
  return known.share({ tables: present, sets: sets.filter((set) => set.tables.some((table) => names.has(table))), types, lacking });
}

const maxKnown = 64;

/** Sites have many devices of few kinds: equal results are kept once. One per driver; the oldest of 64 goes first. */
export class KnownResults {
  readonly #results = new Map<string, ProbeResult>();

  share(result: ProbeResult): ProbeResult {
    const types = [...result.types].map(([oid, type]) => `${oid} ${type}`).sort();
    const key = [...types, ...result.tables.map((table) => table.table), "", ...result.lacking].join("\n");
    const same = this.#results.get(key);
    if (same?.tables.every((table, position) => table === result.tables[position])) return same;
    const oldest = this.#results.keys().next();
    if (this.#results.size >= maxKnown && !oldest.done) this.#results.delete(oldest.value);
    this.#results.set(key, result);
    return result;
  }
}

function isThere(oid: string | undefined, types: ReadonlyMap<string, SnmpType>): boolean {
  return oid !== undefined && types.has(oid);
}

/** @param unclear what the agent failed to answer for is added to it */
async function answersBelow(oids: readonly string[], exchange: Exchange, unclear: Set<string>): Promise<Map<string, SnmpType>> {
  const found = new Map<string, SnmpType>();
  if (oids.length === 0) return found;
  const answers = await exchange.session.getNext(oids, exchange.signal);
  for (const [position, oid] of oids.entries()) {
    const answer = answers[position];
    // An error in answer to this one alone comes as a null that names what was asked for.
    if (answer === undefined || (answer.type === "null" && answer.oid === oid)) unclear.add(oid);
    else if (answer.type !== "end-of-mib-view" && isBelow(answer.oid, oid)) found.set(oid, answer.type);
  }
  return found;
}

function columnsOf(table: TableDefinition): string[] {
  const values = table.columns.flatMap((column) => (column.fallback === undefined ? [column.oid] : [column.oid, column.fallback]));
  const labels = (table.labels ?? []).flatMap((label) => (label.format === "index-name" ? [] : [label.oid]));
  return [...values, ...labels, ...(table.discontinuity === undefined ? [] : [table.discontinuity])];
}

/** The deepest subtree that holds all value columns of a table. */
export function commonRoot(table: TableDefinition): string {
  const arcs = table.columns.map((column) => column.oid.split("."));
  const first = arcs[0] ?? [];
  let depth = Math.max(first.length - 1, 0);
  for (const other of arcs) {
    let shared = 0;
    while (shared < depth && other[shared] === first[shared]) shared++;
    depth = shared;
  }
  return first.slice(0, depth).join(".");
}
