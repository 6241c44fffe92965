import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Acker } from "../../../cloud-bridge/noc/ingest/acker.ts";
import { defaultGrants } from "../../../cloud-bridge/noc/ingest/limits.ts";
import {
  beyondContiguous,
  contiguousTo,
  hasRange,
  hasSeq,
  highestSeq,
  holesOf,
  withRange,
} from "../../../cloud-bridge/noc/ingest/ranges.ts";
import type { SeqRanges } from "../../../cloud-bridge/noc/store/rows.ts";
import { parseAck } from "../../../cloud-bridge/protocol/messages/ack.ts";
import { HandClock } from "./ingest-kit.ts";

describe("acknowledgements", () => {
  let clock: HandClock;
  let sent: ReturnType<typeof parseAck>[];
  let connected: boolean;
  let acker: Acker;

  beforeEach(() => {
    clock = new HandClock();
    sent = [];
    connected = true;
    acker = new Acker(clock, defaultGrants, (_tenant, _gateway, payload) => {
      if (connected) sent.push(parseAck(payload));
      return connected;
    });
  });

  const news = (upTo: number, committed: number, more: { readonly hello?: boolean; readonly needed?: readonly number[] } = {}) =>
    acker.note({
      ...{ tenant: "acme", gateway: "gw-one", streams: new Map([["aaaaaaaaaaaa", { upTo, ranges: [] }]]), committed },
      ...{ hello: more.hello ?? false, neededRevisions: more.needed ?? [] },
    });

  /** One round of the loop that pays what is due. */
  const tick = async (ms: number) => {
    clock.wall += ms;
    const stop = new AbortController();
    const round = acker.run(stop.signal);
    stop.abort();
    await round.catch(() => undefined);
  };

  it("go out at once when none did lately, then at most every two seconds, with the newest word", async () => {
    news(1, 1);
    news(2, 1);
    news(3, 1);
    expect(sent.map((ack) => ack.streams[0]?.upTo)).toEqual([1]);
    await tick(1_000);
    expect(sent).toHaveLength(1);
    await tick(1_100);
    expect(sent.map((ack) => ack.streams[0]?.upTo)).toEqual([1, 3]);
    await tick(10_000);
    expect(sent).toHaveLength(2);
  });

  it("go out early when half of the granted window is committed", () => {
    news(1, 1);
    news(20, 19);
    news(32, 12);
    expect(sent.map((ack) => ack.streams[0]?.upTo)).toEqual([1]);
    news(33, 1);
    expect(sent.map((ack) => ack.streams[0]?.upTo)).toEqual([1, 33]);
  });

  it("answer a hello at once", () => {
    news(1, 1);
    news(1, 0, { hello: true });
    expect(sent).toHaveLength(2);
  });

  it("carry what is needed, once per time it is missed", () => {
    news(1, 1, { needed: [17] });
    news(40, 39);
    expect(sent.map((ack) => ack.neededDictionaries)).toEqual([[17], []]);
  });

  it("are kept while there is no connection", async () => {
    connected = false;
    news(5, 5);
    await tick(5_000);
    expect(sent).toEqual([]);
    connected = true;
    await tick(300);
    expect(sent.map((ack) => ack.streams[0]?.upTo)).toEqual([5]);
  });
});

describe("ranges of received seqs", () => {
  it("are the set of what was put in, for any order and overlap", () => {
    const piece = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 8 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        let ranges: SeqRanges = [];
        const truth = new Set<number>();
        for (const [from, length] of pieces) {
          ranges = withRange(ranges, from, from + length);
          for (let seq = from; seq <= from + length; seq++) truth.add(seq);
        }
        const all = Array.from({ length: 80 }, (_, index) => index + 1);
        expect(all.filter((seq) => hasSeq(ranges, seq))).toEqual(all.filter((seq) => truth.has(seq)));
        let contiguous = 0;
        while (truth.has(contiguous + 1)) contiguous += 1;
        expect(contiguousTo(ranges)).toBe(contiguous);
        expect(highestSeq(ranges)).toBe(Math.max(0, ...truth));
        expect(holesOf(ranges).flatMap(([from, to]) => all.filter((seq) => seq >= from && seq <= to))).toEqual(
          all.filter((seq) => !truth.has(seq) && seq < Math.max(0, ...truth)),
        );
        expect(hasRange(ranges, 1, contiguous)).toBe(true);
        // Ascending and never touching: what the ack's reader insists on.
        const beyond = beyondContiguous(ranges, 100);
        for (const [index, [from]] of beyond.entries()) expect(from).toBeGreaterThan((beyond[index - 1]?.[1] ?? contiguous) + 1);
      }),
    );
  });
});
