import type { Clock } from "#ports/clock.ts";
import type { State } from "#ports/state.ts";
import { formatState } from "../protocol/messages/presence.ts";

const connectionKey = "uplink/connection";

/**
 * The number of this connection attempt: persisted before CONNECT, because the will carries it, and the NOC must be able to tell a late
 * will of an old connection from a new one.
 */
export function nextConnection(state: State): number {
  const last = Number.parseInt(state.getText(connectionKey) ?? "0", 10);
  const next = Number.isSafeInteger(last) && last >= 0 ? last + 1 : 1;
  state.put({ [connectionKey]: String(next) });
  return next;
}

/** What the broker publishes in our name 60 s after a connection broke. Without a date: nobody knows when that will be. */
export function willPayload(connection: number, bootId: string): Uint8Array {
  return formatState({ v: 1, on: false, boot: bootId, conn: connection, why: "will" });
}

export function statePayload(clock: Clock, connection: number, presence: { readonly on: boolean; readonly why: string }): Uint8Array {
  const now = clock.now();
  return formatState({ v: 1, on: presence.on, at: now.wallMs, boot: now.bootId, conn: connection, why: presence.why });
}
