import { constants, gunzipSync, zstdDecompressSync } from "node:zlib";
import { GatewayError } from "#model/errors.ts";
import { limits } from "./layout.ts";

/** A frame may ask for a window of gigabytes; 4 MiB is all that an allowed payload can use. */
const maxWindowLog = 22;

function isZstd(bytes: Uint8Array): boolean {
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd;
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Decompresses by magic number. @throws GatewayError codec.limit when longer than allowed before or after, codec.malformed when broken */
export function unpack(bytes: Uint8Array): Uint8Array {
  if (bytes.length > limits.chunkBytes)
    throw new GatewayError("codec.limit", { message: "the chunk is too long", fields: { bytes: bytes.length } });
  const options = { maxOutputLength: limits.unpackedBytes };
  try {
    if (isZstd(bytes)) return zstdDecompressSync(bytes, { ...options, params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog } });
    if (isGzip(bytes)) return gunzipSync(bytes, options);
  } catch (cause) {
    const isTooLong = cause instanceof RangeError && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    throw new GatewayError(isTooLong ? "codec.limit" : "codec.malformed", { message: "the chunk cannot be decompressed", cause });
  }
  return bytes;
}

/** Whether JSON text stays within the limits of depth and containers; looked at before anything is built from it. */
export function assertJsonBounds(bytes: Uint8Array): void {
  let depth = 0;
  let containers = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isText) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) isText = false;
    } else if (byte === 0x22) isText = true;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      containers += 1;
      if (depth > maxJsonDepth || containers > limits.containers)
        throw new GatewayError("codec.limit", { message: "JSON nested too deeply or too wide" });
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
}

/** Attributes of events may nest deeper than chunks do. */
const maxJsonDepth = 64;
