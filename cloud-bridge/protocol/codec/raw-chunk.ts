import { isStreamId, type StreamId } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import type { RawChunk } from "#ports/codec.ts";
import type { CborItem } from "./cbor-reader.ts";
import { type chunkKey, limits, type RawBody, type RawGroup, type RawMiss, WireFloat, type WireInteger, type WireValue } from "./layout.ts";

function malformed(message: string): GatewayError {
  return new GatewayError("codec.malformed", { message });
}

function uint(item: unknown, what: string): number {
  if (typeof item !== "number" || !Number.isSafeInteger(item) || item < 0) throw malformed(`${what} is not an unsigned integer`);
  return item;
}

function int(item: unknown, what: string): number {
  if (typeof item !== "number" || !Number.isSafeInteger(item)) throw malformed(`${what} is not an integer`);
  return item;
}

function list(item: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(item)) throw malformed(`${what} is not an array`);
  return item;
}

export function streamOf(item: unknown): StreamId {
  if (typeof item !== "string" || !isStreamId(item)) throw malformed("the stream id is not 12 hexadecimal digits");
  return item;
}

/** A seq: 1 and up. */
export function seqOf(item: unknown): number {
  const seq = uint(item, "seq");
  if (seq < 1) throw malformed("seq begins at 1");
  return seq;
}

function wireValue(item: unknown): WireValue {
  if (item === null || typeof item === "number" || typeof item === "bigint" || typeof item === "boolean") return item;
  if (typeof item === "string" || item instanceof WireFloat) return item;
  throw malformed("an element of vals is of no known type");
}

function wireInteger(item: unknown): WireInteger {
  if (item === null || typeof item === "bigint") return item;
  if (typeof item === "number" && Number.isSafeInteger(item)) return item;
  // Only the JSON serialisation has integers as text.
  if (typeof item === "string" && /^-?[0-9]{1,20}$/.test(item)) return item;
  throw malformed("an absolute is not an integer");
}

function stateBytes(item: unknown): Uint8Array {
  if (item instanceof Uint8Array) return item;
  if (typeof item !== "string") throw malformed("state is not a byte string");
  try {
    return Uint8Array.fromBase64(item);
  } catch (cause) {
    throw new GatewayError("codec.malformed", { message: "state is not base64", cause });
  }
}

/** Checks the structure of one group; its series are only known with the dictionary. */
export function parseGroup(item: CborItem | unknown): RawGroup {
  const [gid, dts, state, vals, base, rebase] = list(item, "a group");
  const rows = list(dts, "dts").map((dt) => int(dt, "dts"));
  if (rows.length < 1 || rows.length > limits.rows)
    throw new GatewayError("codec.limit", { message: "too many or no rows", fields: { rows: rows.length } });
  return {
    gid: uint(gid, "gid"),
    dts: rows,
    state: stateBytes(state),
    vals: list(vals, "vals").map(wireValue),
    base: base === undefined || base === null ? undefined : list(base, "base").map(wireInteger),
    rebase: rebase === undefined || rebase === null ? [] : list(rebase, "rebase").map(parseRebase),
  };
}

function parseRebase(item: unknown): readonly [number, number, WireInteger] {
  const [series, row, absolute] = list(item, "a rebase");
  return [uint(series, "series"), uint(row, "row"), wireInteger(absolute)];
}

function parseMiss(item: unknown): RawMiss {
  // The fourth element is ours; a sender without it means the chunk's base time.
  const [gid, row, reason, dt = 0] = list(item, "a miss");
  return [uint(gid, "gid"), uint(row, "row"), uint(reason, "reason"), int(dt, "dt")];
}

/** What a chunk map says, by key: the same for CBOR and JSON. */
export function parseChunk(get: (key: keyof typeof chunkKey) => unknown): RawChunk {
  if (get("v") !== 1) throw malformed("not version 1 of the chunk");
  const groups = list(get("groups"), "groups").map(parseGroup);
  const misses = get("misses");
  const rowCount = uint(get("rows"), "n");
  if (rowCount < 1 || rowCount > limits.rows) throw new GatewayError("codec.limit", { message: "rows out of range", fields: { rowCount } });
  const body: RawBody = { groups, misses: misses === undefined || misses === null ? [] : list(misses, "miss").map(parseMiss) };
  return {
    stream: streamOf(get("stream")),
    seq: seqOf(get("seq")),
    dictionaryRevision: uint(get("dictionary"), "dict"),
    flags: uint(get("flags"), "flags"),
    intervalMs: uint(get("interval"), "iv"),
    rowCount,
    t0: int(get("t0"), "t0"),
    bootId: bootOf(get("clock")),
    groupIds: [...new Set(groups.map((group) => group.gid))],
    body,
  };
}

function bootOf(clock: unknown): string | undefined {
  if (clock === undefined || clock === null) return undefined;
  const boot: unknown = clock instanceof Map ? clock.get(2) : typeof clock === "object" && "boot" in clock ? clock.boot : undefined;
  if (boot === undefined) return undefined;
  if (typeof boot !== "string" || boot.length > 64) throw malformed("the boot id is not a short text");
  return boot;
}
