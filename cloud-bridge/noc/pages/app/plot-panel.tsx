import { useEffect, useRef } from "preact/hooks";
import { createPlot, type PlotContent } from "#web/plot.ts";
import { formatMoment, formatTime, type Zone, zoneLabel } from "#web/time.ts";
import { formatDuration, unitLabel } from "#web/units.ts";
import type { Plot, PlotSeries } from "../../registry/points.ts";
import { missWords } from "./equipment-table.tsx";
import { serverNowMs } from "./server.ts";
import { rowName } from "./values-table.tsx";
import type { ViewState } from "./view-state.ts";

export interface PlotAnswer extends Plot {
  readonly fromMs: number;
  readonly toMs: number;
}

interface PlotPanelProps {
  readonly answer: PlotAnswer | undefined;
  readonly view: ViewState;
  readonly onView: (change: Partial<ViewState>) => void;
}

const ranges: readonly (readonly [string, number])[] = [
  ["15 min", 900_000],
  ["1 h", 3_600_000],
  ["6 h", 21_600_000],
  ["24 h", 86_400_000],
  ["7 d", 604_800_000],
  ["30 d", 2_592_000_000],
];

const sourceWords: Readonly<Record<Plot["source"], string>> = {
  chunks: "every poll",
  "5min": "5 min means with least and greatest",
  "1h": "hourly means with least and greatest",
};

/** The plot of the ticked series: one picture per unit, gaps left open. */
export function PlotPanel(props: PlotPanelProps) {
  const { answer, view } = props;
  return (
    <section class="card plots" aria-labelledby="plot-title">
      <header>
        <h2 id="plot-title">Plot</h2>
        <Ranges {...props} />
        <ZoneChoice zone={view.zone} onZone={(zone) => props.onView({ zone })} />
      </header>
      {view.series.length === 0 ? (
        <p class="empty">Tick values in the table to see them over time.</p>
      ) : answer === undefined ? (
        <p class="empty">Loading.</p>
      ) : (
        <div class="plot-stack">
          <Chosen series={answer.series} view={view} onView={props.onView} />
          {byUnit(answer.series).map(([unit, series]) => (
            <UnitPlot key={unit} unit={unit} series={series} {...props} answer={answer} />
          ))}
          <PlotNotes answer={answer} zone={view.zone} />
        </div>
      )}
    </section>
  );
}

/** The series in the plot, each with its way out. */
function Chosen(props: { readonly series: readonly PlotSeries[]; readonly view: ViewState; readonly onView: PlotPanelProps["onView"] }) {
  const { series, view, onView } = props;
  return (
    <div class="chosen-series">
      {series.map((one) => (
        <button
          type="button"
          class="button quiet"
          key={one.series}
          aria-label={`Remove ${lineName(one)} from the plot`}
          onClick={() => onView({ series: view.series.filter((ref) => ref !== one.series) })}
        >
          {lineName(one)} <span aria-hidden="true">✕</span>
        </button>
      ))}
      {series.length > 1 ? (
        <button type="button" class="button quiet muted" onClick={() => onView({ series: [] })}>
          Clear
        </button>
      ) : null}
    </div>
  );
}

function Ranges(props: PlotPanelProps) {
  const { view, onView } = props;
  return (
    <div class="ranges">
      <fieldset class="button-group" aria-label="Length of the plot">
        {ranges.map(([label, rangeMs]) => (
          <button
            type="button"
            class="button"
            key={label}
            aria-pressed={view.span === undefined && view.rangeMs === rangeMs}
            onClick={() => onView({ rangeMs, span: undefined })}
          >
            {label}
          </button>
        ))}
      </fieldset>
      <fieldset class="button-group" aria-label="Move and zoom">
        <button type="button" class="button" aria-label="Earlier" onClick={() => onView({ span: moved(view, -0.5, 1) })}>
          ◀
        </button>
        <button type="button" class="button" aria-label="Later" onClick={() => onView({ span: moved(view, 0.5, 1) })}>
          ▶
        </button>
        <button type="button" class="button" aria-label="Zoom in" onClick={() => onView({ span: moved(view, 0, 0.5) })}>
          +
        </button>
        <button type="button" class="button" aria-label="Zoom out" onClick={() => onView({ span: moved(view, 0, 2) })}>
          −
        </button>
      </fieldset>
    </div>
  );
}

