import type { Buffer, BufferStats } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Poller } from "./southbound/poller.ts";

/** Whether the gateway does its work; what `gatehouse health`, the watchdog's beat and an update on probation go by. */
export interface Health {
  readonly healthy: boolean;
  /** What is wrong, for people; empty when healthy. */
  readonly problems: readonly string[];
  readonly polls: number;
  readonly commits: number;
}

/** A poll that failed is finished, too: equipment that is switched off says nothing against the gateway. */
const pollGraceMs = 30_000;
const missedIntervals = 3;
/** Longest that something may wait for its commit while the disk refuses nothing; a durability window is at most 60 s. */
const commitLimitMs = 90_000;
/** Longest that the disk may refuse commits. It is asked again at least every minute, and what fills it is often gone by then. */
const refusalLimitMs = 300_000;
/** The same where this process never committed: a fresh start has just been tried and did not help, and each one costs what waits in memory. */
const refusedFromStartMs = 1_800_000;
/** The store's thread answers within milliseconds, or waits for a dying card. */
const storeAnswerMs = 15_000;

/**
 * Looks whether polls finish and commits succeed since it looked last. That it answers at all shows that the loop is alive. Ask it every
 * few seconds: what stands still is noticed by comparing. A full disk does not end commits: the journal's room is its own, and what the disk
 * guard gives up is counted. A disk that refuses the journal itself is healthy no longer than the limits say.
 */
export class HealthWatch {
  readonly #parts: { readonly clock: Clock; readonly poller: Pick<Poller, "equipment">; readonly buffer: Pick<Buffer, "stats"> };
  #polls = { count: -1, sinceMs: 0 };
  #commits = { count: -1, sinceMs: 0 };

  constructor(parts: { readonly clock: Clock; readonly poller: Pick<Poller, "equipment">; readonly buffer: Pick<Buffer, "stats"> }) {
    this.#parts = parts;
  }

  async look(): Promise<Health> {
    const { clock } = this.#parts;
    const polls = this.#countPolls();
    const stats = await this.#storeStats();
    const nowMs = clock.monotonicMs();
    if (polls !== this.#polls.count) this.#polls = { count: polls, sinceMs: nowMs };
    const problems: string[] = [];
    const pollLimitMs = this.#pollLimitMs();
    const idleMs = nowMs - this.#polls.sinceMs;
    if (idleMs > pollLimitMs) problems.push(`no poll finished for ${Math.round(idleMs / 1_000)} s`);
    if (stats === undefined)
      return { healthy: false, problems: [...problems, "the store does not answer"], polls, commits: this.#commits.count };
    if (stats.commits !== this.#commits.count || stats.openFrames === 0) this.#commits = { count: stats.commits, sinceMs: nowMs };
    const uncommittedMs = nowMs - this.#commits.sinceMs;
    if (uncommittedMs > commitPatienceMs(stats))
      problems.push(`nothing was committed for ${Math.round(uncommittedMs / 1_000)} s${why(stats)}`);
    return { healthy: problems.length === 0, problems, polls, commits: stats.commits };
  }

  #countPolls(): number {
    let sum = 0;
    // A slot that was held back shows that the poller lives: it waits for the disk, which has patience of its own below.
    for (const { statistics } of this.#parts.poller.equipment.values())
      sum += statistics.polls + statistics.failures + statistics.heldBackSlots;
    return sum;
  }

  /** Infinite without equipment: nothing is expected then. */
  #pollLimitMs(): number {
    let shortestMs = Number.POSITIVE_INFINITY;
    for (const { equipment } of this.#parts.poller.equipment.values()) shortestMs = Math.min(shortestMs, equipment.pollIntervalMs);
    return missedIntervals * shortestMs + pollGraceMs;
  }

  async #storeStats() {
    const { buffer, clock } = this.#parts;
    const late = new AbortController();
    const tooLate = clock.sleep(storeAnswerMs, late.signal).then(
      () => undefined,
      () => undefined,
    );
    try {
      return await Promise.race([buffer.stats(), tooLate]);
    } finally {
      late.abort();
    }
  }
}

function commitPatienceMs({ state, commits }: BufferStats): number {
  if (state === "ok") return commitLimitMs;
  return commits === 0 ? refusedFromStartMs : refusalLimitMs;
}

const refusals = { "disk-full": "the disk is full", io: "the disk fails", "read-only": "the disk is read-only" } as const;

const why = ({ state }: BufferStats) => (state === "ok" ? "" : `: ${refusals[state]}`);
