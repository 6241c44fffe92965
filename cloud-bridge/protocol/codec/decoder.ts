import { GatewayError } from "#model/errors.ts";
import type { ChunkDecoder, DecodedPayload } from "#ports/codec.ts";
import { parseJsonText } from "../messages/json.ts";
import { CborReader } from "./cbor-reader.ts";
import { parseDictionaryRecord } from "./dictionary-record.ts";
import { chunkKey, jsonName, limits } from "./layout.ts";
import { parseChunk, seqOf, streamOf } from "./raw-chunk.ts";
import { passOver, resolveChunk, StreamMemory } from "./resolve.ts";
import { assertJsonBounds, unpack } from "./unpack.ts";

/** Reads what any stream carries, from bytes nobody vouches for. Pure but for the memory handed to `resolve`. */
export function createChunkDecoder(): ChunkDecoder {
  return { decode, resolve: resolveChunk, newMemory: () => new StreamMemory(), passOver };
}

function decode(bytes: Uint8Array): DecodedPayload {
  const plain = unpack(bytes);
  const [first = 0] = plain;
  // RFC 8949: 0xa0..0xbf is a map; 0x7b is `{`.
  if (first >= 0xa0 && first <= 0xbf) return decodeCbor(plain);
  if (first === 0x7b) return decodeJson(plain);
  throw new GatewayError("codec.malformed", { message: "neither CBOR map nor JSON object", fields: { bytes: bytes.length } });
}

function decodeCbor(bytes: Uint8Array): DecodedPayload {
  const map = new CborReader(bytes).readAll();
  if (!(map instanceof Map)) throw new GatewayError("codec.malformed", { message: "not a map" });
  return { kind: "chunk", chunk: parseChunk((key) => map.get(chunkKey[key])) };
}

function decodeJson(bytes: Uint8Array): DecodedPayload {
  assertJsonBounds(bytes);
  const value = parseJsonText(bytes, limits.unpackedBytes);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new GatewayError("codec.malformed", { message: "not a JSON object" });
  const fields = value as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(fields, "g")) {
    return {
      kind: "chunk",
      chunk: parseChunk((key) => (Object.hasOwn(fields, jsonName[chunkKey[key]]) ? fields[jsonName[chunkKey[key]]] : undefined)),
    };
  }
  const stream = streamOf(fields.s);
  const seq = seqOf(fields.q);
  if (Object.hasOwn(fields, "rev")) return { kind: "dict", stream, seq, record: parseDictionaryRecord(fields) };
  return { kind: "json", stream, seq, body: fields };
}
