import type { Observation } from "#model/observation.ts";

/** The one door for observations. */
export interface Intake {
  /**
   * Resolves when the observation was admitted to the bounded open group of the buffer; when that is full, waits (back-pressure). Alarms,
   * evidence and gap records resolve when durable. Has looked at the observation and taken its place in the order when it returns, so that many may
   * be handed over before the first is waited for. @throws GatewayError buffer.closed
   */
  accept(observation: Observation): Promise<void>;
  /** Offers every accepted observation, synchronously and without waiting; a tap must return at once and never throw. Returns the removal. */
  tap(tap: (observation: Observation) => void): () => void;
}
