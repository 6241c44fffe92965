import type { GenericSeverity } from "../metric-sets/enumeration.ts";
import type { Pattern } from "./pattern.ts";
import type { ValueConversion } from "./value-conversion.ts";

/** What a profile file says, whichever dialect it is written in. */
export interface Profile {
  /** Base name of the file without its ending: what `extends`, `matches` and a forced profile name. */
  readonly name: string;
  /** Relative to its folder. */
  readonly file: string;
  readonly origin: "shipped" | "user";
  readonly title: string | undefined;
  readonly extends: readonly string[];
  /** Where each of them is named, 1-based; absent in shipped profiles. */
  readonly extendsLines?: readonly number[];
  readonly objectIds: readonly ObjectIdPattern[];
  readonly selectors: readonly Selector[];
  /** On lower-cased sysDescr, in the order of the file: another profile takes over. */
  readonly redirects: readonly { readonly pattern: Pattern; readonly target: string; readonly line: number }[];
  /** All must hold. */
  readonly probes: readonly ProbeRule[];
  /** Higher first among equals. */
  readonly priority: number;
  readonly vendor: string | undefined;
  readonly entries: readonly Entry[];
  readonly deviceTags: readonly DeviceTag[];
  readonly metadata: readonly MetadataField[];
  readonly staticTags: Readonly<Record<string, string>>;
}

/** sysObjectID: exact, or everything below whole arcs. */
export interface ObjectIdPattern {
  readonly oid: string;
  readonly isPrefix: boolean;
}

/** Netdata's: all that is given must hold; of `include` one is enough, of `exclude` none may match. */
export interface Selector {
  readonly objectIds: readonly (ObjectIdPattern | Pattern)[];
  readonly notObjectIds: readonly (ObjectIdPattern | Pattern)[];
  readonly descriptions: readonly Pattern[];
  readonly notDescriptions: readonly Pattern[];
}

export interface ProbeRule {
  readonly oid: string;
  readonly contains: string | undefined;
  readonly pattern: Pattern | undefined;
}

/** One or more symbols with what they share. */
export interface Entry {
  readonly mib: string | undefined;
  /** Name of the table; undefined = scalars. The OID of a table is documentation only: rows are what follows the column. */
  readonly table: string | undefined;
  readonly symbols: readonly ProfileSymbol[];
  readonly tags: readonly Tag[];
  readonly staticTags: Readonly<Record<string, string>>;
  readonly line: number;
}

export type TypeOverride = "gauge" | "counter" | "flag";

/** A value. */
export interface ProfileSymbol {
  /** Name of the metric: `tag` where the file renames it. */
  readonly name: string;
  /** undefined: constant_value_one, one per row. */
  readonly oid: string | undefined;
  readonly unit: string | undefined;
  readonly type: TypeOverride | undefined;
  /** flag_stream: position from 1 in the string of flags. */
  readonly flag: number | undefined;
  readonly factor: number | undefined;
  readonly states: States | undefined;
  readonly conversion: ValueConversion | undefined;
  readonly extract: Pattern | undefined;
  readonly match: { readonly pattern: Pattern; readonly value: string } | undefined;
  readonly constantOne: boolean;
  readonly pollIntervalS: number | undefined;
  readonly onlyIf: { readonly metric: string; readonly equals: number } | undefined;
  readonly allowDuplicate: boolean;
  /** Rows whose tag values match none of these are left out. */
  readonly rowFilter: readonly Pattern[];
  readonly limits: { readonly min: number | undefined; readonly max: number | undefined } | undefined;
  readonly line: number;
}

/** An enumeration as a file gives it. */
export interface States {
  readonly names: ReadonlyMap<number, string>;
  /** By lower-case text: for agents that answer the name instead of the number. */
  readonly values: ReadonlyMap<string, number>;
  readonly severity: ReadonlyMap<number, GenericSeverity>;
}

/** A label of the rows of a table. */
export interface Tag {
  readonly name: string;
  readonly from: TagSource;
  /** Value to text. */
  readonly names: ReadonlyMap<string, string> | undefined;
  readonly conversion: ValueConversion | undefined;
  readonly extract: Pattern | undefined;
  readonly match: { readonly pattern: Pattern; readonly value: string } | undefined;
  readonly rowFilter: readonly Pattern[];
}

export type TagSource =
  | { readonly is: "index"; readonly arc: number }
  | { readonly is: "column"; readonly oid: string; readonly slices: readonly IndexSlice[] | undefined };

/** Arcs of the row's index, 0-based, both ends included. */
export interface IndexSlice {
  readonly start: number;
  readonly end: number;
}

/** A value of the device as a whole. */
export interface DeviceTag extends Tag {
  readonly from: Extract<TagSource, { readonly is: "column" }>;
}

export interface MetadataField {
  /** `vendor model serial_number version os_name ...` */
  readonly field: string;
  readonly value: string | undefined;
  /** Asked for in this order; the first that answers counts. */
  readonly sources: readonly MetadataSource[];
}

export interface MetadataSource {
  readonly oid: string;
  /** Value to text; what is not listed yields nothing. */
  readonly names: ReadonlyMap<string, string> | undefined;
  readonly conversion: ValueConversion | undefined;
  readonly extract: Pattern | undefined;
  readonly match: { readonly pattern: Pattern; readonly value: string } | undefined;
}
