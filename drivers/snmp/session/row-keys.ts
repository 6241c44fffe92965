import type { RowLabels } from "../conversions/convert.ts";
import { clean } from "../conversions/label-text.ts";
import type { SkipRule, TableDefinition } from "../metric-sets/metric-set.ts";

/** A row as learnt from the agent: where it is now and what describes it. */
export interface LearntRow {
  /** Index part of the instance OIDs; may change when the agent renumbers. */
  readonly index: string;
  readonly labels: RowLabels;
  /** Stable identity, unique within the table. */
  readonly key: string;
}

const maxKeyLength = 128;

/** Values that mean "no name" whoever says them. */
const noNames = new Set(["", "-", "n/a", "none", "null"]);

/**
 * Gives each row its stable key: the first usable label of `key`; rows that share one are told apart by a tiebreak label, else by
 * their index. (Interface names are missing, empty or duplicated on a good part of the equipment in the field.)
 */
export function assignKeys(
  definition: TableDefinition,
  rows: readonly { readonly index: string; readonly labels: RowLabels }[],
): LearntRow[] {
  const names = rows.map((row) => baseName(definition, row.index, row.labels));
  const first = countOf(names);
  const second = names.map((name, position) => {
    if ((first.get(name) ?? 0) < 2) return name;
    const tie = firstUsable(definition.tiebreak, rows[position]?.labels ?? {});
    return tie === "" ? name : `${name}/${tie}`;
  });
  const still = countOf(second);
  const taken = new Set<string>();
  return rows.map((row, position) => {
    const name = second[position] ?? row.index;
    const unique = (still.get(name) ?? 0) < 2 ? name : `${name}#${row.index}`;
    const key = taken.has(unique) ? `${unique}#${row.index}` : unique;
    taken.add(key);
    return { index: row.index, labels: row.labels, key };
  });
}

function baseName(definition: TableDefinition, index: string, labels: RowLabels): string {
  const name = firstUsable(definition.key, labels);
  if (name !== "") return name;
  const from = definition.keyIndexFrom ?? 0;
  const rest = from === 0 ? index : index.split(".").slice(from).join(".");
  // Agents with a short index exist: then all of it is the key.
  return (rest === "" ? index : rest).slice(0, maxKeyLength);
}

function firstUsable(names: readonly string[] | undefined, labels: RowLabels): string {
  for (const name of names ?? []) {
    const value = clean(labels[name] ?? "").slice(0, maxKeyLength);
    if (!noNames.has(value.toLowerCase())) return value;
  }
  return "";
}

function countOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Whether one of the rules leaves this row out. */
export function isSkipped(rules: readonly SkipRule[] | undefined, labels: RowLabels): boolean {
  return (rules ?? []).some((rule) => {
    const value = labels[rule.label];
    if (value === undefined) return false;
    return rule.equals?.includes(value) === true || rule.matches?.test(value) === true;
  });
}

/** ifHighSpeed counts in Mbit/s; ifSpeed saturates at 2^32 - 1; both are 0 on many agents. undefined = unknown. */
export function speedOf(labels: RowLabels): number | undefined {
  const high = Number(labels.ifHighSpeed);
  if (high > 0 && high < 10_000_000) return high * 1_000_000;
  const low = Number(labels.ifSpeed);
  return low > 0 && low < 4_294_967_295 ? low : undefined;
}

export interface RowChoice {
  /** What the engine is asked for. */
  readonly planned: readonly LearntRow[];
  /** What is reported. */
  readonly reported: readonly LearntRow[];
}

/** Skipped rows up to this share of the others (and at least so many) are asked for all the same and thrown away. */
const skippedShareAskedFor = 0.25;
const skippedAlwaysAskedFor = 8;

/**
 * Leaves rows out. A few rows left out of the middle of a table cost more than they save: GETBULK returns them anyway, and the engine
 * would have to ask for exact instances.
 */
export function chooseRows(rows: readonly LearntRow[], rules: readonly SkipRule[] | undefined): RowChoice {
  const reported = rows.filter((row) => !isSkipped(rules, row.labels));
  const skipped = rows.length - reported.length;
  const few = reported.length > 0 && skipped <= Math.max(skippedAlwaysAskedFor, reported.length * skippedShareAskedFor);
  return { planned: few ? rows : reported, reported };
}
