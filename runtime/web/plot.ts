import uPlot from "uplot";
import { onThemeChange, tokenColour } from "./theme.ts";
import { formatTime, type Zone, zoneName } from "./time.ts";
import { formatValue } from "./units.ts";

/** One series of a plot. Columns of equal length, ascending time; null = a gap, which stays open. */
export interface PlotLine {
  readonly label: string;
  readonly atMs: readonly number[];
  readonly avg: readonly (number | null)[];
  /** Shown as a band around the line where they differ from it. */
  readonly min: readonly (number | null)[];
  readonly max: readonly (number | null)[];
}

/** A time in which nothing could be measured. */
export interface PlotBand {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PlotContent {
  readonly lines: readonly PlotLine[];
  readonly bands: readonly PlotBand[];
  readonly fromMs: number;
  readonly toMs: number;
  /** UCUM; the same for all lines. */
  readonly unit: string;
  /** Names of the values of a state (`enum:NAME`), beyond the well-known. */
  readonly states?: Readonly<Record<string, string>>;
  readonly zone: Zone;
  /** The lines have a band between least and greatest. */
  readonly ranged: boolean;
}

export interface PlotOptions {
  readonly heightPx: number;
  readonly onZoom: (fromMs: number, toMs: number) => void;
}

/** Colours there are; further lines begin again. */
const plotColours = 8;
const minZoomMs = 1_000;

export function plotColour(index: number): string {
  return `--plot-${(index % plotColours) + 1}`;
}

/** Draws into `element` and keeps to its width. Returns how to show something else, and how to end. */
export function createPlot(element: HTMLElement, options: PlotOptions): { show(content: PlotContent): void; destroy(): void } {
  let content: PlotContent | undefined;
  let plot: uPlot | undefined;
  const draw = () => {
    plot?.destroy();
    plot = content === undefined ? undefined : drawPlot(element, content, options);
  };
  const width = new ResizeObserver(() => {
    if (plot !== undefined && Math.abs(plot.width - element.clientWidth) > 1)
      plot.setSize({ width: element.clientWidth, height: options.heightPx });
  });
  width.observe(element);
  const endTheme = onThemeChange(draw);
  return {
    show(next) {
      const sameShape = content !== undefined && plot !== undefined && shapeOf(content) === shapeOf(next);
      content = next;
      if (!sameShape || plot === undefined) draw();
      else {
        plot.batch(() => {
          plot?.setData(alignedData(next), false);
          plot?.setScale("x", { min: next.fromMs, max: next.toMs });
        });
      }
    },
    destroy() {
      width.disconnect();
      endTheme();
      plot?.destroy();
      plot = undefined;
    },
  };
}

/** What cannot be changed without drawing anew. Bands are part of it: the hook that draws them holds them. */
function shapeOf(content: PlotContent): string {
  return JSON.stringify([
    content.lines.map((line) => line.label),
    content.unit,
    content.states,
    content.zone,
    content.ranged,
    content.bands,
  ]);
}

function alignedData(content: PlotContent): uPlot.AlignedData {
  const tables = content.lines.map((line): uPlot.AlignedData => {
    const columns = content.ranged ? [line.avg, line.max, line.min] : [line.avg];
    return [[...line.atMs], ...columns.map((column) => [...column])];
  });
  if (tables.length === 0) return [[]];
  // Times of several devices differ: what the union of times adds is bridged, what was null stays a gap.
  return tables.length === 1 && tables[0] !== undefined ? tables[0] : uPlot.join(tables);
}

function drawPlot(element: HTMLElement, content: PlotContent, options: PlotOptions): uPlot {
  const colour = (name: string) => tokenColour(element, name);
  const grid = { stroke: colour("--plot-grid"), width: 1 };
  const axis: uPlot.Axis = {
    stroke: colour("--muted"),
    grid,
    ticks: { ...grid, size: 4 },
    font: `12px ${getComputedStyle(element).fontFamily}`,
  };
  const missColour = colour("--plot-miss");
  return new uPlot(
    {
      width: Math.max(200, element.clientWidth),
      height: options.heightPx,
      ms: 1,
      tzDate: (atMs) =>
        content.zone === "UTC" ? uPlot.tzDate(new Date(atMs), "Etc/UTC") : uPlot.tzDate(new Date(atMs), zoneName("local")),
      scales: { x: { time: true, min: content.fromMs, max: content.toMs }, y: { range: rangeOf(content.unit) } },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
      legend: { live: true },
      axes: [
        { ...axis, space: 70, values: timeLabels },
        {
          ...axis,
          size: 84,
          ...(content.unit.startsWith("enum:") ? { incrs: [1, 2, 5, 10, 20, 50, 100] } : {}),
          values: (_plot, values) => values.map((value) => (value === null ? "" : formatValue(value, content.unit, content.states))),
        },
      ],
      series: [
        { label: "Time", value: (_plot, value) => (value === null ? "newest" : formatTime(value, content.zone)) },
        ...content.lines.flatMap((line, index) => seriesOf(line, colour(plotColour(index)), content)),
      ],
      ...(content.ranged ? { bands: content.lines.map((_, index) => bandOf(index, colour(plotColour(index)))) } : {}),
      hooks: {
        drawClear: [(plot) => drawMisses(plot, content.bands, missColour)],
        setSelect: [(plot) => zoom(plot, options)],
      },
    },
    alignedData(content),
    element,
  );
}

/** 24 h, with the date where it changes; [smallest distance of ticks in ms, label, second line by what changed]. */
const timeLabels: uPlot.Axis.Values = [
  [86_400_000 * 28, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86_400_000, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [3_600_000, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [60_000, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1_000, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{ss}.{fff}", "\n{HH}:{mm}", null, null, null, null, null, 1],
];

function seriesOf(line: PlotLine, stroke: string, content: PlotContent): uPlot.Series[] {
  const isState = content.unit.startsWith("enum:");
  const stepped = isState ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  const main: uPlot.Series = {
    label: line.label,
    stroke,
    width: 1.6,
    spanGaps: false,
    points: { show: isSparse(line), size: 4, fill: stroke },
    value: (_plot, value, _series, index) => legendValue(value, index ?? undefined, line, content),
    ...(stepped === undefined ? {} : { paths: stepped }),
  };
  if (!content.ranged) return [main];
  const edge: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false }, class: "plot-aux", spanGaps: false };
  return [main, { ...edge, label: `${line.label} greatest` }, { ...edge, label: `${line.label} least` }];
}

/** Under the cursor: the value there, or that none is; without a cursor: the newest. */
function legendValue(value: number | null | undefined, index: number | undefined, line: PlotLine, { unit, states }: PlotContent): string {
  if (index === undefined) {
    const newest = line.avg.findLast((one) => one !== null) ?? undefined;
    return newest === undefined ? "no data" : formatValue(newest, unit, states);
  }
  return value === null || value === undefined ? "no data" : formatValue(value, unit, states);
}

/** Lone points between gaps would be invisible as a line. */
function isSparse(line: PlotLine): boolean {
  return (
    line.atMs.length < 60 ||
    line.avg.some((value, index) => value !== null && (line.avg[index - 1] ?? null) === null && (line.avg[index + 1] ?? null) === null)
  );
}

function bandOf(index: number, stroke: string): uPlot.Band {
  const first = 1 + index * 3;
  return { series: [first + 1, first + 2], fill: stroke.replace(/^rgb\((.*)\)$/, "rgba($1, 0.18)") };
}

/** Amounts and rates, whose distance from zero means something. */
function isAmount(unit: string): boolean {
  return unit.endsWith("/s") || unit.endsWith("By") || unit.startsWith("{") || unit === "W" || unit === "A" || unit === "";
}

/** Percentages keep their scale, amounts begin at zero unless they are far from it. */
function rangeOf(unit: string): uPlot.Range.Function {
  return (_plot, min, max) => {
    if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
    if (unit === "%" && min >= 0 && max <= 100) return [0, 100];
    if (unit.startsWith("enum:")) return [Math.min(0, min), max + 1];
    const low = isAmount(unit) && min >= 0 && min < max * 0.7 ? 0 : min - (max - min || Math.abs(max) || 1) * 0.1;
    return [low, max + (max - low || 1) * 0.08];
  };
}

function drawMisses(plot: uPlot, bands: readonly PlotBand[], fill: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = fill;
  for (const band of bands) {
    const left = plot.valToPos(band.fromMs, "x", true);
    const right = plot.valToPos(band.toMs, "x", true);
    ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
  }
  ctx.restore();
}

function zoom(plot: uPlot, options: PlotOptions): void {
  const { left, width } = plot.select;
  if (width < 4) return;
  const fromMs = plot.posToVal(left, "x");
  const toMs = plot.posToVal(left + width, "x");
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (toMs - fromMs >= minZoomMs) options.onZoom(Math.round(fromMs), Math.round(toMs));
}
