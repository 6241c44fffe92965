import { GatewayError } from "#model/errors.ts";
import { assertValid, type SchemaName } from "../schema.ts";

/** Largest JSON message of either direction, bytes (PROTOCOL section 4.1: manifest hard limit). */
export const maxMessageBytes = 65_536;

/** Lists and objects within one another; ours have no more than twenty. */
const maxDepth = 128;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a peer's JSON text. Bounded by `maxBytes` before anything is parsed.
 * @throws GatewayError codec.limit when too long, codec.malformed when not UTF-8 or not JSON
 */
export function parseJsonText(bytes: Uint8Array, maxBytes: number = maxMessageBytes): unknown {
  if (bytes.length > maxBytes) {
    throw new GatewayError("codec.limit", { message: "the message is too long", fields: { bytes: bytes.length, maxBytes } });
  }
  if (nestsTooDeep(bytes)) throw new GatewayError("codec.limit", { message: "the message is nested too deep", fields: { maxDepth } });
  try {
    return JSON.parse(decoder.decode(bytes)) as unknown;
  } catch (cause) {
    // TypeError from the UTF-8 decoder, SyntaxError from the parser; the text itself must not travel into a log.
    throw new GatewayError("codec.malformed", { message: "the message is not JSON", fields: { bytes: bytes.length }, cause: plain(cause) });
  }
}

/** The parser stands any depth; whoever walks the value by calling himself would run out of stack. */
function nestsTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (isText) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) isText = false;
    } else if (byte === 0x22) isText = true;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return false;
}

/** The error's class only: V8 quotes the parsed text in the message. */
function plain(cause: unknown): string {
  return cause instanceof Error ? cause.name : "unknown";
}

/** Parses and checks one message. The caller names the type that belongs to the schema. */
export function parseMessage<T>(name: SchemaName, bytes: Uint8Array, maxBytes?: number): T {
  const value = parseJsonText(bytes, maxBytes);
  assertValid(name, value);
  return value as T;
}

/** Serialises one message after checking it: what does not pass our own schema is a bug on our side, seen in tests. */
export function formatMessage(name: SchemaName, message: object): Uint8Array {
  assertValid(name, message);
  return encoder.encode(JSON.stringify(message));
}
