import { lastStride } from "../ingest/derive.ts";
import type { LastValues, SeriesRow } from "../store/rows.ts";
import type { SeriesQuery, StoreQueries } from "../store/store.ts";
import { stateNamesOf, stateText } from "./state-names.ts";

export interface LastValueView {
  readonly series: number;
  readonly equipment: string;
  readonly table: string;
  readonly metric: string;
  readonly rowKey: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: "c" | "g" | "s";
  /** UCUM of the value; of counters, of the count: the value itself is per second. */
  readonly unit: string;
  readonly value: number | string | null;
  /** What the state is called, where the gateway said so. */
  readonly text?: string;
  readonly atMs: number | null;
}

/** Last values of the series that match, newest place of each series first. */
export async function viewLastValues(read: StoreQueries, query: SeriesQuery): Promise<readonly LastValueView[]> {
  const series = await read.series(query);
  const groups = new Set(series.flatMap((one) => one.places.map((place) => place.groupRef)));
  const last = await read.lastValues([...groups]);
  const names = await stateNamesOf(read, query.gatewayRef, series);
  return series.map((one) => {
    const view = viewOf(one, last);
    const text = stateText(names(one), view.value);
    return text === undefined ? view : { ...view, text };
  });
}

function viewOf(series: SeriesRow, last: ReadonlyMap<number, LastValues>): LastValueView {
  let value: number | string | null = null;
  let atMs: number | null = null;
  for (const place of series.places) {
    const values = last.get(place.groupRef);
    const at = values?.numbers[place.column * lastStride + 1] ?? 0;
    if (values === undefined || at === 0 || at < (atMs ?? 0)) continue;
    atMs = at;
    const number = values.numbers[place.column * lastStride] ?? Number.NaN;
    if (series.kind === "s") value = values.texts[String(place.column)] ?? null;
    else value = Number.isFinite(number) ? number : null;
  }
  const { equipment, table, metric, rowKey, labels, kind, unit } = series;
  return { series: series.ref, equipment, table, metric, rowKey, labels, kind, unit, value, atMs };
}
