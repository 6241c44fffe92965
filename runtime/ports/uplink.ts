import type { StreamClass } from "#model/chunk.ts";

/** A message from the NOC. It is PUBACKed when `accept` given to connect resolved, not before. */
export interface InboundMessage {
  /** The topic's last part: `ack`, `des`, `cmd`, `blob`, or `noc/state`. */
  readonly leaf: "ack" | "des" | "cmd" | "blob" | "edq" | "noc-state";
  readonly payload: Uint8Array;
  readonly retained: boolean;
}

/** Outgoing leaf topics (PROTOCOL section 5). */
export type UplinkLeaf = "state" | "hello" | "tm" | "bf" | "ev" | "sla" | "inv" | "chk" | "rep" | "rsp" | "blobq" | "log" | "eds";

export interface UplinkLimits {
  /** min(own 16, the broker's Receive Maximum). */
  readonly receiveMaximum: number;
  /** Largest payload that fits the broker's Maximum Packet Size with this gateway's topics. */
  readonly maxPayloadBytes: number;
}

/** One connection, CONNACK to close. Never reconnects, never queues: a reconnect is a new object. */
export interface UplinkSession {
  readonly limits: UplinkLimits;
  /** Counts connections of this gateway, persisted; goes into state and hello. */
  readonly connection: number;
  /**
   * Resolves on PUBACK with success. Never more than limits.receiveMaximum unresolved: the caller keeps the window.
   * @throws GatewayError uplink.lost | uplink.no-puback | uplink.rejected | uplink.too-large
   */
  publish(
    leaf: UplinkLeaf,
    payload: Uint8Array,
    options?: { readonly contentType?: string; readonly retain?: boolean; readonly qos?: 0 | 1 },
  ): Promise<void>;
  /** Settles when the connection is gone; the reason never is a secret. */
  readonly closed: Promise<{ readonly reason: string; readonly brokerInitiated: boolean }>;
  /** Says goodbye (state off with `why`, DISCONNECT) within 2 s, or drops. */
  end(why: "shutdown" | "reboot" | "update" | "drop"): Promise<void>;
}

export interface Uplink {
  /**
   * One attempt. Resolves after CONNACK and SUBACK. `onMessage` is called in order of arrival; it must not throw.
   * @throws GatewayError uplink.unreachable | uplink.refused | uplink.tls
   */
  connect(onMessage: (message: InboundMessage) => void | Promise<void>, signal: AbortSignal): Promise<UplinkSession>;
}

/** Topic leaf that carries a stream class live; backlog of T goes to `bf`. */
export const leafOfStream: Readonly<Record<StreamClass, UplinkLeaf>> = { T: "tm", E: "ev", I: "inv", S: "sla" };
