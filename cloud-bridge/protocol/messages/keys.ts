import { formatMessage, parseMessage } from "./json.ts";

/** Audience of key documents: every gateway of the tenant. */
export const keysAudience = "gateways";

/** What a key may sign: desired state, commands, technicians' tokens. */
export type KeyRole = "des" | "cmd" | "tech";

/** Payload of the key document, signed by the root. Times in Unix seconds. */
export interface KeysMessage {
  readonly v: 1;
  readonly iss?: string;
  readonly aud: string;
  readonly tenant: string;
  /** Strictly increasing; the newest replaces all before. */
  readonly version: number;
  /** Manifests must name it; a greater one lets generations begin again. */
  readonly epoch?: number;
  readonly iat: number;
  readonly exp?: number;
  readonly keys: readonly {
    readonly kid: string;
    readonly roles: readonly (KeyRole | (string & {}))[];
    /** Ed25519 public key, base64url. */
    readonly x: string;
    readonly nbf?: number;
    readonly exp?: number;
  }[];
}

/** Checks the payload of a key document whose signature was verified already. @throws GatewayError codec.malformed | codec.limit */
export function parseKeys(payload: Uint8Array): KeysMessage {
  return parseMessage<KeysMessage>("keys", payload);
}

/** The payload to be signed (see envelope.ts). */
export function formatKeys(message: KeysMessage): Uint8Array {
  return formatMessage("keys", message);
}
