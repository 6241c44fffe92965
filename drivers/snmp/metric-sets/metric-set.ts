import type { InventoryComponent } from "#model/observation.ts";
import type { MetricKind } from "#model/report.ts";
import type { Varbind } from "#ports/snmp.ts";

/**
 * How often a table is read: `live` with every poll, `slow` and `rare` at settings.slowIntervalMs and settings.rareIntervalMs
 * (5 and 15 minutes unless set), never more often than the equipment is polled.
 */
export type Cadence = "live" | "slow" | "rare";

/**
 * How a label's bytes become text. `enum` needs an enumeration; `auto` is text if printable, else a MAC address if six bytes, else
 * hexadecimal; `index-name` is not read but taken from the index, where it stands as length and characters.
 */
export type LabelFormat = "text" | "mac" | "ip" | "hex" | "integer" | "oid" | "enum" | "auto" | "index-name";

/** A slowly changing column: read with the rows, not with the values. */
export interface LabelDefinition {
  readonly name: string;
  readonly oid: string;
  readonly format: LabelFormat;
  readonly enumeration?: string;
  /** For keys, filters and conversions only; not part of the rows' labels, so that its changes make no new shape. */
  readonly hidden?: true;
  /** Text of a value, in place of `format`: profiles have conversions of their own. Must not throw. */
  readonly read?: (value: Varbind["value"]) => string;
  /** With `index-name`: the label out of the row's index. Must not throw. */
  readonly fromIndex?: (index: string) => string;
  /** The column belongs to another table: where its instance is, given this row's index. Must not throw. */
  readonly indexThere?: (index: string) => string;
}

/**
 * The whole vocabulary of conversions from what the agent says to what is reported. A conversion that does not fit its value
 * yields no value. Divisors rather than factors: 231 / 10 is exactly 23.1 as far as a double goes, 231 x 0.1 is not.
 */
export type Conversion =
  | { readonly is: "divide"; readonly by: number }
  | { readonly is: "multiply"; readonly by: number }
  /** Integer32 that ran over (hrStorageSize): negative + 2^32, times the label's value. Units <= 0 give no value. */
  | { readonly is: "storage-units"; readonly units: string }
  /** RFC 3433: value x 10^(3 x (scale - 9)) / 10^precision, scale and precision from labels. */
  | { readonly is: "entity-sensor"; readonly scale: string; readonly precision: string }
  /** First decimal number in a text: "43.2", "28 C/82 F", "1200 RPM". Decimal point only. */
  | { readonly is: "number-in-text" }
  /** First number followed by a per cent sign: "5 Secs ( 6.21%)". */
  | { readonly is: "percent-in-text" }
  /** "1.81 TB", "512 MB" in bytes, 1024-based as the devices mean it. */
  | { readonly is: "size-in-text" }
  /** Bit of a BITS or OCTET STRING value, 0 = highest of the first byte; a missing byte is 0; an empty string is no value. */
  | { readonly is: "bit"; readonly position: number }
  /** "1"/"0" at the position (from 1) of an ASCII flag string. */
  | { readonly is: "flag-character"; readonly position: number }
  /** Text to state by its lower-case form; what is not listed is no value. */
  | { readonly is: "text-state"; readonly values: Readonly<Record<string, number>> }
  /** Per cent of the label's value (100 when that says "already per cent": -2); negative levels give no value. */
  | { readonly is: "percent-of"; readonly label: string }
  /** An OCTET STRING as readable text (text columns). */
  | { readonly is: "octets"; readonly format: LabelFormat }
  /** A profile's own conversion; NaN = no value. Must not throw. */
  | { readonly is: "own"; number(value: number): number; bytes(bytes: Uint8Array): number }
  /** A profile's own conversion of a text column. Must not throw. */
  | { readonly is: "own-text"; text(bytes: Uint8Array): string }
  /** The negative special values of Printer-MIB levels as a state: -3 -2 -1, 0 for a measured level. */
  | { readonly is: "special-level" };

/** What bounds the increase of a counter: the speed of the row's link in octets or in smallest frames. */
export type RateLimit = "octets" | "frames";

