import { assertValid } from "../schema.ts";
import { formatMessage, maxMessageBytes, parseJsonText, parseMessage } from "./json.ts";

/** One content-addressed document of a manifest. */
export interface DesiredDocument {
  /** config, services, flow, sla, keys, firmware, cred; an unknown kind is reported as unsupported. */
  readonly k: string;
  readonly id: string;
  readonly rev: number | string;
  readonly sha256: string;
  readonly size: number;
  readonly enc: "json" | "json.gz" | "tar.zst" | "bin" | (string & {});
  readonly inline?: unknown;
  readonly src?: readonly string[];
  readonly url?: string;
  readonly sig?: string;
  /** The whole generation fails when this document cannot be applied. */
  readonly must?: boolean;
}

/** Payload of the signed manifest on `des`: what the NOC wants. Times in Unix seconds, as in JWT. */
export interface DesiredManifest {
  readonly v: 1;
  readonly iss?: string;
  /** The gateway it is for. */
  readonly aud: string;
  readonly tenant: string;
  readonly epoch?: number;
  /** Strictly increasing; rolling back is a new generation with old documents. */
  readonly gen: number;
  readonly iat: number;
  readonly nbf?: number;
  readonly exp: number;
  readonly jti?: string;
  readonly min_agent?: string;
  readonly docs: readonly DesiredDocument[];
  readonly policy?: Readonly<Record<string, unknown>>;
}

/** Reported state on `rep`: how far the newest manifest is applied. */
export interface ReportedMessage {
  readonly v: 1;
  readonly gen: number;
  readonly phase:
    | "received"
    | "verified"
    | "fetching"
    | "staged"
    | "applying"
    | "probation"
    | "ok"
    | "rolled_back"
    | "failed"
    | (string & {});
  /** Unix ms. */
  readonly since?: number;
  readonly agent?: string;
  /** Version of the key document in force; absent = it pins nobody. */
  readonly keys?: number;
  readonly prev_gen?: number;
  readonly reason?: string;
  /** The last update, or the one under way: phase of the updater, version it is about, why it went wrong. */
  readonly fw?: { readonly st: string; readonly version?: string; readonly msg?: string };
  readonly docs: readonly {
    readonly id: string;
    readonly rev?: number | string;
    readonly sha256?: string;
    readonly st: "applied" | "failed" | "pending" | "unsupported" | (string & {});
    readonly err?: { readonly code?: string; readonly path?: string; readonly msg?: string };
  }[];
  readonly drift?: readonly Readonly<Record<string, unknown>>[];
}

/** Checks the payload of a manifest whose signature was verified already. @throws GatewayError codec.malformed | codec.limit */
export function parseDesired(payload: Uint8Array): DesiredManifest {
  const value = parseJsonText(payload, maxMessageBytes);
  assertValid("des", value);
  return value as DesiredManifest;
}

/** The payload to be signed (see envelope.ts). */
export function formatDesired(manifest: DesiredManifest): Uint8Array {
  return formatMessage("des", manifest);
}

/** @throws GatewayError codec.malformed | codec.limit */
export function parseReported(bytes: Uint8Array): ReportedMessage {
  return parseMessage<ReportedMessage>("rep", bytes);
}

export function formatReported(message: ReportedMessage): Uint8Array {
  return formatMessage("rep", message);
}
