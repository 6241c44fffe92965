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
  bytesIn = 0;
  bytesOut = 0;
}
