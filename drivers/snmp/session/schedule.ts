import type { PolledTable } from "./polled-table.ts";

/** At least this many of the slower tables are read in one poll when due. */
const minSlowPerPoll = 2;

/**
 * Which tables to read in the poll at `nowMs`: all live ones, and of the slower ones that are due the longest overdue, only so
 * many that their work is spread over the polls between instead of falling into one.
 */
export function dueTables(tables: readonly PolledTable[], nowMs: number, pollIntervalMs: number): PolledTable[] {
  const live = tables.filter((table) => table.definition.cadence === "live");
  const slower = tables.filter((table) => table.definition.cadence !== "live");
  const perPoll = slower.reduce((sum, table) => sum + Math.min(1, pollIntervalMs / table.intervalMs), 0);
  const atOnce = Math.max(minSlowPerPoll, Math.ceil(perPoll * 1.5));
  const due = slower.filter((table) => table.dueAtMs <= nowMs + pollIntervalMs / 2).sort((left, right) => left.dueAtMs - right.dueAtMs);
  return [...live, ...due.slice(0, atOnce)];
}

/** A table's own interval: its cadence, in whole polls. */
export function tableIntervalMs(cadence: "live" | "slow" | "rare", pollIntervalMs: number, slowMs: number, rareMs: number): number {
  if (cadence === "live") return pollIntervalMs;
  const wantedMs = cadence === "slow" ? slowMs : rareMs;
  return Math.max(1, Math.ceil(wantedMs / pollIntervalMs)) * pollIntervalMs;
}
