import type { SeqRanges } from "../store/rows.ts";

/** Whether `seq` lies in one of the ranges. */
export function hasSeq(ranges: SeqRanges, seq: number): boolean {
  for (let index = ranges.length - 1; index >= 0; index--) {
    const range = ranges[index];
    if (range === undefined || seq > range[1]) return false;
    if (seq >= range[0]) return true;
  }
  return false;
}

/** Whether every seq from `from` to `to` is there; true for an empty range. */
export function hasRange(ranges: SeqRanges, from: number, to: number): boolean {
  if (to < from) return true;
  return ranges.some((range) => range[0] <= from && to <= range[1]);
}

/** The union with [from, to]: ascending, and neighbours joined. */
export function withRange(ranges: SeqRanges, from: number, to: number): SeqRanges {
  const last = ranges.at(-1);
  // The usual case, the next seq of a healthy stream, without walking the rest.
  if (last !== undefined && last[1] + 1 === from) return [...ranges.slice(0, -1), [last[0], to]];
  let low = from;
  let high = to;
  const before: (readonly [number, number])[] = [];
  const after: (readonly [number, number])[] = [];
  for (const range of ranges) {
    if (range[1] + 1 < from) before.push(range);
    else if (range[0] > to + 1) after.push(range);
    else {
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
    }
  }
  return [...before, [low, high], ...after];
}

/** Highest seq below which nothing is missing: the cumulative part of an acknowledgement. */
export function contiguousTo(ranges: SeqRanges): number {
  const first = ranges[0];
  return first !== undefined && first[0] === 1 ? first[1] : 0;
}

/** The ranges beyond `contiguousTo`, at most `limit`, lowest first: the `x` of an acknowledgement. */
export function beyondContiguous(ranges: SeqRanges, limit: number): SeqRanges {
  const rest = ranges[0]?.[0] === 1 ? ranges.slice(1) : ranges;
  return rest.slice(0, limit);
}

/** What is missing between the first and the last known seq, and before the first. */
export function holesOf(ranges: SeqRanges): SeqRanges {
  const holes: (readonly [number, number])[] = [];
  let next = 1;
  for (const [from, to] of ranges) {
    if (from > next) holes.push([next, from - 1]);
    next = to + 1;
  }
  return holes;
}

export function highestSeq(ranges: SeqRanges): number {
  return ranges.at(-1)?.[1] ?? 0;
}
