import { expect, it } from "vitest";
import type { StreamId } from "../../runtime/model/chunk.ts";
import { StreamCursor } from "../../runtime/northbound/stream-cursor.ts";

const stream = "0123456789ab" as StreamId;

function cursorAt(firstSeq: number, nextSeq: number): StreamCursor {
  return new StreamCursor({ stream, streamClass: "T", open: true, firstSeq, nextSeq, bytes: 0, samples: 0, oldestSealedAtMs: undefined });
}

/** Publishes and gets the PUBACK. */
function deliver(cursor: StreamCursor, seq: number, atMs: number): void {
  cursor.sent(seq, 10, atMs).confirmed = true;
}

it("forgets what is acknowledged, up to the seq and by range", () => {
  const cursor = cursorAt(1, 10);
  for (let seq = 1; seq <= 6; seq++) deliver(cursor, seq, seq);
  expect(cursor.acknowledge({ stream, upTo: 2, ranges: [[4, 5]] }, 100)).toBe("progress");
  expect([...cursor.unacked.keys()]).toEqual([3, 6]);
  expect(cursor.unackedBytes).toBe(20);
  expect(cursor.wants(5)).toBe(false);
});

it("does not go back when an older acknowledgement comes late", () => {
  const cursor = cursorAt(1, 10);
  for (let seq = 1; seq <= 6; seq++) deliver(cursor, seq, seq);
  cursor.acknowledge({ stream, upTo: 5, ranges: [] }, 100);
  expect(cursor.acknowledge({ stream, upTo: 2, ranges: [[4, 4]] }, 200)).toBe("stale");
  expect(cursor.acked).toBe(5);
  expect(cursor.wants(3)).toBe(false);
});

it("takes nothing of an acknowledgement that names a chunk not made yet", () => {
  const cursor = cursorAt(1, 4);
  for (let seq = 1; seq <= 3; seq++) deliver(cursor, seq, seq);
  expect(cursor.acknowledge({ stream, upTo: 2, ranges: [[4, 4]] }, 10)).toBe("impossible");
  expect(cursor.acknowledge({ stream, upTo: 4, ranges: [] }, 10)).toBe("impossible");
  expect(cursor.acked).toBe(0);
  expect(cursor.unacked.size).toBe(3);
});

it("calls a hole only what was published before something acknowledged, is confirmed and old enough", () => {
  const cursor = cursorAt(1, 10);
  // The newest goes first: it says nothing about what is sent after it.
  deliver(cursor, 9, 0);
  deliver(cursor, 1, 1_000);
  deliver(cursor, 2, 2_000);
  cursor.sent(3, 10, 2_500);
  deliver(cursor, 4, 3_000);
  cursor.acknowledge({ stream, upTo: 0, ranges: [[9, 9]] }, 3_500);
  expect(cursor.holes(100_000, 5_000)).toEqual([]);
  cursor.acknowledge(
    {
      stream,
      upTo: 0,
      ranges: [
        [4, 4],
        [9, 9],
      ],
    },
    4_000,
  );
  expect(cursor.nextHoleMs(5_000)).toBe(6_000);
  expect(cursor.holes(6_500, 5_000)).toEqual([1]);
  expect(cursor.holes(7_000, 5_000)).toEqual([1, 2]);
});

it("starts again behind what is acknowledged, but not with what is still under way", () => {
  const cursor = cursorAt(1, 10);
  deliver(cursor, 1, 0);
  deliver(cursor, 2, 0);
  cursor.sent(3, 10, 0);
  cursor.acknowledge({ stream, upTo: 1, ranges: [] }, 10);
  cursor.rewind(30_000);
  expect(cursor.nextRead).toBe(2);
  expect(cursor.wants(2)).toBe(true);
  expect(cursor.wants(3)).toBe(false);
});

it("owes patience from the first unacknowledged chunk on, and none when all is acknowledged", () => {
  const cursor = cursorAt(1, 10);
  expect(cursor.waitingSinceMs).toBeUndefined();
  deliver(cursor, 1, 100);
  deliver(cursor, 2, 200);
  expect(cursor.waitingSinceMs).toBe(100);
  cursor.acknowledge({ stream, upTo: 1, ranges: [] }, 300);
  expect(cursor.waitingSinceMs).toBe(300);
  cursor.acknowledge({ stream, upTo: 2, ranges: [] }, 400);
  expect(cursor.waitingSinceMs).toBeUndefined();
});

it("follows the buffer past what was evicted", () => {
  const cursor = cursorAt(1, 10);
  deliver(cursor, 1, 0);
  cursor.refresh({ stream, streamClass: "T", open: false, firstSeq: 5, nextSeq: 12, bytes: 0, samples: 0, oldestSealedAtMs: undefined });
  expect([cursor.acked, cursor.nextRead, cursor.endSeq, cursor.unacked.size, cursor.open]).toEqual([4, 5, 12, 0, false]);
});

it("takes the ranges of a NOC that has not been told yet what was evicted, and tells its word from ours", () => {
  const cursor = cursorAt(1, 20);
  for (let seq = 1; seq <= 12; seq++) deliver(cursor, seq, seq);
  cursor.acknowledge({ stream, upTo: 2, ranges: [] }, 100);
  cursor.refresh({ stream, streamClass: "T", open: true, firstSeq: 6, nextSeq: 20, bytes: 0, samples: 0, oldestSealedAtMs: undefined });
  const ranges = [
    [4, 4],
    [5, 8],
    [10, 11],
  ] as const;
  expect(cursor.acknowledge({ stream, upTo: 2, ranges }, 200)).toBe("progress");
  expect([...cursor.unacked.keys()]).toEqual([9, 12]);
  expect(cursor.ranges).toEqual([
    [6, 8],
    [10, 11],
  ]);
  expect([cursor.acked, cursor.confirmedUpTo]).toEqual([5, 2]);
});
