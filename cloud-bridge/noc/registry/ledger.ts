import { contiguousTo, highestSeq, holesOf } from "../ingest/ranges.ts";
import type { GapRow, GatewayRow, JsonObject, SeqRanges, StreamRow } from "../store/rows.ts";
import type { StoreQueries } from "../store/store.ts";

export interface StreamLedger {
  readonly stream: string;
  readonly class: string;
  /** Everything up to this seq is here, or given up by a gap record. */
  readonly contiguousTo: number;
  readonly highest: number;
  readonly chunks: number;
  readonly samples: number;
  readonly bytes: number;
  readonly duplicates: number;
  readonly late: number;
  readonly tombstones: number;
  readonly deadLetters: number;
  /** Missing seqs below the highest, at most 50 ranges; the first may lie before this NOC's time. */
  readonly holes: SeqRanges;
  readonly missing: number;
  readonly seenMs: number;
}

export interface GatewayLedger {
  readonly tenant: string;
  readonly gateway: string;
  /** Samples in stored chunks, by the NOC's own count. */
  readonly delivered: number;
  readonly chunks: number;
  readonly duplicates: number;
  readonly missing: number;
  readonly waiting: { readonly pending: number; readonly parked: number; readonly unanchored: number };
  readonly gaps: { readonly records: number; readonly samples: number; readonly uncountable: number; readonly newest: readonly GapRow[] };
  readonly deadLetters: number;
  readonly refusedMessages: number;
  readonly streams: readonly StreamLedger[];
  /** The gateway's own words at its last hello. */
  readonly gatewaySays: JsonObject | null;
}

export async function viewLedger(read: StoreQueries, gateway: GatewayRow): Promise<GatewayLedger> {
  const streams = await read.streams(gateway.ref);
  const lines = streams.map(ledgerOf);
  const sum = (of: (line: StreamLedger) => number) => lines.reduce((total, line) => total + of(line), 0);
  const totals = await read.gapTotals(gateway.ref);
  const says = gateway.hello?.["ledger"];
  return {
    tenant: gateway.tenant,
    gateway: gateway.id,
    delivered: sum((line) => line.samples),
    chunks: sum((line) => line.chunks),
    duplicates: sum((line) => line.duplicates),
    missing: sum((line) => line.missing),
    waiting: await read.waitingChunks(gateway.ref),
    gaps: { ...totals, newest: await read.gaps(gateway.ref, 20) },
    deadLetters: sum((line) => line.deadLetters),
    refusedMessages: gateway.refusedMessages,
    streams: lines,
    gatewaySays: typeof says === "object" && says !== null ? (says as JsonObject) : null,
  };
}

function ledgerOf(stream: StreamRow): StreamLedger {
  const holes = holesOf(stream.received);
  return {
    stream: stream.id,
    class: stream.streamClass,
    contiguousTo: contiguousTo(stream.received),
    highest: highestSeq(stream.received),
    chunks: stream.chunks,
    samples: stream.samples,
    bytes: stream.bytes,
    duplicates: stream.duplicates,
    late: stream.late,
    tombstones: stream.tombstones,
    deadLetters: stream.deadLetters,
    holes: holes.slice(0, 50),
    missing: holes.reduce((total, [from, to]) => total + (to - from + 1), 0),
    seenMs: stream.seenMs,
  };
}
