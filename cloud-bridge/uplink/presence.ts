import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { State } from "#ports/state.ts";
import { formatState } from "../protocol/messages/presence.ts";

const connectionKey = "uplink/connection";

/**
 * Numbers connection attempts over restarts: persisted before CONNECT, because the will carries the number, and the NOC must be able to tell a
 * late will of an old connection from a new one.
 */
export class ConnectionCounter {
  readonly #state: State;
  #last = 0;

  constructor(state: State) {
    this.#state = state;
  }

  next(): number {
    const stored = Number.parseInt(this.#state.getText(connectionKey) ?? "0", 10);
    this.#last = Math.max(this.#last, Number.isSafeInteger(stored) ? stored : 0) + 1;
    try {
      this.#state.put({ [connectionKey]: String(this.#last) });
    } catch (error) {
      // A full disk must not keep the gateway from the NOC, whose acknowledgements are what empties it.
      if (!isGatewayError(error)) throw error;
    }
    return this.#last;
  }
}

/** What the broker publishes in our name 60 s after a connection broke. Without a date: nobody knows when that will be. */
export function willPayload(connection: number, bootId: string): Uint8Array {
  return formatState({ v: 1, on: false, boot: bootId, conn: connection, why: "will" });
}

export function statePayload(clock: Clock, connection: number, presence: { readonly on: boolean; readonly why: string }): Uint8Array {
  const now = clock.now();
  return formatState({ v: 1, on: presence.on, at: now.wallMs, boot: now.bootId, conn: connection, why: presence.why });
}
