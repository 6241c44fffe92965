/** Inclusive ranges of sequence numbers, ascending, disjoint and never adjacent. */
export type Ranges = readonly (readonly [number, number])[];

export function hasSeq(ranges: Ranges, seq: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range === undefined) return false;
    if (seq < range[0]) high = middle - 1;
    else if (seq > range[1]) low = middle + 1;
    else return true;
  }
  return false;
}

/** Union with one more range. */
export function withRange(ranges: Ranges, from: number, to: number): Ranges {
  const result: (readonly [number, number])[] = [];
  let low = from;
  let high = to;
  let placed = false;
  for (const range of ranges) {
    if (range[1] < low - 1) result.push(range);
    else if (range[0] > high + 1) {
      if (!placed) result.push([low, high]);
      placed = true;
      result.push(range);
    } else {
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
    }
  }
  if (!placed) result.push([low, high]);
  return result;
}

/** What is left above `upTo`. */
export function above(ranges: Ranges, upTo: number): Ranges {
  const last = ranges.at(-1);
  if (last === undefined || last[1] <= upTo) return [];
  return ranges.filter((range) => range[1] > upTo).map((range) => (range[0] > upTo ? range : ([upTo + 1, range[1]] as const)));
}
