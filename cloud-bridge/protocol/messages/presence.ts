import type { ClockQuality } from "#model/time.ts";
import { formatMessage, parseMessage } from "./json.ts";

/** Presence of a gateway, retained on `state`; the will says `on: false, why: "will"`. */
export interface StateMessage {
  readonly v: 1;
  readonly on: boolean;
  /** Unix ms; absent in a will. */
  readonly at?: number;
  readonly boot?: string;
  /** Counts connections: an `on: false` with a lower number than the newest hello is late and must be ignored. */
  readonly conn?: number;
  readonly why?: "connect" | "will" | "shutdown" | "reboot" | "update" | (string & {});
  readonly net?: Readonly<Record<string, unknown>>;
}

/** Birth message of one connection, retained on `hello`. */
export interface HelloMessage {
  readonly v: 1;
  readonly gw: string;
  readonly tenant?: string;
  readonly site?: string;
  readonly name?: string;
  /** Version of the gateway's software. */
  readonly agent: string;
  readonly os?: string;
  readonly at?: number;
  readonly boot: string;
  /** Random per process, base64url: two devices with one identity have two. */
  readonly run?: string;
  readonly conn: number;
  /** Random per session, base64url; every command must repeat it (RELIABILITY 5.3). */
  readonly nonce?: string;
  readonly proto: { readonly min: number; readonly max: number; readonly minor?: number };
  readonly caps: readonly string[];
  readonly streams: {
    readonly T?: string | null;
    readonly E?: string | null;
    readonly C?: string | null;
    readonly I?: string | null;
    readonly S?: string | null;
    /** Telemetry streams that are still being drained on `bf`. */
    readonly B?: readonly string[];
  };
  readonly next?: Readonly<Record<string, number>>;
  readonly dict?: { readonly rev: number; readonly sha256?: string };
  /** Newest generation of desired state that was accepted. */
  readonly gen?: number;
  /** Version of the key document in force (0 = none yet), and the epoch that manifests must name. Absent: nothing is pinned, all orders are refused. */
  readonly auth?: { readonly keys: number; readonly epoch?: number };
  /** Operations that may be ordered, with their risk. */
  readonly ops?: Readonly<Record<string, string>>;
  readonly clock?: { readonly quality?: ClockQuality; readonly src?: string; readonly off_ms?: number };
  readonly outbox?: { readonly bytes?: number; readonly oldest?: number; readonly samples?: number };
  /** Samples since `since`: polled = delivered + buffered + dropped. */
  readonly ledger?: {
    readonly polled?: number;
    readonly delivered?: number;
    readonly buffered?: number;
    readonly dropped?: number;
    readonly since?: number;
    readonly restarts?: number;
  };
  readonly limits?: { readonly max_packet?: number };
  readonly counts?: { readonly devices?: number; readonly series?: number };
}

/** The NOC's own presence for a tenant, retained on `noc/state`. */
export interface NocStateMessage {
  readonly v: 1;
  readonly on: boolean;
  readonly at?: number;
  readonly since?: number;
  readonly site?: string;
  /** Serialisations it reads: `tcc+cbor;zstd`, `tcc+cbor;gzip`, `tcc+json`. */
  readonly accept?: readonly string[];
  readonly proto?: { readonly min: number; readonly max: number };
  readonly ack?: string;
  /** Largest chunk it takes, bytes. */
  readonly max_chunk?: number;
  /** Minutes between key-frames it wants at most. */
  readonly kf_min?: number;
  readonly keys?: readonly string[];
}

/** Clocks may tell fractions of a millisecond; the wire has whole ones. */
function whole<T extends { readonly at?: number; readonly since?: number }>(message: T): T {
  return {
    ...message,
    ...(message.at === undefined ? {} : { at: Math.round(message.at) }),
    ...(message.since === undefined ? {} : { since: Math.round(message.since) }),
  };
}

/** What this release can do, for `hello.caps`. */
export const capabilities = ["tcc1", "zstd", "gzip", "rebase1", "cmd1"] as const;

/** @throws GatewayError codec.malformed | codec.limit */
export function parseState(bytes: Uint8Array): StateMessage {
  return parseMessage<StateMessage>("state", bytes, 4_096);
}

export function formatState(message: StateMessage): Uint8Array {
  return formatMessage("state", whole(message));
}

/** @throws GatewayError codec.malformed | codec.limit */
export function parseHello(bytes: Uint8Array): HelloMessage {
  return parseMessage<HelloMessage>("hello", bytes, 16_384);
}

export function formatHello(message: HelloMessage): Uint8Array {
  return formatMessage("hello", whole(message));
}

/** @throws GatewayError codec.malformed | codec.limit */
export function parseNocState(bytes: Uint8Array): NocStateMessage {
  return parseMessage<NocStateMessage>("noc-state", bytes, 8_192);
}

export function formatNocState(message: NocStateMessage): Uint8Array {
  return formatMessage("noc-state", whole(message));
}
