import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { HistoryPoint, HistorySeries, UndatedReports } from "#ports/history.ts";
import { createPlot } from "#web/plot.ts";
import { type Zone, zoneLabel } from "#web/time.ts";
import { formatDuration } from "#web/units.ts";
import { serverNowMs, usePolled } from "./server.ts";

const ranges: readonly (readonly [string, number])[] = [
  ["15 min", 900_000],
  ["1 h", 3_600_000],
  ["6 h", 21_600_000],
  ["24 h", 86_400_000],
  ["7 d", 604_800_000],
  ["90 d", 7_776_000_000],
];

interface PointsAnswer {
  readonly fromMs: number;
  readonly toMs: number;
  readonly resolutionMs: number;
  readonly points: readonly HistoryPoint[];
}

/** What this gateway remembers of one equipment, plotted. Works without the NOC. */
export function PlotCard(props: { readonly equipment: string | undefined; readonly zone: Zone; readonly onZone: (zone: Zone) => void }) {
  const { equipment, zone } = props;
  const path = equipment === undefined ? undefined : `/api/history/series?equipment=${encodeURIComponent(equipment)}`;
  const loaded = usePolled<{ readonly series: readonly HistorySeries[]; readonly undated?: UndatedReports }>(path, 60_000);
  const [wanted, choose] = useState("");
  const [rangeMs, setRange] = useState(3_600_000);
  const series = loaded.value?.series ?? [];
  const chosen = series.find((one) => nameOf(one) === wanted) ?? series.find((one) => one.kind === "counter") ?? series[0];
  return (
    <section class="card plots" aria-labelledby="plot-title">
      <header>
        <h2 id="plot-title">{equipment === undefined ? "Plot" : `Plot of ${equipment}`}</h2>
        <select
          class="field series-choice"
          aria-label="What to plot"
          value={chosen === undefined ? "" : nameOf(chosen)}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {series.map((one) => (
            <option key={nameOf(one)} value={nameOf(one)}>
              {nameOf(one)}
            </option>
          ))}
        </select>
        <fieldset class="button-group" aria-label="Length of the plot">
          {ranges.map(([label, ms]) => (
            <button type="button" class="button" key={label} aria-pressed={ms === rangeMs} onClick={() => setRange(ms)}>
              {label}
            </button>
          ))}
        </fieldset>
        <label class="zone muted">
          Times in{" "}
          <select class="field" value={zone} onChange={(event) => props.onZone(event.currentTarget.value === "UTC" ? "UTC" : "local")}>
            <option value="local">{zoneLabel("local", serverNowMs())}</option>
            <option value="UTC">UTC</option>
          </select>
        </label>
      </header>
      {chosen === undefined ? (
        <p class="empty">{loaded.error?.message ?? (loaded.value === undefined ? "Loading." : "Nothing is kept of this equipment yet.")}</p>
      ) : (
        <Plot key={nameOf(chosen)} series={chosen} rangeMs={rangeMs} zone={zone} />
      )}
      {loaded.value?.undated === undefined ? null : <p class="undated">{loaded.value.undated.text}</p>}
    </section>
  );
}

function nameOf(series: HistorySeries): string {
  return [series.table, series.rowKey, series.metric].filter((part) => part !== "").join(" ");
}

function Plot(props: { readonly series: HistorySeries; readonly rangeMs: number; readonly zone: Zone }) {
  const { series, rangeMs, zone } = props;
  const [span, setSpan] = useState<{ readonly fromMs: number; readonly toMs: number } | undefined>(undefined);
  // A new address only every ten seconds: otherwise each render would ask again.
  const endMs = Math.ceil(serverNowMs() / 10_000) * 10_000;
  useEffect(() => setSpan(undefined), [rangeMs]);
  const { fromMs, toMs } = span ?? { fromMs: endMs - rangeMs, toMs: endMs };
  const path = useMemo(() => {
    const { equipment, table, rowKey, metric } = series;
    const query = { equipment, table, row: rowKey, metric, from: String(fromMs), to: String(toMs) };
    return `/api/history/points?${new URLSearchParams(query).toString()}`;
  }, [series, fromMs, toMs]);
  const shown = useRef<PointsAnswer | undefined>(undefined);
  const loaded = usePolled<PointsAnswer>(path, 60_000);
  if (loaded.value !== undefined) shown.current = loaded.value;
  const answer = shown.current;
  return (
    <div class="plot-stack">
      {answer === undefined ? <p class="empty">{loaded.error?.message ?? "Loading."}</p> : null}
      <Picture answer={answer} series={series} zone={zone} onZoom={(from, to) => setSpan({ fromMs: from, toMs: to })} />
      {answer === undefined ? null : (
        <p class="muted plot-notes">
          {answer.points.length} points of {formatDuration(answer.resolutionMs / 1_000)}. An open line means that nothing could be measured.
          Drag to zoom.{" "}
          {span === undefined ? null : (
            <button type="button" class="button quiet" onClick={() => setSpan(undefined)}>
              Whole range
            </button>
          )}
        </p>
      )}
    </div>
  );
}

function Picture(props: {
  readonly answer: PointsAnswer | undefined;
  readonly series: HistorySeries;
  readonly zone: Zone;
  readonly onZoom: (fromMs: number, toMs: number) => void;
}) {
  const { answer, series, zone } = props;
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<ReturnType<typeof createPlot> | undefined>(undefined);
  useEffect(() => {
    if (element.current === null) return;
    const made = createPlot(element.current, { heightPx: 240, onZoom: props.onZoom });
    plot.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    if (answer === undefined) return;
    const ranged = series.kind !== "state";
    plot.current?.show({
      lines: [lineOf(nameOf(series), answer)],
      bands: [],
      fromMs: answer.fromMs,
      toMs: answer.toMs,
      unit: series.unit,
      zone,
      ranged,
    });
  }, [answer, zone]);
  return (
    <figure class="plot-figure" aria-label={nameOf(series)}>
      <div ref={element} class="plot" />
    </figure>
  );
}

/** Absent points become open places: a point that comes late has a null before it. */
function lineOf(label: string, answer: PointsAnswer) {
  const atMs: number[] = [];
  const avg: (number | null)[] = [];
  const min: (number | null)[] = [];
  const max: (number | null)[] = [];
  let before: number | undefined;
  for (const point of answer.points) {
    if (before !== undefined && point.atMs - before > answer.resolutionMs * 1.6) {
      atMs.push(before + answer.resolutionMs);
      avg.push(null);
      min.push(null);
      max.push(null);
    }
    atMs.push(point.atMs);
    avg.push(point.avg);
    min.push(point.min);
    max.push(point.max);
    before = point.atMs;
  }
  return { label, atMs, avg, min, max };
}
