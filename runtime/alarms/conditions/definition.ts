import type { PerceivedSeverity } from "#model/observation.ts";

/** Which rows of which tables a condition looks at. Everything given must hold. */
export interface ConditionScope {
  /** Exact table name, or a beginning that ends in `*`; absent = every table that has the metric. */
  readonly table?: string;
  /** Ids, or beginnings that end in `*`. */
  readonly equipment?: readonly string[];
  readonly deviceClasses?: readonly string[];
  /** Row keys or any label, or beginnings that end in `*`. */
  readonly rows?: readonly string[];
  /** Rows whose label is one of these. */
  readonly label?: { readonly name: string; readonly oneOf?: readonly string[]; readonly noneOf?: readonly string[] };
  /** Row keys, or beginnings that end in `*`, that are left out. */
  readonly except?: readonly string[];
  /** Only while other metrics of the same row have these values; a missing one is a no. */
  readonly onlyIf?: readonly { readonly metric: string; readonly equals?: number; readonly atLeast?: number }[];
  /** Only rows that are interfaces which are up. */
  readonly portIsUp?: true;
}

/** The number a condition judges. Missing parts make no number, and no number makes no verdict. */
export type Operand =
  | { readonly is: "value"; readonly metric: string }
  /** Sum of counters per second. */
  | { readonly is: "rate"; readonly metrics: readonly string[] }
  /** Per cent: part of whole; `isFree`: the part is what is left. */
  | { readonly is: "share"; readonly part: string; readonly whole: string; readonly isFree?: true }
  /** Per cent of counted things that were bad, where there were at least `least` bad ones since the last poll. */
  | { readonly is: "bad-share"; readonly bad: readonly string[]; readonly all: readonly string[]; readonly least: number }
  /** How fast a gauge changes, per hour; over at least `overMs`. */
  | { readonly is: "change"; readonly metric: string; readonly overMs: number };

/** A step of a threshold. A condition has up to four, from mild to severe. */
export interface Step {
  readonly at: number;
  /** The value at which this step is left again; on the good side of `at`. */
  readonly clear: number;
  readonly severity: PerceivedSeverity;
}

interface Common {
  /** Unique; what `src.ref` and `alarms.disable` name. */
  readonly name: string;
  /** RFC 8632 type of the alarm it makes. */
  readonly alarm: string;
  readonly scope: ConditionScope;
  /** `{row}` `{value}` `{limit}` `{state}` `{label:NAME}`. */
  readonly text: string;
  readonly cause?: string;
  readonly repair?: string;
  /** Must hold this long without a break before it is raised, and be over this long before it is cleared. */
  readonly holdMs: number;
  readonly clearHoldMs: number;
  /** Beginning of the alarm's path: `interface`, `volume`; absent = the table's own name. Scalars have no path. */
  readonly path?: string;
}

export interface ThresholdCondition extends Common {
  readonly kind: "threshold";
  readonly operand: Operand;
  readonly side: "above" | "below";
  readonly steps: readonly Step[];
}

export interface StateCondition extends Common {
  readonly kind: "state";
  readonly metric: string;
  /** By value; `generic`: by the enumeration's own severities. */
  readonly values: "generic" | Readonly<Record<number, PerceivedSeverity>>;
}

/** Several 0/1 states of one row that make one alarm together: the worst counts, all are named. */
export interface FlagsCondition extends Common {
  readonly kind: "flags";
  readonly flags: Readonly<Record<string, PerceivedSeverity>>;
}

/** No usable report of a table for so long, although the equipment answers. */
export interface AbsenceCondition extends Common {
  readonly kind: "absence";
  readonly metric: string;
  readonly severity: PerceivedSeverity;
  readonly forMs: number;
}

/** When will it be full (or empty)? Judged from the local history, now and then. */
export interface ForecastCondition extends Common {
  readonly kind: "forecast";
  readonly operand: Extract<Operand, { readonly is: "value" | "share" }>;
  /** Value at which it is over. */
  readonly limit: number;
  /** Nothing is said below (for a rise; above for a fall) this value: what is half empty is nobody's worry. */
  readonly from: number;
  readonly withinDays: readonly { readonly days: number; readonly severity: PerceivedSeverity }[];
}

/** Differs from what was usual in the local history: the median of the days before. */
export interface BaselineCondition extends Common {
  readonly kind: "baseline";
  readonly operand: Extract<Operand, { readonly is: "value" }>;
  /** Per cent of the usual value at which it is worth an alarm. */
  readonly side: "above" | "below";
  readonly percent: number;
  readonly severity: PerceivedSeverity;
  readonly days: number;
}

export type TableCondition = ThresholdCondition | StateCondition | FlagsCondition | AbsenceCondition;
export type HistoryCondition = ForecastCondition | BaselineCondition;
export type Condition = TableCondition | HistoryCondition;

export function isHistoryCondition(condition: Condition): condition is HistoryCondition {
  return condition.kind === "forecast" || condition.kind === "baseline";
}

/** What state values mean, by enumeration name (`unit: "enum:NAME"`). Handed in: the runtime knows no MIB. */
export interface StateMeaning {
  readonly names: Readonly<Record<number, string>>;
  readonly severity?: Readonly<Record<number, "ok" | "warning" | "critical" | "unknown">>;
}
export type StateMeanings = (enumeration: string) => StateMeaning | undefined;
