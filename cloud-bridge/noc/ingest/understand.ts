import type { DictionaryRecord, StreamClass } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import type { ChunkDecoder, RawChunk } from "#ports/codec.ts";
import type { UplinkLeaf } from "#ports/uplink.ts";
import { type HelloMessage, parseHello, parseState, type StateMessage } from "../../protocol/messages/presence.ts";
import { parseReported, type ReportedMessage } from "../../protocol/messages/twin.ts";
import type { JsonObject } from "../store/rows.ts";
import type { Delivery } from "./delivery.ts";

/** What a message turned out to be. */
export type Understood =
  | { readonly kind: "chunk"; readonly stream: string; readonly seq: number; readonly chunk: RawChunk }
  | { readonly kind: "dict"; readonly stream: string; readonly seq: number; readonly record: DictionaryRecord }
  | { readonly kind: "json"; readonly stream: string; readonly seq: number; readonly streamClass: StreamClass; readonly body: JsonObject }
  | { readonly kind: "state"; readonly message: StateMessage }
  | { readonly kind: "hello"; readonly message: HelloMessage }
  | { readonly kind: "reported"; readonly message: ReportedMessage }
  /** Not to be understood; `reason` is one of our own words. */
  | { readonly kind: "refused"; readonly reason: string };

/** Class of the stream a leaf carries, for streams the NOC sees for the first time. */
export const classOfLeaf: Readonly<Partial<Record<UplinkLeaf, StreamClass>>> = { tm: "T", bf: "T", ev: "E", chk: "C", inv: "I", sla: "S" };

/** Reads one message. Never throws for what a gateway sent. */
export function understand(delivery: Delivery, decoder: ChunkDecoder, maxBytes: number): Understood {
  if (delivery.payload.byteLength > maxBytes) return { kind: "refused", reason: "too-large" };
  try {
    return read(delivery, decoder);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { kind: "refused", reason: error.code };
  }
}

function read(delivery: Delivery, decoder: ChunkDecoder): Understood {
  switch (delivery.leaf) {
    case "state":
      return { kind: "state", message: parseState(delivery.payload) };
    case "hello": {
      const message = parseHello(delivery.payload);
      // The topic is what the broker has checked; a body that says otherwise is somebody else's.
      if (message.gw !== delivery.gateway || (message.tenant !== undefined && message.tenant !== delivery.tenant)) {
        return { kind: "refused", reason: "foreign-identity" };
      }
      return { kind: "hello", message };
    }
    case "rep":
      return { kind: "reported", message: parseReported(delivery.payload) };
    default:
      return readStream(delivery, decoder);
  }
}

function readStream(delivery: Delivery, decoder: ChunkDecoder): Understood {
  const streamClass = classOfLeaf[delivery.leaf];
  if (streamClass === undefined) return { kind: "refused", reason: "unknown-leaf" };
  const decoded = decoder.decode(delivery.payload);
  if (decoded.kind === "json") {
    if (streamClass === "T") return { kind: "refused", reason: "wrong-leaf" };
    return { kind: "json", stream: decoded.stream, seq: decoded.seq, streamClass, body: decoded.body };
  }
  if (streamClass !== "T") return { kind: "refused", reason: "wrong-leaf" };
  if (decoded.kind === "dict") return { kind: "dict", stream: decoded.stream, seq: decoded.seq, record: decoded.record };
  return { kind: "chunk", stream: decoded.chunk.stream, seq: decoded.chunk.seq, chunk: decoded.chunk };
}
