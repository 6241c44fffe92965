import { isGatewayError } from "#model/errors.ts";
import { unpack } from "../../protocol/codec/unpack.ts";

/** Where a message belongs, read from its first bytes alone. */
export interface Place {
  readonly stream: string;
  readonly seq: number;
}

const textPlace = /^\{"(?:v":1,")?s":"([0-9a-f]{12})","q":([0-9]{1,15})[,}]/;

/**
 * Stream and seq of a message that cannot be decoded as a whole, so that it can be acknowledged and does not come again for ever.
 * Reads only the form our own encoder writes: version, stream, seq first (PROTOCOL section 2). undefined = not to be told.
 */
export function placeOf(bytes: Uint8Array): Place | undefined {
  let plain: Uint8Array;
  try {
    plain = unpack(bytes);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return undefined;
  }
  return plain[0] === 0x7b ? textual(plain) : binary(plain);
}

function textual(plain: Uint8Array): Place | undefined {
  const match = textPlace.exec(Buffer.from(plain.subarray(0, 64)).toString("latin1"));
  return match?.[1] === undefined ? undefined : place(match[1], Number(match[2]));
}

/** CBOR (RFC 8949): a map, 0: 1, 1: text(12), 2: unsigned. */
function binary(plain: Uint8Array): Place | undefined {
  const [map = 0, ...head] = plain.subarray(0, 4);
  if (map < 0xa3 || map > 0xb7 || head[0] !== 0 || head[1] !== 1 || head[2] !== 1 || plain[4] !== 0x6c || plain[17] !== 2) return undefined;
  const stream = Buffer.from(plain.subarray(5, 17)).toString("latin1");
  const size = plain[18] ?? 0xff;
  const follow = plain.subarray(19);
  if (size < 24) return place(stream, size);
  const bytes = { 24: 1, 25: 2, 26: 4, 27: 8 }[size] ?? 0;
  if (bytes === 0 || follow.length < bytes) return undefined;
  return place(
    stream,
    follow.subarray(0, bytes).reduce((value, byte) => value * 256 + byte, 0),
  );
}

function place(stream: string, seq: number): Place | undefined {
  return /^[0-9a-f]{12}$/.test(stream) && Number.isSafeInteger(seq) && seq > 0 ? { stream, seq } : undefined;
}
