import type { WireHead } from "./layout.ts";
import { type RawGroup, type RawMiss, WireFloat, type WireInteger, type WireValue } from "./layout.ts";

/**
 * The JSON serialisation of a chunk, for debugging and interoperation: the same map with names. What JSON cannot say is text: integers
 * beyond 2^53 in decimal, floats of integral value, -0 and non-finite ones as `f` and the number.
 */
export function chunkJson(head: WireHead, groups: readonly RawGroup[], misses: readonly RawMiss[]): string {
  return JSON.stringify({
    v: 1,
    s: head.stream,
    q: head.seq,
    d: head.dictionaryRevision,
    f: head.flags,
    t: head.t0,
    i: head.intervalMs,
    n: head.rows,
    g: groups.map(groupJson),
    ...(head.bootId === undefined ? {} : { clk: { boot: head.bootId } }),
    ...(misses.length === 0 ? {} : { miss: misses }),
  });
}

function groupJson(group: RawGroup): unknown[] {
  const json: unknown[] = [group.gid, group.dts, group.state.toBase64(), group.vals.map(valueJson)];
  if (group.base !== undefined || group.rebase.length > 0) json.push(group.base === undefined ? null : group.base.map(integerJson));
  if (group.rebase.length > 0) json.push(group.rebase.map(([series, row, absolute]) => [series, row, integerJson(absolute)]));
  return json;
}

function valueJson(value: WireValue): unknown {
  if (value instanceof WireFloat) return floatText(value.value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) return floatText(value);
  return value;
}

function floatText(value: number): string {
  return `f${Object.is(value, -0) ? "-0" : value}`;
}

function integerJson(value: WireInteger): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
