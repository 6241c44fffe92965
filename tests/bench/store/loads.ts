import type { Report, TableShape } from "#model/report.ts";
import { monotonicMs, wallMs } from "#model/time.ts";
import { Site } from "../codec/generator.ts";
import { Switches } from "../codec/switches.ts";

/** Reports of a site in the order of their times, without end. */
export interface Load {
  readonly name: string;
  readonly samplesPerSecond: number;
  /** Reports of the next interval, ascending by observedAt. */
  next(): readonly Report[];
}

/** 1,500 series every 60 s, 32 % of values changing: PROTOCOL 1.1, its devices spread over the minute as the poller spreads them. */
export function smallSite(seed: number): Load {
  const site = new Site({ seed });
  let interval = 0;
  return {
    name: "1,500 series / 60 s",
    samplesPerSecond: 25,
    next() {
      interval += 1;
      const reports = site.poll();
      return reports.map((report, index) => at(report, interval * 60_000 + (index * 60_000) / reports.length));
    },
  };
}

function at(report: Report, ms: number): Report {
  const observedAt = { ...report.observedAt, monotonicMs: monotonicMs(ms), wallMs: wallMs(1_795_294_121_000 + ms) };
  return { ...report, observedAt, plannedAtMs: ms, tables: report.tables.map((table) => ({ ...table, observedAt })) };
}

/** `count` switches of 960 values every `intervalMs`, 32 % changing, spread over the interval as the poller spreads them. */
export function switches(count: number, intervalMs: number): Load {
  const made = new Switches(count, 0.32);
  const shapes = new Map<TableShape, TableShape>();
  let interval = 0;
  return {
    name: `${count} switches x 960 / ${intervalMs / 1000} s`,
    samplesPerSecond: (count * 960 * 1000) / intervalMs,
    next() {
      interval += 1;
      return made.step().map((report, index) => {
        const tables = report.tables.map((table) => {
          const shape = shapes.get(table.shape) ?? Object.freeze({ ...table.shape, intervalMs });
          shapes.set(table.shape, shape);
          return { ...table, shape, elapsedMs: intervalMs };
        });
        return at({ ...report, tables }, interval * intervalMs + (index * intervalMs) / count);
      });
    },
  };
}