/** A column of values. */
export interface ColumnDefinition {
  /** Name of the metric: the standard object's. */
  readonly metric: string;
  readonly oid: string;
  readonly kind: MetricKind;
  /** UCUM; `enum:NAME` for states. */
  readonly unit: string;
  /** Metric.scale: 10 if values have one decimal; 0 = any double. 1 if absent. */
  readonly scale?: number;
  /** The 32-bit column for rows whose `oid` is not there or stands still. */
  readonly fallback?: string;
  /** Conversion of the fallback's values where it differs from `convert`. */
  readonly fallbackConvert?: Conversion;
  /** Range of the fallback's values where it differs from `range`. */
  readonly fallbackRange?: readonly [number, number];
  readonly convert?: Conversion;
  /** Values outside are not believed. */
  readonly range?: readonly [number, number];
  readonly rateLimit?: RateLimit;
  /** The value counts only while the other metric of the same row has this value (a sensor that is not ok has none). */
  readonly onlyIf?: { readonly metric: string; readonly equals: number };
}

/** Rows that are left out by default. Settings can bring them back. */
export interface SkipRule {
  readonly label: string;
  /** Case-insensitive; anchored where the text says so. */
  readonly matches?: RegExp;
  readonly equals?: readonly string[];
  /** Rows that match none of these are left out. */
  readonly unless?: readonly { test(text: string): boolean }[];
}

/** Rows of one table of the agent reported as several tables, because their unit depends on a label. */
export interface SplitRule {
  readonly label: string;
  readonly cases: Readonly<Record<string, SplitCase>>;
}

export interface SplitCase {
  /** Added to the table's name: `ENTITY-SENSOR-MIB:entPhySensorTable/celsius`. */
  readonly suffix: string;
  /** Unit and scale of the column that is named, in place of the definition's. */
  readonly metric: string;
  readonly unit: string;
  readonly scale?: number;
  readonly divide?: number;
  readonly range?: readonly [number, number];
}

export interface TableDefinition {
  /** `MIB:table`, unique over all sets. */
  readonly table: string;
  readonly cadence: Cadence;
  /** One row, instance 0. */
  readonly scalars?: true;
  /** The one row's instance where it is not 0: agents that leave the .0 out. */
  readonly instance?: string;
  /** Labels of the one row. */
  readonly fixedLabels?: Readonly<Record<string, string>>;
  /** Rows, keys and labels are those of this other table (same index), as far as the first column has them. */
  readonly rowsOf?: string;
  readonly columns: readonly ColumnDefinition[];
  readonly labels?: readonly LabelDefinition[];
  /** Labels that identify a row, best first; the first non-empty one is taken. Absent or all empty: the index. */
  readonly key?: readonly string[];
  /** Labels that tell rows of equal key apart, best first, before the index does. */
  readonly tiebreak?: readonly string[];
  /** Arcs of the index left out of a key that is made of the index (LLDP's time mark changes without the row changing). */
  readonly keyIndexFrom?: number;
  /** Fewer rows than settings.maxRowsPerTable. */
  readonly maxRows?: number;
  /** Label that carries the row's index; absent = `index`. */
  readonly indexLabel?: string;
  readonly skip?: readonly SkipRule[];
  readonly split?: SplitRule;
  /** One row over all: the mean of each column, or the number of rows (the first column's metric, whatever its values). */
  readonly aggregate?: "mean" | "count";
  /** Column that says since when the row's counters run (ifCounterDiscontinuityTime). */
  readonly discontinuity?: string;
  /** Label with the link's speed in bit/s, for rate limits. */
  readonly speedLabel?: string;
  /**
   * State whose change makes the speed unknown until it is read again: a port that comes up reported another speed while it was down.
   * Must come before the counters.
   */
  readonly speedChangesWith?: string;
  /** The rows appear in the inventory. */
  readonly component?: { readonly kind: InventoryComponent["kind"]; readonly name: readonly string[] };
  /** Scalars whose change means that names must be read again (`ifTableLastChange`). */
  readonly changeIndicator?: string;
}

/** Where a field of the device's identity comes from when the set is there. */
export interface IdentityRule {
  readonly field: "vendor" | "model" | "serial" | "firmware" | "hardware" | "osName" | "deviceClass" | "macAddress";
  /** Full instance OID, or a column (then its first usable value counts). */
  readonly oid?: string;
  /** What the field is; beside `oid`, where that object answers whatever it says. */
  readonly value?: string;
  readonly format?: LabelFormat;
  /** First group of the match is the value. */
  readonly extract?: RegExp;
}

/** What belongs together and is switched on together, by probing. */
export interface MetricSet {
  readonly name: string;
  readonly title: string;
  /** Off unless the settings switch it on (tables that are large or dear). */
  readonly optional?: true;
  readonly tables: readonly TableDefinition[];
  readonly identity?: readonly IdentityRule[];
}
