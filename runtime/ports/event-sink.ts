import type { Event } from "#model/observation.ts";

/** Where passive receivers (traps, syslog) put what they understood. Must not throw and must not wait: beyond its bound it drops and counts. */
export interface EventSink {
  offer(event: Event): void;
}
