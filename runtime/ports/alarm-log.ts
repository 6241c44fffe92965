import type { AlarmChange } from "#model/observation.ts";

/**
 * The site's memory of what its alarms did: append-only, bounded, for people. Not the truth (that is the buffer, and the state for what is
 * active), so a lost last line costs nothing.
 */
export interface AlarmLog {
  /** @throws GatewayError buffer.* */
  append(changes: readonly AlarmChange[]): void;
  /** Newest first. Lines that cannot be read are left out. */
  newestFirst(): Iterable<AlarmChange>;
}
