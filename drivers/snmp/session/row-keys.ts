import type { Row } from "#model/report.ts";
import type { RowLabels } from "../conversions/convert.ts";
import { clean } from "../conversions/label-text.ts";
import type { SkipRule, TableDefinition } from "../metric-sets/metric-set.ts";
import { type HiddenLabels, packHidden } from "./hidden-labels.ts";
import { Shared, SharedLists } from "./shared.ts";

/**
 * A row as learnt from the agent. It is the reported row itself (the model's Row), and one for all equipment that has such a row: what differs from one
 * to the next of a kind (addresses of its ports) is not in it, see HiddenLabels.
 */
export interface LearntRow extends Row {
  /** Index part of the instance OIDs; may change when the agent renumbers. */
  readonly index: string;
}

/** A row before it has a key, with all of its labels. */
export interface RawRow {
  readonly index: string;
  readonly labels: RowLabels;
}

const maxKeyLength = 128;

/** Values that mean "no name" whoever says them. */
const noNames = new Set(["", "-", "n/a", "none", "null"]);

/**
 * Gives each row its stable key: the first usable label of `key`; rows that share one are told apart by a tiebreak label, else by
 * their index. (Interface names are missing, empty or duplicated on a good part of the equipment in the field.)
 */
export function assignKeys(definition: TableDefinition, rows: readonly RawRow[]): readonly string[] {
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
    let key = (still.get(name) ?? 0) < 2 ? name : `${name}#${row.index}`;
    // An agent may name a row like the key that another one was given.
    while (taken.has(key)) key = `${key}#${row.index}`;
    taken.add(key);
    return key;
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
    if (rule.unless !== undefined) return !rule.unless.some((pattern) => pattern.test(value));
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

const noLabels: RowLabels = Object.freeze({});

/**
 * Texts and rows, kept once for all equipment: forty-eight ports have the same names on each switch of a kind. What is over the bound is merely not
 * shared.
 */
const textsShared = new Shared<string>(16_384);
const rowsShared = new Shared<LearntRow>(16_384);
const listsShared = new SharedLists<LearntRow>(512);
const longestShared = 64;

function sharedText(text: string): string {
  return text.length > longestShared ? text : textsShared.get(text, () => text);
}

/** The same list for all equipment with the same rows, frozen. */
export function sharedRows(rows: readonly LearntRow[]): readonly LearntRow[] {
  return listsShared.get(rows);
}

/** What is kept of a row. */
export function keepRow(definition: TableDefinition, raw: RawRow, key: string): LearntRow {
  const labels: Record<string, string> = { [definition.indexLabel ?? "index"]: sharedText(raw.index) };
  for (const label of definition.labels ?? []) {
    const value = raw.labels[label.name] ?? "";
    if (!label.hidden && value !== "") labels[label.name] = sharedText(value);
  }
  const make = (): LearntRow => Object.freeze({ key: sharedText(key), labels: Object.freeze(labels), index: sharedText(raw.index) });
  const content = `${key}\n${raw.index}\n${Object.entries(labels).flat().join("\n")}`;
  return content.length > 5 * longestShared ? make() : rowsShared.get(content, make);
}

export interface RowChoice {
  /** What the engine is asked for. */
  readonly planned: readonly LearntRow[];
  /** What is reported. */
  readonly reported: readonly LearntRow[];
  /** Of the reported rows. */
  readonly hidden: HiddenLabels;
}

/** Skipped rows up to this share of the others (and at least so many) are asked for all the same and thrown away. */
const skippedShareAskedFor = 0.25;
const skippedAlwaysAskedFor = 8;

/**
 * Gives rows their keys and leaves rows out. A few rows left out of the middle of a table cost more than they save: GETBULK returns
 * them anyway, and the engine would have to ask for exact instances.
 */
export function chooseRows(definition: TableDefinition, raw: readonly RawRow[], rules: readonly SkipRule[] | undefined): RowChoice {
  const keys = assignKeys(definition, raw);
  const planned: LearntRow[] = [];
  const reported: LearntRow[] = [];
  const labels: RowLabels[] = [];
  for (const [position, one] of raw.entries()) {
    const key = keys[position] ?? one.index;
    const skipped = isSkipped(rules, one.labels);
    const row = skipped ? { key, labels: noLabels, index: one.index } : keepRow(definition, one, key);
    planned.push(row);
    if (skipped) continue;
    reported.push(row);
    labels.push(one.labels);
  }
  const skipped = planned.length - reported.length;
  const few = reported.length > 0 && skipped <= Math.max(skippedAlwaysAskedFor, reported.length * skippedShareAskedFor);
  const kept = sharedRows(reported);
  return { planned: few && skipped > 0 ? planned : kept, reported: kept, hidden: packHidden(definition.labels, labels) };
}

export function sameRow(before: LearntRow | undefined, after: LearntRow): boolean {
  if (before === after) return true;
  if (before === undefined || before.key !== after.key || before.index !== after.index) return false;
  const names = Object.keys(before.labels);
  return names.length === Object.keys(after.labels).length && names.every((name) => before.labels[name] === after.labels[name]);
}
