import type { MetricKind } from "#model/report.ts";
import type { Varbind } from "#ports/snmp.ts";
import { hex, octetsAsText } from "../conversions/label-text.ts";
import type { ColumnDefinition, Conversion } from "../metric-sets/metric-set.ts";
import type { ProfileSymbol } from "./profile.ts";
import type { UnitTable } from "./units.ts";
import { convertToNumber, convertToText, decimal, makesText } from "./value-conversion.ts";

/** What one symbol becomes, given how the device answered it first. `metric` is the name it gets. */
export function columnOf(
  symbol: ProfileSymbol,
  place: { readonly oid: string; readonly metric: string; readonly enumeration: string },
  sample: Pick<Varbind, "type" | "value">,
  units: UnitTable,
): ColumnDefinition {
  const kind = kindOf(symbol, sample);
  const { oid, metric, enumeration } = place;
  const base = { metric, oid, kind, ...rangeOf(symbol), ...(symbol.onlyIf && { onlyIf: symbol.onlyIf }) };
  if (kind === "text") {
    const { conversion } = symbol;
    const text = (bytes: Uint8Array): string => (conversion ? convertToText(conversion, bytes) : readText(symbol, bytes));
    return { ...base, unit: "", convert: { is: "own-text", text } };
  }
  const unit = kind === "state" ? `enum:${enumeration}` : (symbol.unit ?? defaultUnit(symbol, sample, units));
  // A counter is counted as it stands; scaled it would be none.
  if (kind === "counter") return { ...base, unit };
  return { ...base, unit, ...scaleOf(symbol, sample), ...convertOf(symbol) };
}

/** By the file's word first, then by the type that the agent answers with. */
function kindOf(symbol: ProfileSymbol, { type, value }: Pick<Varbind, "type" | "value">): MetricKind {
  if (symbol.constantOne || symbol.conversion?.is === "one") return "gauge";
  if (makesText(symbol.conversion)) return "text";
  if (symbol.states !== undefined || symbol.type === "flag") return "state";
  if (symbol.conversion?.is === "powerset") return "state";
  if (type === "oid" || type === "ip-address") return "text";
  if (symbol.type === "gauge" || symbol.factor !== undefined) return "gauge";
  if (type === "octet-string") {
    const number = value instanceof Uint8Array ? numberOfBytes(symbol, value) : Number.NaN;
    if (symbol.type === undefined && Number.isNaN(number)) return "text";
    return "gauge";
  }
  if (symbol.type === "counter") return "counter";
  return type === "counter32" || type === "counter64" ? "counter" : "gauge";
}

function rangeOf({ limits }: ProfileSymbol): { readonly range?: readonly [number, number] } {
  return limits === undefined ? {} : { range: [limits.min ?? -Number.MAX_VALUE, limits.max ?? Number.MAX_VALUE] };
}

function defaultUnit(symbol: ProfileSymbol, { type }: Pick<Varbind, "type">, units: UnitTable): string {
  if (symbol.constantOne || symbol.conversion?.is === "one") return "";
  const known = units.unitOf(symbol.name);
  if (known !== "") return symbol.factor === undefined ? known : "";
  return type === "timeticks" && symbol.factor === undefined ? "cs" : "";
}

/** Values travel as integers of value x scale where that is exact; any double where nothing is known. */
function scaleOf(symbol: ProfileSymbol, { type }: Pick<Varbind, "type">): { readonly scale?: number } {
  const divisor = symbol.factor === undefined ? undefined : 1 / symbol.factor;
  if (divisor !== undefined) return { scale: isWhole(divisor) ? Math.max(Math.round(divisor), 1) : isWhole(symbol.factor ?? 0.5) ? 1 : 0 };
  return type === "octet-string" || type === "opaque" ? { scale: 0 } : {};
}

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-9 && Math.abs(value) >= 1 && Math.abs(value) < 1e9;
}

function convertOf(symbol: ProfileSymbol): { readonly convert?: Conversion } {
  if (symbol.type === "flag") return { convert: { is: "flag-character", position: symbol.flag ?? 1 } };
  const convert: Conversion = {
    is: "own",
    number: (value) => numberOfNumber(symbol, value),
    bytes: (bytes) => numberOfBytes(symbol, bytes),
  };
  return { convert };
}

function numberOfNumber(symbol: ProfileSymbol, value: number): number {
  if (symbol.constantOne || symbol.conversion?.is === "one") return 1;
  return scaled(symbol, value);
}

/** @returns NaN = no value */
function numberOfBytes(symbol: ProfileSymbol, bytes: Uint8Array): number {
  if (symbol.constantOne) return 1;
  if (symbol.conversion !== undefined) return scaled(symbol, convertToNumber(symbol.conversion, bytes));
  const text = readText(symbol, bytes);
  const state = symbol.states?.values.get(text.toLowerCase());
  return state ?? scaled(symbol, decimal(text));
}

function readText(symbol: ProfileSymbol, bytes: Uint8Array): string {
  const text = octetsAsText(bytes, hex);
  const extracted = symbol.extract === undefined ? text : (symbol.extract.extract(text) ?? "");
  return symbol.match === undefined ? extracted : (symbol.match.pattern.expand(extracted, symbol.match.value) ?? "");
}

/** Divided where the factor is 0.1, 0.01 ...: 231 / 10 is exact as far as a double goes, 231 x 0.1 is not. */
function scaled({ factor }: ProfileSymbol, value: number): number {
  if (factor === undefined) return value;
  const divisor = 1 / factor;
  return isWhole(divisor) ? value / Math.round(divisor) : value * factor;
}
