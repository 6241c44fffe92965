import type { IngestCounters } from "./ingest/ingest.ts";

/** What the NOC's end says of itself. */
export interface NocStatus {
  readonly brokerConnected: boolean;
  readonly acksSent: number;
  readonly ingest: IngestCounters;
}
