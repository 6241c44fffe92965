import type { GenericSeverity } from "../metric-sets/enumeration.ts";
import { profileLimits } from "./limits.ts";
import { MapReader } from "./map-reader.ts";
import { Pattern } from "./pattern.ts";
import type { ProfileSymbol, States, TypeOverride } from "./profile.ts";
import { parseConversion, type ValueConversion } from "./value-conversion.ts";
import type { YamlMap } from "./yaml-tree.ts";

/** Keys of a symbol in any of the dialects. */
export const symbolKeys: ReadonlySet<string> = new Set([
  ...["OID", "name", "description", "tag", "enum", "mapping", "scale_factor", "format", "extract_value", "match_pattern", "match_value"],
  ...["metric_type", "constant_value_one", "poll_time_sec", "conversion", "condition", "allow_duplicate", "match_attributes"],
  ...["unit", "severity", "limits", "script"],
]);

/** What an entry says for all of its symbols. */
export interface SymbolDefaults {
  readonly type: TypeOverride | undefined;
  readonly flag: number | undefined;
  readonly suffix: string | undefined;
}

/** One symbol; undefined = its row is left out, and the problems say why. A row of nulls only is left out without a word. */
export function parseSymbol(reader: MapReader, defaults: SymbolDefaults): ProfileSymbol | undefined {
  const written = reader.name("name");
  const constantOne = reader.boolean("constant_value_one");
  const hasOid = reader.value("OID") !== undefined;
  if (written === undefined && !hasOid) return undefined;
  const oid = reader.oid("OID");
  if (hasOid && oid === undefined) return undefined;
  const name = reader.name("tag") ?? written;
  if (name === undefined) return reader.refuse("name", "is missing");
  if (oid === undefined && !constantOne) return reader.refuse("OID", "is missing");
  if (reader.value("script") !== undefined) reader.refuse("script", "scripts never run; the value is taken as the agent gives it", "note");
  const suffix = defaults.suffix === undefined ? "" : `.${defaults.suffix}`;
  return {
    name: `${name}${suffix}`,
    oid,
    unit: reader.text("unit"),
    type: typeOf(reader, "metric_type") ?? (isGaugeFormat(reader) ? "gauge" : undefined) ?? defaults.type,
    flag: defaults.flag,
    factor: factorOf(reader),
    states: parseStates(reader),
    conversion: conversionOf(reader),
    extract: reader.pattern("extract_value"),
    match: matchOf(reader),
    constantOne,
    pollIntervalS: reader.number("poll_time_sec"),
    onlyIf: conditionOf(reader),
    allowDuplicate: reader.boolean("allow_duplicate"),
    rowFilter: rowFilterOf(reader),
    limits: limitsOf(reader),
    line: reader.line,
  };
}

/** `metric_type` and `forced_type` by their many names; undefined = as the agent's own type says. */
export function typeOf(reader: MapReader, key: string): TypeOverride | undefined {
  const text = reader.text(key)?.toLowerCase();
  if (text === undefined) return undefined;
  if (text === "gauge") return "gauge";
  if (text === "flag_stream") return "flag";
  if (["monotonic_count", "counter", "rate", "percent", "monotonic_count_and_rate"].includes(text)) return "counter";
  return reader.refuse(key, "is no type that is known; the agent's own counts", "note");
}

function isGaugeFormat(reader: MapReader): boolean {
  return reader.text("format")?.toLowerCase() === "gauge";
}

/** `format` and `conversion` say the same thing in two dialects. */
export function conversionOf(reader: MapReader): ValueConversion | undefined {
  for (const key of ["conversion", "format"]) {
    const text = reader.text(key);
    if (text === undefined || (key === "format" && /^gauge$/i.test(text))) continue;
    const conversion = parseConversion(text);
    if (typeof conversion !== "string") return conversion;
    reader.refuse(key, conversion, "note");
  }
  return undefined;
}

export function matchOf(reader: MapReader): ProfileSymbol["match"] {
  const pattern = reader.pattern("match_pattern");
  return pattern === undefined ? undefined : { pattern, value: reader.text("match_value") ?? "$1" };
}

function factorOf(reader: MapReader): number | undefined {
  const factor = reader.number("scale_factor");
  if (factor !== 0) return factor;
  return reader.refuse("scale_factor", "is 0", "note");
}

