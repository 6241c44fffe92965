import { createHash } from "node:crypto";
import type { DictionaryGroup, DictionaryRecord, DictionarySeries } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import { limits } from "./layout.ts";

function malformed(message: string): GatewayError {
  return new GatewayError("codec.malformed", { message });
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(item: unknown, what: string): Fields {
  if (typeof item !== "object" || item === null || Array.isArray(item)) throw malformed(`${what} is not an object`);
  return item as Fields;
}

function listOf(item: unknown, what: string, maxItems: number): readonly unknown[] {
  if (!Array.isArray(item)) throw malformed(`${what} is not an array`);
  if (item.length > maxItems) throw new GatewayError("codec.limit", { message: `${what} is too long`, fields: { length: item.length } });
  return item;
}

function text(item: unknown, what: string, maxChars: number): string {
  if (typeof item !== "string" || item.length > maxChars) throw malformed(`${what} is not a short text`);
  return item;
}

function count(item: unknown, what: string): number {
  if (typeof item !== "number" || !Number.isSafeInteger(item) || item < 0) throw malformed(`${what} is not an unsigned integer`);
  return item;
}

function kind(item: unknown): "c" | "g" | "s" {
  if (item === "c" || item === "g" || item === "s") return item;
  throw malformed("a series of no known kind");
}

function scale(item: unknown): number {
  if (typeof item !== "number" || !Number.isFinite(item)) throw malformed("a scale is not a number");
  return item;
}

function labels(item: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(fieldsOf(item, "labels"));
  if (entries.length > 64) throw new GatewayError("codec.limit", { message: "too many labels" });
  for (const [name, value] of entries) {
    text(name, "a label's name", 256);
    text(value, "a label", 256);
  }
  return item as Readonly<Record<string, string>>;
}

interface Budget {
  series: number;
}

function spend(budget: Budget, series: number): void {
  budget.series += series;
  // The product form is short for many series: bounded here, not by the bytes.
  if (budget.series > limits.recordSeries) throw new GatewayError("codec.limit", { message: "too many series in one record" });
}

/** `metrics` x `rows`, metric-major: the form this gateway sends. */
function productSeries(fields: Fields, budget: Budget): readonly DictionarySeries[] {
  const metrics = listOf(fields.metrics, "metrics", 65_535).map((item) => {
    const [name, letter, unit, factor] = listOf(item, "a metric", 16);
    return { metric: text(name, "a metric's name", 256), kind: kind(letter), unit: text(unit, "a unit", 64), scale: scale(factor) };
  });
  const rows = listOf(fields.rows, "rows", 65_535).map((item) => {
    const [key, own] = listOf(item, "a row", 16);
    return { rowKey: text(key, "a row's key", 256), labels: labels(own) };
  });
  spend(budget, metrics.length * rows.length);
  return metrics.flatMap((metric) => rows.map((row) => ({ ...metric, ...row })));
}

/** `series` one by one: [metric, labels, kind, unit, scale, row key?]. */
function listedSeries(fields: Fields, budget: Budget): readonly DictionarySeries[] {
  const series = listOf(fields.series, "series", limits.recordSeries);
  spend(budget, series.length);
  return series.map((item) => {
    const [name, own, letter, unit, factor, rowKey = ""] = listOf(item, "a series", 16);
    return {
      metric: text(name, "a metric's name", 256),
      labels: labels(own),
      kind: kind(letter),
      unit: text(unit, "a unit", 64),
      scale: scale(factor),
      rowKey: text(rowKey, "a row's key", 256),
    };
  });
}

function groupOf(item: unknown, budget: Budget): DictionaryGroup {
  const fields = fieldsOf(item, "a group");
  return {
    groupId: count(fields.gid, "gid"),
    equipment: text(fields.dev, "dev", 64),
    table: text(fields.tbl, "tbl", 256),
    intervalMs: count(fields.iv, "iv"),
    series: fields.rows === undefined ? listedSeries(fields, budget) : productSeries(fields, budget),
  };
}

/**
 * Reads a dictionary record. A full record that carries a digest must match it: SHA-256 over the SHA-256 of each group's JSON text.
 * @throws GatewayError codec.malformed | codec.limit
 */
export function parseDictionaryRecord(fields: Fields): DictionaryRecord {
  if (fields.v !== 1) throw malformed("not version 1 of the dictionary");
  const groups = listOf(fields.groups, "groups", 65_535);
  const full = fields.full === true;
  const digest = fields.sha256;
  if (full && digest !== undefined && digest !== digestOf(groups)) throw malformed("the dictionary does not match its digest");
  const budget: Budget = { series: 0 };
  const removed = fields.removed;
  return {
    revision: count(fields.rev, "rev"),
    base: count(fields.base, "base"),
    full,
    groups: groups.map((item) => groupOf(item, budget)),
    removed: removed === undefined ? [] : listOf(removed, "removed", 65_535).map((gid) => count(gid, "removed")),
  };
}

function digestOf(groups: readonly unknown[]): string {
  const hash = createHash("sha256");
  for (const group of groups) hash.update(createHash("sha256").update(JSON.stringify(group)).digest());
  return hash.digest("hex");
}
