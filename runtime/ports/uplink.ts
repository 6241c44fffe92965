import type { StreamAck, StreamClass, StreamId } from "#model/chunk.ts";

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

/** Why a connection is gone. */
export interface SessionEnd {
  /** In words, for people; never a secret. */
  readonly reason: string;
  /** The broker said DISCONNECT; false for a line that broke and for our own goodbye. */
  readonly brokerInitiated: boolean;
  /** The broker's MQTT 5 reason code, if it gave one. */
  readonly reasonCode?: number;
  /** The other end closed or reset the connection: likely not for us alone. */
  readonly byPeer?: boolean;
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
    options?: {
      readonly contentType?: string;
      readonly retain?: boolean;
      readonly qos?: 0 | 1;
      /** Called before it resolves when the broker says that nobody has subscribed to what was published (PUBACK 0x10). */
      readonly onUnmatched?: () => void;
    },
  ): Promise<void>;
  /** Settles when the connection is gone. */
  readonly closed: Promise<SessionEnd>;
  /** Bytes of this connection as the socket saw them (above TLS). */
  traffic?(): { readonly bytesIn: number; readonly bytesOut: number };
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
export const leafOfStream: Readonly<Record<StreamClass, UplinkLeaf>> = { T: "tm", E: "ev", C: "chk", I: "inv", S: "sla" };

/** What an `ack` of the NOC says (PROTOCOL 3.2). */
export interface NocAcknowledgement {
  readonly streams: readonly StreamAck[];
  /** Absent = as granted before. Windows in chunks that may be unacknowledged; a rate of null = unlimited, 0 = pause. */
  readonly grants: { readonly liveWindow?: number; readonly backlogWindow?: number; readonly backlogChunksPerSecond?: number | null };
  /** Dictionary revisions the NOC lacks. */
  readonly neededDictionaries: readonly number[];
  /** The NOC asks for a key-frame and a full dictionary. */
  readonly resync: boolean;
  /** Chunks the NOC cannot store, repeated at each delivery. */
  readonly rejected: readonly { readonly stream: StreamId; readonly seq: number; readonly code: string }[];
}

/** How the NOC's messages are read: the protocol's parse functions, handed in by the assembly. @throws GatewayError codec.malformed | codec.limit */
export interface NocMessages {
  parseAck(payload: Uint8Array): NocAcknowledgement;
  parseNocState(payload: Uint8Array): { readonly on: boolean };
}
