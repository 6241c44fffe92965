import type { ColumnDefinition, Conversion, SplitCase, TableDefinition } from "../metric-sets/metric-set.ts";

/** How values of one source of a column become numbers. */
export interface NumberReading {
  readonly conversion: Conversion | undefined;
  /** Values outside are not believed. */
  readonly low: number;
  readonly high: number;
}

const bitsPerOctet = 8;
/** 64 octets of frame, 20 of preamble and gap (IEEE 802.3). */
const bitsPerSmallestFrame = 672;

/** What a column's place in its table adds to its definition. */
export interface ColumnPlace {
  /** Place among the table's counters, -1 = no counter. */
  readonly counter: number;
  readonly factors: Float64Array | undefined;
  readonly splitCase: SplitCase | undefined;
  /** Metrics of the table in their order. */
  readonly metrics: readonly string[];
}

/**
 * One reported column with what is needed to fill it, worked out once and shared by all equipment that reports it alike. Definitions are written
 * by hand and come in dozens of forms; this has one, so that what is done for each column of each poll looks nothing up.
 */
export class OutputColumn {
  readonly definition: ColumnDefinition;
  readonly counter: number;
  readonly isText: boolean;
  /** Per row: see rowFactor; undefined = the conversion needs none. */
  readonly factors: Float64Array | undefined;
  /** By the split rule; 1 = none. */
  readonly divisor: number;
  readonly own: NumberReading;
  readonly fallback: NumberReading;
  /** Bits of a link that a counter's increase by one stands for at least; NaN = its increase is not limited by the link. */
  readonly bitsPerUnit: number;
  /** The state that the rows' speed hangs on. */
  readonly isWatched: boolean;
  readonly isState: boolean;
  /** Column whose value must be `conditionValue` for this one to count, -1 = it always does. */
  readonly conditionAt: number;
  readonly conditionValue: number;

  constructor(definition: ColumnDefinition, table: TableDefinition, { counter, factors, splitCase, metrics }: ColumnPlace) {
    const { convert, range, kind, rateLimit, onlyIf } = definition;
    this.definition = definition;
    this.counter = counter;
    this.isText = kind === "text";
    this.factors = factors;
    this.divisor = splitCase?.divide ?? 1;
    this.own = readingOf(convert, splitCase?.range ?? range);
    this.fallback = readingOf(definition.fallbackConvert ?? convert, splitCase?.range ?? definition.fallbackRange ?? range);
    this.bitsPerUnit = rateLimit === undefined ? Number.NaN : rateLimit === "octets" ? bitsPerOctet : bitsPerSmallestFrame;
    this.isWatched = definition.metric === table.speedChangesWith;
    this.isState = kind === "state";
    this.conditionAt = onlyIf === undefined ? -1 : metrics.indexOf(onlyIf.metric);
    this.conditionValue = onlyIf?.equals ?? Number.NaN;
  }
}

function readingOf(conversion: Conversion | undefined, range: readonly [number, number] | undefined): NumberReading {
  const [low, high] = range ?? [-Number.MAX_VALUE, Number.MAX_VALUE];
  return { conversion, low, high };
}
