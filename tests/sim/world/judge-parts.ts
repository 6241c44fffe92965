import type { ChunkRow, GapRow, StreamRow } from "../../../cloud-bridge/noc/store/rows.ts";
import type { StoreQueries } from "../../../cloud-bridge/noc/store/store.ts";
import type { WorldHistory } from "./schedule.ts";
import type { World } from "./world.ts";

const pageRows = 1_000;
/** Between a poll's end and the date of its miss. */
const missErrorMs = 1_500;
/** What a power cut takes along: the durability window and what was on its way. */
const undurableMs = 11_000;
/** A clean stop aborts the polls that run. */
const stoppingMs = 25_000;

export async function chunksByStream(read: StoreQueries, gatewayRef: number): Promise<ReadonlyMap<number, readonly ChunkRow[]>> {
  const byStream = new Map<number, ChunkRow[]>();
  let after = { streamRef: -1, seq: 0 };
  for (;;) {
    const page = await read.allChunks(gatewayRef, after, pageRows);
    for (const row of page) {
      const rows = byStream.get(row.streamRef);
      if (rows === undefined) byStream.set(row.streamRef, [row]);
      else rows.push(row);
    }
    const last = page.at(-1);
    if (last === undefined) return byStream;
    after = { streamRef: last.streamRef, seq: last.seq };
  }
}

/**
 * The unclean start that followed says that what was last is not known: since a time before this one, or undated. A journal that lost its newest
 * records does not know which gap records it handed out, and tells an earlier start's again before its own: the repetition says nothing of the new one.
 */
export function tellsOf(gaps: readonly GapRow[], atMs: number): boolean {
  const restarts = gaps.filter((gap) => gap.reason === "restart").sort((a, b) => a.recordedMs - b.recordedMs);
  const isRepeated = (gap: GapRow, index: number) =>
    restarts.findIndex(({ fromMs, toMs }) => fromMs === gap.fromMs && toMs === gap.toMs) < index;
  const later = restarts.filter((gap, index) => !isRepeated(gap, index)).filter((gap) => gap.recordedMs >= atMs);
  return later.some(({ fromMs, toMs }, index) =>
    fromMs === toMs ? index === 0 : fromMs - missErrorMs <= atMs && atMs <= toMs + missErrorMs,
  );
}

/** After a failed sync the next try comes at most so much later (runtime/store/disk-health.ts). */
const retryMs = 60_000;
/** The durability window, and what was on its way to it. */
const windowMs = 11_000;

/** Whether a poll may not have been durable when the power went: of the last seconds, or, told by the start that followed, since the disk refused. */
export function mayNotBeDurable(history: WorldHistory, gaps: readonly GapRow[], atMs: number): boolean {
  return history.powerCutsMs.some((cutMs) => {
    if (atMs > cutMs) return false;
    if (atMs > cutMs - windowMs) return true;
    const refused = history.refusals.some(
      ({ fromMs, untilMs }) => fromMs <= cutMs && untilMs > cutMs - retryMs - windowMs && atMs > fromMs - windowMs,
    );
    return refused && tellsOf(gaps, atMs);
  });
}

/** A record whose sync failed just before the power went cannot be told from a damaged one. */
export function mayBeTorn(history: WorldHistory, receivedMs: number): boolean {
  return history.powerCutsMs.some((cutMs) => cutMs <= receivedMs) && history.faults.some((fault) => fault.includes("disk errors"));
}

/** Every seq from 1 on is at the NOC, or a gap record of that stream tells of it. */
export function unexplainedHoles(
  streams: readonly StreamRow[],
  byStream: ReadonlyMap<number, readonly ChunkRow[]>,
  gaps: readonly GapRow[],
): readonly string[] {
  const wrong: string[] = [];
  for (const stream of streams) {
    const first = stream.received[0];
    if (stream.received.length > 1 || (first !== undefined && first[0] !== 1))
      wrong.push(`stream ${stream.id} has holes: ${JSON.stringify(stream.received)}`);
    if (stream.streamClass !== "T") continue;
    const has = new Set((byStream.get(stream.ref) ?? []).map((row) => row.seq));
    const told = gaps.filter((gap) => gap.streamId === stream.id);
    for (let seq = 1; seq <= (first?.[1] ?? 0); seq++) {
      if (has.has(seq) || told.some((gap) => seq >= gap.fromSeq && seq <= gap.toSeq)) continue;
      wrong.push(`stream ${stream.id} seq ${seq} counts as received, but is neither stored nor told as a gap`);
      break;
    }
  }
  return wrong;
}

/** Failed polls that no miss at the NOC tells of. */
export function failuresWithoutMiss(
  world: World,
  history: WorldHistory,
  misses: ReadonlyMap<string, readonly number[]>,
): readonly string[] {
  const { powerCutsMs, stopsMs, healedAtMs } = history;
  const excused = (atMs: number) =>
    atMs > healedAtMs ||
    powerCutsMs.some((cutMs) => atMs <= cutMs + undurableMs && atMs > cutMs - undurableMs) ||
    stopsMs.some((stopMs) => Math.abs(atMs - stopMs) < stoppingMs);
  const silent: string[] = [];
  for (const [id, agent] of world.site.agents) {
    const told = [...(misses.get(id) ?? [])].sort((a, b) => a - b);
    let next = 0;
    for (const atMs of agent.truth.failedAtMs) {
      while ((told[next] ?? Number.POSITIVE_INFINITY) < atMs - missErrorMs) next += 1;
      if ((told[next] ?? Number.POSITIVE_INFINITY) <= atMs + missErrorMs || excused(atMs)) continue;
      silent.push(`${id} at ${new Date(atMs).toISOString()}`);
    }
  }
  return silent;
}

/** For each return of the line with nothing else wrong: when was a value committed that is as new as the newest from before it? */
export function liveFirst(
  world: World,
  seen: ReadonlyMap<string, ReadonlyMap<number, number>>,
): { readonly connacks: number; readonly maxMs: number } {
  const values: { readonly answeredMs: number; readonly receivedMs: number }[] = [];
  for (const [id, agent] of world.site.agents) {
    for (const [poll, answeredMs] of agent.truth.answeredAtMs) {
      const receivedMs = seen.get(id)?.get(poll);
      if (receivedMs !== undefined) values.push({ answeredMs, receivedMs });
    }
  }
  let maxMs = 0;
  for (const { atMs } of world.calmReturns) {
    // An answer on its way through the intake belongs to the next chunk.
    const before = values.filter(({ answeredMs }) => answeredMs <= atMs - intakeMs);
    const newestMs = before.reduce((newest, { answeredMs }) => Math.max(newest, answeredMs), 0);
    const asNew = values.filter(({ answeredMs }) => answeredMs >= newestMs);
    if (before.length > 0) maxMs = Math.max(maxMs, Math.min(...asNew.map(({ receivedMs }) => receivedMs)) - atMs);
  }
  return { connacks: world.calmReturns.length, maxMs };
}

const intakeMs = 500;
