import type { BufferStats } from "#ports/buffer.ts";
import type { CommitTimes } from "./commit-times.ts";
import type { Snapshot } from "./record.ts";
import type { StoreInventory } from "./store-inventory.ts";

/** What the store can say of itself at this moment. @param journal state of the journal; the backlog's stands where the journal is well */
export function statsOf(stock: StoreInventory, times: CommitTimes, journal: BufferStats["state"]): BufferStats {
  const { ledger, open, outbox, ring, keeper, space } = stock;
  const { polled, delivered, dropped, drops, sinceMs, restarts } = ledger;
  return {
    streams: [...outbox.streams.all()].map((stream) => stream.state()),
    ledger: {
      polled: polled + open.openSamples,
      delivered,
      buffered: outbox.samples + open.heldSamples,
      dropped,
      drops,
      sinceMs,
      restarts,
    },
    openFrames: open.openFrames,
    openBytes: open.openBytes,
    journalBytes: ring.usedBytes,
    databaseBytes: space.databaseBytes,
    budgetBytes: space.budgetBytes,
    writtenBytes: ring.writtenBytes + keeper.writtenBytes,
    commits: times.count,
    commitMsMax: times.maxMs,
    commitMsP99: times.p99Ms,
    state: journal === "ok" ? keeper.state : journal,
    deadLetters: keeper.deadLetters,
  };
}

/** The small state that every record carries. */
export function snapshotOf(stock: StoreInventory, position: number): Snapshot {
  const { outbox, ledger, relief, tenure } = stock;
  return {
    v: 1,
    streams: [...outbox.streams.all()].map((stream) => stream.snapshot()),
    position,
    sinceMs: ledger.sinceMs,
    restarts: ledger.restarts,
    drops: ledger.drops,
    gaps: ledger.unrecorded,
    dropId: relief.lastEvictionId,
    ...tenure.snapshot,
  };
}
