import type { UplinkLeaf } from "#ports/uplink.ts";

/** One message as the broker handed it over; not yet PUBACKed. */
export interface Delivery {
  readonly tenant: string;
  readonly gateway: string;
  readonly leaf: UplinkLeaf;
  readonly payload: Uint8Array;
  /** A retained copy from before this subscription: presence may be old news. */
  readonly retained: boolean;
  /** Sends the PUBACK, once the message is committed. Does nothing on a connection that is gone. */
  puback(): void;
}

/** Something to tell a gateway: which of its streams changed, what is missing to understand it. */
export interface GatewayNews {
  readonly tenant: string;
  readonly gateway: string;
  readonly streams: ReadonlyMap<string, { readonly upTo: number; readonly ranges: readonly (readonly [number, number])[] }>;
  readonly neededRevisions: readonly number[];
  /** Chunks committed in this transaction, duplicates included: they want an ack as well. */
  readonly committed: number;
  /** A hello came in: answer at once, the gateway waits for it. */
  readonly hello: boolean;
}
