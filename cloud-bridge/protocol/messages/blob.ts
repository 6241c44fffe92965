import { decode, encode } from "cborg";
import { GatewayError } from "#model/errors.ts";
import { formatMessage, parseMessage } from "./json.ts";

/** The gateway's request for a piece of a content-addressed document, on `blobq`. */
export interface BlobRequest {
  readonly v: 1;
  readonly sha256: string;
  readonly off: number;
  /** 1..65,536. */
  readonly len: number;
  readonly rid: string;
}

/** The answer on `blob`: CBOR map {0: requestId, 1: offset, 2: total, 3: bytes}. */
export interface BlobPiece {
  readonly requestId: string;
  readonly offset: number;
  readonly totalBytes: number;
  readonly bytes: Uint8Array;
}

const maxPieceBytes = 65_536;
const maxBlobBytes = 1_073_741_824;

/** @throws GatewayError codec.malformed | codec.limit */
export function parseBlobRequest(bytes: Uint8Array): BlobRequest {
  return parseMessage<BlobRequest>("blobq", bytes, 1_024);
}

export function formatBlobRequest(message: BlobRequest): Uint8Array {
  return formatMessage("blobq", message);
}

export function formatBlobPiece(piece: BlobPiece): Uint8Array {
  return encode(
    new Map<number, unknown>([
      [0, piece.requestId],
      [1, piece.offset],
      [2, piece.totalBytes],
      [3, piece.bytes],
    ]),
  );
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= maxBlobBytes;
}

/** @throws GatewayError codec.malformed | codec.limit */
export function parseBlobPiece(bytes: Uint8Array): BlobPiece {
  if (bytes.length > maxPieceBytes + 256) throw new GatewayError("codec.limit", { fields: { bytes: bytes.length } });
  let map: unknown;
  try {
    map = decode(bytes, { useMaps: true });
  } catch (cause) {
    throw new GatewayError("codec.malformed", { message: "the blob piece is not CBOR", cause });
  }
  if (!(map instanceof Map)) throw new GatewayError("codec.malformed", { message: "the blob piece is not a map" });
  const [requestId, offset, totalBytes, piece]: unknown[] = [map.get(0), map.get(1), map.get(2), map.get(3)];
  if (typeof requestId !== "string" || requestId.length > 32 || !isSize(offset) || !isSize(totalBytes) || !(piece instanceof Uint8Array)) {
    throw new GatewayError("codec.malformed", { message: "the blob piece lacks a field" });
  }
  if (offset + piece.length > totalBytes) throw new GatewayError("codec.malformed", { message: "the blob piece lies beyond its end" });
  return { requestId, offset, totalBytes, bytes: piece };
}
