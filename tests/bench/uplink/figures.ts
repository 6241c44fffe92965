export interface UplinkFigures {
  readonly hours: number;
  readonly outageSeconds: number;
  readonly backlogChunks: number;
  readonly backlogSamples: number;
  readonly backlogBytes: number;
  /** From CONNACK to the acknowledgement of the first chunk that holds a value not older than the connection. */
  readonly newestAtNocMs: number;
  /** From CONNACK to the acknowledgement of the last chunk of the outage. */
  readonly drainSeconds: number;
  readonly livePolls: number;
  /** Durable at the gateway to acknowledged by the NOC: an upper bound of its commit by the time that the NOC collects acks (2 s at most). */
  readonly liveMsP95: number;
  readonly liveMsP95DuringRefill: number;
  readonly liveMsP95Afterwards: number;
  readonly rssMiBAtStart: number;
  readonly rssMiBMax: number;
  readonly dropped: number;
}
