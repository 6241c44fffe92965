import type { GapRecord } from "#model/observation.ts";
import type { Instant } from "#model/time.ts";
import type { Backlog } from "./backlog.ts";
import type { Eviction } from "./eviction-log.ts";
import type { StoreLedger } from "./ledger.ts";
import type { OpenGroup } from "./open-group.ts";
import type { Outbox } from "./outbox.ts";
import type { Ranges } from "./ranges.ts";
import type { StreamSnapshot } from "./record.ts";
import type { Ring } from "./ring.ts";
import { emptyBacklog, type OutboxStream, type StreamTable } from "./streams.ts";

export interface Books {
  readonly streams: StreamTable;
  readonly outbox: Outbox;
  readonly ring: Ring;
  readonly backlog: Backlog;
  readonly open: OpenGroup;
  readonly ledger: StoreLedger;
  readonly now: Instant;
}

/** Books evictions that the journal missed. @returns number of the last one that is in the books. @throws GatewayError buffer.*, nothing being booked */
export function bookEvictions(books: Books, bookedEviction: number): number {
  const evictions = books.backlog.evictionsAfter(bookedEviction);
  for (const eviction of evictions) bookEviction(books, eviction);
  return evictions.at(-1)?.id ?? bookedEviction;
}

/**
 * Brings journal and backlog together after a start, or after the backlog was away: what the journal acknowledged leaves the backlog, what lies in both counts once,
 * and whatever is still missing is booked as lost. Afterwards polled = delivered + buffered + dropped. @throws GatewayError buffer.*, to be called again on another backlog
 */
export function reconcile(books: Books): void {
  const { streams, backlog } = books;
  for (const stream of streams.all()) Object.assign(stream.backlog, emptyBacklog);
  for (const { id, streamClass, counts } of backlog.load()) {
    // A stream the journal does not know: the journal was lost. It is read out and never continued.
    const stream =
      streams.get(id) ?? streams.restore({ id, cls: streamClass, open: false, next: counts.lastSeq + 1, ack: counts.firstSeq - 1 });
    if (stream === undefined) continue;
    Object.assign(stream.backlog, counts);
    stream.nextSeq = Math.max(stream.nextSeq, counts.lastSeq + 1);
    forgetDone(books, stream);
    dropCopies(books, stream);
  }
  bookMissing(books);
}

/** Without a backlog to look into, what the journal last knew of it stands. */
export function assumeBacklog(streams: StreamTable, snapshots: readonly StreamSnapshot[]): void {
  for (const snapshot of snapshots) {
    const stream = streams.get(snapshot.id);
    if (stream === undefined || snapshot.back === undefined) continue;
    const [chunks, samples, firstSeq, lastSeq] = snapshot.back;
    Object.assign(stream.backlog, { ...emptyBacklog, chunks, samples, firstSeq, lastSeq });
  }
}

function bookEviction({ streams, ledger, now }: Books, eviction: Eviction): void {
  const { stream, fromSeq, toSeq, fromMs, toMs, samples } = eviction;
  streams.get(stream)?.entomb(fromSeq, toSeq);
  ledger.drop({ kind: "gap", observedAt: now, reason: "cap", stream, fromSeq, toSeq, fromMs, toMs, samples });
}

/** Chunks that the journal acknowledged and the backlog still has. Deleted later: the record that says so may itself still be lost. */
function forgetDone({ backlog, outbox }: Books, stream: OutboxStream): void {
  const done = [[stream.backlog.firstSeq, stream.ackedUpTo] as const, ...stream.acked].filter(([from, to]) => from <= to);
  if (done.length === 0) return;
  const sums = backlog.sums(stream.id, done);
  if (sums.chunks === 0) return;
  stream.forgetBacklog(sums);
  outbox.removeLater(stream.id, done);
}

/** A cut between the move to the backlog and the next record leaves chunks in both. */
function dropCopies({ backlog, ring }: Books, stream: OutboxStream): void {
  const doubtful = [...stream.ring.values()].filter((chunk) => chunk.seq <= stream.backlog.lastSeq);
  if (doubtful.length === 0) return;
  const there = new Set(seqsIn(backlog, stream.id, doubtful[0]?.seq ?? 0));
  for (const chunk of doubtful) {
    if (!there.has(chunk.seq)) continue;
    stream.removeFromRing(chunk.seq);
    ring.release(chunk.recordSeq, 1);
  }
}

function* seqsIn(backlog: Backlog, stream: string, fromSeq: number): Generator<number> {
  for (let from = fromSeq; ; ) {
    const page = backlog.describe(stream, from, 1000);
    for (const row of page) yield row.seq;
    const last = page.at(-1);
    // Damaged pages can lead back to where we were.
    if (last === undefined || page.length < 1000 || last.seq < from) return;
    from = last.seq + 1;
  }
}

function bookMissing(books: Books): void {
  const { streams, ledger, open, now } = books;
  let buffered = open.heldSamples - open.openSamples;
  for (const stream of streams.all()) buffered += stream.samples;
  let unaccounted = ledger.polled - ledger.delivered - ledger.dropped - buffered;
  // More in store than the counts say: they are older than what was found (a lost journal). What is there counts.
  if (unaccounted < 0) ledger.polled -= unaccounted;
  const gaps: GapRecord[] = [];
  for (const stream of streams.all()) {
    for (const [fromSeq, toSeq] of missingOf(books, stream)) {
      stream.entomb(fromSeq, toSeq);
      gaps.push({ kind: "gap", observedAt: now, reason: "corrupt", stream: stream.id, fromSeq, toSeq, samples: 0 });
    }
  }
  // How the loss is spread over the ranges is not known; its sum is.
  const heir = gaps.findIndex((gap) => streams.get(gap.stream ?? "")?.streamClass === "T");
  for (const [index, gap] of gaps.entries()) {
    const samples = index === heir ? Math.max(unaccounted, 0) : 0;
    unaccounted -= samples;
    ledger.drop({ ...gap, samples });
  }
  if (unaccounted > 0) ledger.drop({ kind: "gap", observedAt: now, reason: "corrupt", samples: unaccounted });
}

function missingOf({ backlog }: Books, stream: OutboxStream): Ranges {
  const acked = stream.acked.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  const expected = stream.nextSeq - 1 - stream.ackedUpTo - acked;
  if (expected === stream.chunks) return [];
  const there = [...stream.ring.keys(), ...(stream.backlog.chunks > 0 ? seqsIn(backlog, stream.id, 0) : [])];
  const known = [...stream.acked, ...there.map((seq) => [seq, seq] as const)].sort((a, b) => a[0] - b[0]);
  const missing: (readonly [number, number])[] = [];
  let next = stream.ackedUpTo + 1;
  // From hole to hole, not from number to number: one damaged number can leave a hole of any size.
  for (const [from, to] of known) {
    if (from > next) missing.push([next, Math.min(from, stream.nextSeq) - 1]);
    next = Math.max(next, to + 1);
    if (next >= stream.nextSeq) return missing;
  }
  return next < stream.nextSeq ? [...missing, [next, stream.nextSeq - 1]] : missing;
}
