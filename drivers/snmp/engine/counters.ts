/** Mutable form of SnmpSessionCounters; one per session. */
export class Counters {
  requests = 0;
  retries = 0;
  timeouts = 0;
  lateAnswers = 0;
  forgedAnswers = 0;
  malformedAnswers = 0;
  oidViolations = 0;
  reports = 0;
  unfitValues = 0;
  quarantinedColumns = 0;
  bytesIn = 0;
  bytesOut = 0;
}

/** What one operation cost. */
export type Spent = Pick<Counters, "requests" | "retries" | "bytesIn" | "bytesOut">;

/** Named one by one: a spread copies property by property, which is felt once a table read. */
export function spentSoFar({ requests, retries, bytesIn, bytesOut }: Spent): Spent {
  return { requests, retries, bytesIn, bytesOut };
}

export function spent(now: Spent, before: Spent): Spent {
  return {
    requests: now.requests - before.requests,
    retries: now.retries - before.retries,
    bytesIn: now.bytesIn - before.bytesIn,
    bytesOut: now.bytesOut - before.bytesOut,
  };
}
