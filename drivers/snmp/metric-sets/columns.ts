import type { ColumnDefinition, LabelDefinition, LabelFormat } from "./metric-set.ts";

type Extra = Partial<Omit<ColumnDefinition, "metric" | "oid" | "kind" | "unit">>;

/** Short forms for writing sets down. Units are UCUM. */
export function counter(metric: string, oid: string, unit: string, extra: Extra = {}): ColumnDefinition {
  return { metric, oid, kind: "counter", unit, ...extra };
}

export function gauge(metric: string, oid: string, unit: string, extra: Extra = {}): ColumnDefinition {
  return { metric, oid, kind: "gauge", unit, ...extra };
}

/** A state with the enumeration of the object's name, or another one's. */
export function state(metric: string, oid: string, extra: Extra & { readonly enumeration?: string } = {}): ColumnDefinition {
  const { enumeration = metric, ...rest } = extra;
  return { metric, oid, kind: "state", unit: `enum:${enumeration}`, ...rest };
}

export function text(metric: string, oid: string, format?: LabelFormat): ColumnDefinition {
  return { metric, oid, kind: "text", unit: "", ...(format && { convert: { is: "octets", format } }) };
}

export function label(name: string, oid: string, format: LabelFormat = "auto"): LabelDefinition {
  return { name, oid, format };
}

export function hidden(name: string, oid: string, format: LabelFormat = "integer"): LabelDefinition {
  return { name, oid, format, hidden: true };
}

/** Per cent, and nothing but. */
export function percent(metric: string, oid: string, extra: Extra = {}): ColumnDefinition {
  return gauge(metric, oid, "%", { range: [0, 100], ...extra });
}

/** Degrees Celsius within what electronics survive. */
export function celsius(metric: string, oid: string, extra: Extra = {}): ColumnDefinition {
  return gauge(metric, oid, "Cel", { range: [-60, 250], ...extra });
}

export const tenths = { convert: { is: "divide", by: 10 } } as const satisfies Extra;
export const thousandths = { convert: { is: "divide", by: 1000 } } as const satisfies Extra;
export const hundredths = { convert: { is: "divide", by: 100 } } as const satisfies Extra;
/** KiB to bytes. */
export const kibi = { convert: { is: "multiply", by: 1024 }, range: [0, Number.MAX_SAFE_INTEGER] } as const satisfies Extra;
/** Sizes in bytes: never negative. */
export const size = { range: [0, Number.MAX_SAFE_INTEGER] } as const satisfies Extra;
