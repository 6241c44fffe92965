import { formatMessage, parseMessage } from "./json.ts";

/** Payload of a signed command on `cmd`. */
export interface CommandMessage {
  readonly v: 1;
  /** ULID; executed at most once, restarts included. */
  readonly id: string;
  readonly op: string;
  readonly risk: "read" | "write" | "disruptive" | "destructive";
  readonly iss?: string;
  /** The gateway it is for. */
  readonly aud: string;
  readonly tenant: string;
  /** The nonce of the gateway's newest hello. */
  readonly nonce?: string;
  /** Unix seconds. */
  readonly iat: number;
  /** Seconds. */
  readonly ttl: number;
  readonly idem?: string;
  readonly dev?: string;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly reply?: string;
  /** The person who gave the order. */
  readonly sub?: string;
}

/** Answer on `rsp`; one or several, the last with `fin`. */
export interface ResponseMessage {
  readonly v: 1;
  readonly id: string;
  readonly seq: number;
  readonly st: "accepted" | "running" | "ok" | "error" | "expired" | "denied" | (string & {});
  readonly pct?: number;
  readonly out?: unknown;
  readonly err?: { readonly code: string; readonly msg?: string; readonly retryable?: boolean };
  readonly fin?: boolean;
}

/** Checks the payload of a command whose signature was verified already. @throws GatewayError codec.malformed | codec.limit */
export function parseCommand(payload: Uint8Array): CommandMessage {
  return parseMessage<CommandMessage>("cmd", payload);
}

/** The payload to be signed (see envelope.ts). */
export function formatCommand(message: CommandMessage): Uint8Array {
  return formatMessage("cmd", message);
}

/** @throws GatewayError codec.malformed | codec.limit */
export function parseResponse(bytes: Uint8Array): ResponseMessage {
  return parseMessage<ResponseMessage>("rsp", bytes);
}

export function formatResponse(message: ResponseMessage): Uint8Array {
  return formatMessage("rsp", message);
}
