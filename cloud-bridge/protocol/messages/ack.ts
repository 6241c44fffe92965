import { isStreamId, type StreamAck, type StreamId } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import { formatMessage, parseMessage } from "./json.ts";

/** What the NOC lets the gateway do. Absent = as granted before. */
export interface Grants {
  /** Chunks of live telemetry that may be unacknowledged by the NOC. */
  readonly liveWindow?: number;
  readonly backlogWindow?: number;
  /** Backfill chunks per second; null = unlimited, 0 = pause. */
  readonly backlogChunksPerSecond?: number | null;
}

/** A chunk the NOC cannot store. Said again at each delivery; the gateway gives it up after its own number of tries. */
export interface Rejection {
  readonly stream: StreamId;
  readonly seq: number;
  readonly code: string;
}

/** What an `ack` says, in the model's terms. */
export interface Acknowledgement {
  readonly streams: readonly StreamAck[];
  readonly grants: Grants;
  /** Dictionary revisions the NOC asks for. */
  readonly neededDictionaries: readonly number[];
  /** The NOC asks for a key-frame and a full dictionary. */
  readonly resync: boolean;
  readonly rejected: readonly Rejection[];
}

/** The wire's shape (schemas/ack.schema.json). */
interface AckMessage {
  readonly v: 1;
  readonly a: readonly { readonly s: string; readonly c: number; readonly x?: readonly (readonly number[])[] }[];
  readonly w?: number;
  readonly bw?: number;
  readonly br?: number | null;
  readonly need?: readonly string[];
  readonly rej?: readonly { readonly s: string; readonly q: number; readonly code?: string }[];
}

const neededDictionaryPattern = /^dict:([0-9]{1,16})$/;

function streamId(text: string): StreamId {
  if (!isStreamId(text)) throw new GatewayError("codec.malformed", { message: "not a stream id", fields: { length: text.length } });
  return text;
}

function rangesOf(upTo: number, pairs: readonly (readonly number[])[]): readonly (readonly [number, number])[] {
  let previous = upTo;
  return pairs.map((pair): readonly [number, number] => {
    const [from = 0, to = 0] = pair;
    // Ranges that overlap or run backwards would delete what was never committed.
    if (from <= previous || to < from) {
      throw new GatewayError("codec.malformed", { message: "ranges of an ack must ascend beyond its seq", fields: { from, to, previous } });
    }
    previous = to;
    return [from, to];
  });
}

/** Reads an `ack`. @throws GatewayError codec.malformed | codec.limit */
export function parseAck(bytes: Uint8Array): Acknowledgement {
  const message = parseMessage<AckMessage>("ack", bytes);
  const need = message.need ?? [];
  return {
    streams: message.a.map((entry) => ({ stream: streamId(entry.s), upTo: entry.c, ranges: rangesOf(entry.c, entry.x ?? []) })),
    grants: {
      ...(message.w === undefined ? {} : { liveWindow: message.w }),
      ...(message.bw === undefined ? {} : { backlogWindow: message.bw }),
      ...(message.br === undefined ? {} : { backlogChunksPerSecond: message.br }),
    },
    neededDictionaries: need.flatMap((text) => {
      const revision = neededDictionaryPattern.exec(text)?.[1];
      return revision === undefined || !Number.isSafeInteger(Number(revision)) ? [] : [Number(revision)];
    }),
    resync: need.includes("resync"),
    rejected: (message.rej ?? []).map((entry) => ({ stream: streamId(entry.s), seq: entry.q, code: entry.code ?? "refused" })),
  };
}

/** Writes an `ack`; anything left out means "none" or "as before". */
export function formatAck(ack: { readonly streams: readonly StreamAck[] } & Partial<Acknowledgement>): Uint8Array {
  const grants = ack.grants ?? {};
  const need = [...(ack.neededDictionaries ?? []).map((revision) => `dict:${revision}`), ...(ack.resync === true ? ["resync"] : [])];
  const rejected = (ack.rejected ?? []).map((entry) => ({ s: entry.stream, q: entry.seq, code: entry.code }));
  const message: AckMessage = {
    v: 1,
    a: ack.streams.map((entry) => ({
      s: entry.stream,
      c: entry.upTo,
      ...(entry.ranges.length === 0 ? {} : { x: entry.ranges.slice(0, 32) }),
    })),
    ...(grants.liveWindow === undefined ? {} : { w: grants.liveWindow }),
    ...(grants.backlogWindow === undefined ? {} : { bw: grants.backlogWindow }),
    ...(grants.backlogChunksPerSecond === undefined ? {} : { br: grants.backlogChunksPerSecond }),
    ...(need.length === 0 ? {} : { need: need.slice(0, 32) }),
    ...(rejected.length === 0 ? {} : { rej: rejected.slice(0, 32) }),
  };
  return formatMessage("ack", message);
}
