import type { DecodedChunk } from "#model/chunk.ts";
import type { AnchorRow } from "../store/rows.ts";

/** Time of the chunk's first row or miss as it stands in the chunk; 0 when it holds neither. */
export function firstAt(chunk: DecodedChunk): number {
  let first = Number.POSITIVE_INFINITY;
  for (const group of chunk.groups) for (const row of group.rows) first = Math.min(first, row.at);
  for (const miss of chunk.misses) first = Math.min(first, miss.at);
  return Number.isFinite(first) ? first : 0;
}

/**
 * What to add to monotonic times of a boot to get Unix ms, by the anchor nearest to `monotonicMs`; undefined = no anchor of that boot
 * is known, and no date is invented (RELIABILITY 4.3).
 */
export function anchorShift(anchors: readonly AnchorRow[], monotonicMs: number): number | undefined {
  let nearest: AnchorRow | undefined;
  for (const anchor of anchors) {
    if (nearest === undefined || Math.abs(anchor.monotonicMs - monotonicMs) < Math.abs(nearest.monotonicMs - monotonicMs)) nearest = anchor;
  }
  return nearest === undefined ? undefined : nearest.wallMs - nearest.monotonicMs;
}
