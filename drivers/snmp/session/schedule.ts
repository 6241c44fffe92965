/** What the schedule needs to know of a table. */
interface Scheduled {
  /** Read with every poll. */
  readonly isLive: boolean;
  readonly intervalMs: number;
  readonly dueAtMs: number;
  readonly setAsideUntilMs: number;
}

/** At least this many of the slower tables are read in one poll when due. */
const minSlowPerPoll = 2;

/**
 * Which tables to read in the poll at `nowMs`, but for those set aside: all live ones, and of the slower ones that are due the longest overdue,
 * only so many that their work is spread over the polls between instead of falling into one.
 */
export function dueTables<T extends Scheduled>(tables: readonly T[], nowMs: number, pollIntervalMs: number): T[] {
  const due: T[] = [];
  const slower: T[] = [];
  let perPoll = 0;
  for (const table of tables) {
    const isLeftAlone = table.setAsideUntilMs > nowMs;
    if (table.isLive) {
      if (!isLeftAlone) due.push(table);
    } else {
      perPoll += Math.min(1, pollIntervalMs / table.intervalMs);
      // One that is left alone is overdue for long: it would take the turn of those that can be read.
      if (!isLeftAlone && table.dueAtMs <= nowMs + pollIntervalMs / 2) slower.push(table);
    }
  }
  // Most polls have none of them.
  if (slower.length === 0) return due;
  const atOnce = Math.max(minSlowPerPoll, Math.ceil(perPoll * 1.5));
  slower.sort((left, right) => left.dueAtMs - right.dueAtMs);
  for (const table of slower.slice(0, atOnce)) due.push(table);
  return due;
}

/** A table's own interval: its cadence, in whole polls. */
export function tableIntervalMs(cadence: "live" | "slow" | "rare", pollIntervalMs: number, slowMs: number, rareMs: number): number {
  if (cadence === "live") return pollIntervalMs;
  const wantedMs = cadence === "slow" ? slowMs : rareMs;
  return Math.max(1, Math.ceil(wantedMs / pollIntervalMs)) * pollIntervalMs;
}

/** When a table that was read at `nowMs` is due again: on its grid, whatever the poll's own delay was; the grid begins with the first reading. */
export function nextDueMs(table: Scheduled, name: string, equipment: string, nowMs: number): number {
  if (Number.isFinite(table.dueAtMs)) return Math.max(table.dueAtMs + table.intervalMs, nowMs);
  return nowMs + (table.isLive ? table.intervalMs : spreadMs(table.intervalMs, earliestShares.values, equipment, name));
}

/** Of its interval, when a slow table comes again at the earliest; what costs more than its values (walks for rows, probes, inventories) waits longer. */
const earliestShares = { values: 0.1, rest: 0.5 } as const;

/**
 * After how long something is due again that comes every `intervalMs` and that everybody began with at the start. The first time after half of it
 * at the earliest and all of it at the latest, by the names of equipment and work: otherwise a thousand of them would be due in the same seconds for ever.
 */
export function intervalAfterMs(times: "first" | "again", intervalMs: number, equipment: string, work: string): number {
  return times === "again" ? intervalMs : spreadMs(intervalMs, earliestShares.rest, equipment, work);
}

function spreadMs(intervalMs: number, earliestShare: number, equipment: string, work: string): number {
  let hash = 2166136261;
  for (const name of [equipment, "/", work])
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  return intervalMs * (earliestShare + ((1 - earliestShare) * ((hash ^ (hash >>> 13)) >>> 0)) / 2 ** 32);
}