/** The span moved by a part of its length, and stretched about its middle. Never beyond now, never shorter than 10 s. */
function moved(view: ViewState, by: number, stretch: number): { readonly fromMs: number; readonly toMs: number } {
  const nowMs = Math.round(serverNowMs());
  const { fromMs, toMs } = view.span ?? { fromMs: nowMs - view.rangeMs, toMs: nowMs };
  const lengthMs = Math.max(10_000, (toMs - fromMs) * stretch);
  const middleMs = (fromMs + toMs) / 2 + (toMs - fromMs) * by;
  const endMs = Math.min(nowMs, Math.round(middleMs + lengthMs / 2));
  return { fromMs: Math.round(endMs - lengthMs), toMs: endMs };
}

function ZoneChoice(props: { readonly zone: Zone; readonly onZone: (zone: Zone) => void }) {
  return (
    <label class="zone muted">
      Times in{" "}
      <select class="field" value={props.zone} onChange={(event) => props.onZone(event.currentTarget.value === "UTC" ? "UTC" : "local")}>
        <option value="local">{zoneLabel("local", serverNowMs())}</option>
        <option value="UTC">UTC</option>
      </select>
    </label>
  );
}

function byUnit(series: readonly PlotSeries[]): readonly (readonly [string, readonly PlotSeries[]])[] {
  const units = new Map<string, PlotSeries[]>();
  for (const one of series) units.set(one.unit, [...(units.get(one.unit) ?? []), one]);
  return [...units];
}

function lineName(series: PlotSeries): string {
  const row = rowName(series);
  return [series.equipment, row, series.metric].filter((part) => part !== "").join(" ");
}

function UnitPlot(props: PlotPanelProps & { readonly unit: string; readonly series: readonly PlotSeries[]; readonly answer: PlotAnswer }) {
  const { unit, series, answer, view, onView } = props;
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<ReturnType<typeof createPlot> | undefined>(undefined);
  useEffect(() => {
    if (element.current === null) return;
    const made = createPlot(element.current, { heightPx: 240, onZoom: (fromMs, toMs) => onView({ span: { fromMs, toMs } }) });
    plot.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    const content: PlotContent = {
      lines: series.map((one) => ({ label: lineName(one), ...one.points })),
      bands: series.flatMap((one) => one.misses),
      fromMs: answer.fromMs,
      toMs: answer.toMs,
      unit,
      ...statesOf(series),
      zone: view.zone,
      ranged: answer.source !== "chunks",
    };
    plot.current?.show(content);
  }, [answer, view.zone]);
  return (
    <figure class="plot-figure" aria-label={`${unitLabel(unit)}: ${series.map(lineName).join(", ")}`}>
      <div ref={element} class="plot" />
      <figcaption class="visually-hidden">{series.map(describe).join(" ")}</figcaption>
    </figure>
  );
}

/** Names of the states, if all series of the picture call each value the same. */
function statesOf(series: readonly PlotSeries[]): { readonly states?: Readonly<Record<string, string>> } {
  const merged: Record<string, string> = {};
  for (const [value, name] of series.flatMap(({ states }) => Object.entries(states ?? {}))) {
    if (Object.hasOwn(merged, value) && merged[value] !== name) return {};
    merged[value] = name;
  }
  return Object.keys(merged).length === 0 ? {} : { states: merged };
}

/** The picture in words, for those who do not see it. */
function describe(series: PlotSeries): string {
  const known = series.points.avg.filter((value): value is number => value !== null);
  const gaps = series.points.avg.length - known.length;
  return known.length === 0 ? `${lineName(series)}: no data.` : `${lineName(series)}: ${known.length} points, ${gaps} gaps.`;
}

function PlotNotes(props: { readonly answer: PlotAnswer; readonly zone: Zone }) {
  const { answer, zone } = props;
  const nowMs = serverNowMs();
  const misses = new Map(
    answer.series.flatMap((one) => one.misses.map((miss) => [`${one.equipment}/${miss.fromMs}`, { ...miss, equipment: one.equipment }])),
  );
  const newest = [...misses.values()].slice(-4);
  return (
    <div class="plot-notes muted">
      <p>
        {formatTime(answer.fromMs, zone)} to {formatTime(answer.toMs, zone)}, {sourceWords[answer.source]}. Drag to zoom. An open line means
        that no data is there.
      </p>
      {newest.length === 0 ? null : (
        <ul>
          {newest.map((miss) => (
            <li key={`${miss.equipment}/${miss.fromMs}`}>
              <span class="miss-swatch" aria-hidden="true" /> {miss.equipment}: {missWords(miss.reason)},{" "}
              {formatMoment(miss.fromMs, nowMs, zone)}
              {miss.count > 1 ? ` for ${formatDuration((miss.toMs - miss.fromMs) / 1_000)} (${miss.count} polls)` : ""}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
