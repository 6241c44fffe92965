import type { Metric } from "#model/report.ts";
import { CounterHalves } from "./counter-halves.ts";
import { kindCounter, kindGauge, kindText } from "./layout.ts";

/** What the columns of a group are, whatever their names. */
export interface GroupForm {
  readonly columns: readonly {
    readonly kind: "counter" | "number" | "text";
    readonly scale: number;
    /** Place among the columns of its kind. */
    readonly index: number;
  }[];
  /** A byte a column, as they stand in a frame's prefix. */
  readonly kinds: Uint8Array;
  /** Of the counters that were encoded last, and of what was said of them before. */
  readonly halves: CounterHalves;
  readonly halvesBefore: CounterHalves;
}

const forms = new WeakMap<readonly Metric[], GroupForm>();

/** Made once for tables that share their list of metrics. */
export function formOf(metrics: readonly Metric[]): GroupForm {
  const known = forms.get(metrics);
  if (known !== undefined) return known;
  const next = { counter: 0, number: 0, text: 0 };
  const columns = metrics.map((metric) => {
    const kind = metric.kind === "counter" || metric.kind === "text" ? metric.kind : "number";
    return { kind, scale: Number.isSafeInteger(metric.scale) && metric.scale > 0 ? metric.scale : 0, index: next[kind]++ } as const;
  });
  const kinds = Uint8Array.from(columns, ({ kind }) => (kind === "counter" ? kindCounter : kind === "text" ? kindText : kindGauge));
  const form = { columns, kinds, halves: new CounterHalves(), halvesBefore: new CounterHalves() };
  forms.set(metrics, form);
  return form;
}