/** `name=integer`: the metric of the same row must have this value. */
function conditionOf(reader: MapReader): ProfileSymbol["onlyIf"] {
  const text = reader.text("condition");
  if (text === undefined) return undefined;
  const match = /^\s*([^=\s]+)\s*={1,2}\s*(-?\d+)\s*$/.exec(text);
  if (match?.[1] === undefined) return reader.refuse("condition", "is not name=integer", "note");
  return { metric: match[1], equals: Number(match[2]) };
}

export function rowFilterOf(reader: MapReader): readonly Pattern[] {
  return reader.texts("match_attributes").flatMap(({ text }) => {
    const pattern = Pattern.compile(text);
    if (typeof pattern !== "string") return [pattern];
    reader.refuse("match_attributes", pattern, "note");
    return [];
  });
}

const limitKeys: ReadonlySet<string> = new Set(["min", "max"]);

function limitsOf(reader: MapReader): ProfileSymbol["limits"] {
  const map = reader.map("limits");
  if (map === undefined) return undefined;
  const limits = new MapReader(map, reader.pathOf("limits"), reader.problems, limitKeys);
  const [min, max] = [limits.number("min"), limits.number("max")];
  if (min !== undefined && max !== undefined && min > max) return reader.refuse("limits", "has its min above its max", "note");
  return { min, max };
}

/** Kentik writes name -> integer (`enum`), Datadog integer -> name (`mapping`). Either side may be what is a number. */
function parseStates(reader: MapReader): States | undefined {
  const map = reader.map("enum") ?? reader.map("mapping");
  if (map === undefined) {
    if (reader.value("severity") !== undefined) reader.refuse("severity", "wants an enum or a mapping beside it", "note");
    return undefined;
  }
  const names = new Map<number, string>();
  const values = new Map<string, number>();
  for (const [name, value] of enumPairs(map, reader)) {
    // Two names for one value: the first counts, but either text is understood.
    if (!names.has(value)) names.set(value, name);
    if (!values.has(name.toLowerCase())) values.set(name.toLowerCase(), value);
  }
  if (names.size === 0) return undefined;
  return { names, values, severity: severityOf(reader, values) };
}

function enumPairs(map: YamlMap, reader: MapReader): (readonly [name: string, value: number])[] {
  const key = reader.value("enum") === map ? "enum" : "mapping";
  const pairs: (readonly [string, number])[] = [];
  for (const { key: left, value, line } of map.entries.slice(0, profileLimits.enumEntries)) {
    const path = `${reader.pathOf(key)}.${left.slice(0, profileLimits.nameLength)}`;
    if (value.is !== "scalar" || value.isNull) {
      reader.problems.add("note", line, path, "has no value of its own (bad indentation?); it is left out");
      continue;
    }
    const right = value.text;
    // A mapping's numbers are on the left unless only the right side is one; an enum's the other way round.
    const numberIsRight = key === "enum" ? isInteger(right) || !isInteger(left) : !isInteger(left) && isInteger(right);
    const [name, number] = numberIsRight ? [left, right] : [right, left];
    if (isInteger(number)) pairs.push([name.slice(0, profileLimits.nameLength), Number(number)]);
    else reader.problems.add("note", line, path, "neither side is an integer; it is left out");
  }
  if (map.entries.length > profileLimits.enumEntries)
    reader.refuse(key, `has more than ${profileLimits.enumEntries} values; the rest is left out`, "note");
  return pairs;
}

function isInteger(text: string): boolean {
  return /^-?(\d{1,15}|0x[0-9a-f]{1,12})$/i.test(text);
}

const severities: ReadonlySet<string> = new Set(["ok", "warning", "critical", "unknown"]);

function severityOf(reader: MapReader, values: ReadonlyMap<string, number>): ReadonlyMap<number, GenericSeverity> {
  const severity = new Map<number, GenericSeverity>();
  for (const { key, value, line } of reader.map("severity")?.entries ?? []) {
    const state = values.get(key.toLowerCase()) ?? (isInteger(key) ? Number(key) : undefined);
    const level = value.is === "scalar" ? value.text.toLowerCase() : "";
    if (state !== undefined && isSeverity(level)) severity.set(state, level);
    else
      reader.problems.add(
        "note",
        line,
        `${reader.pathOf("severity")}.${key.slice(0, profileLimits.nameLength)}`,
        "is not value: ok|warning|critical|unknown",
      );
  }
  return severity;
}

function isSeverity(level: string): level is GenericSeverity {
  return severities.has(level);
}
