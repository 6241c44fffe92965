import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Plot, PlotReader } from "../../../cloud-bridge/noc/registry/points.ts";
import { IngestKit } from "./ingest-kit.ts";
import { instant, SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const start = 1_799_992_800_000;
const shape = switchShape("sw-1", 2, 60_000);
const at = (poll: number) => ({ wallMs: start + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 });

describe("plots", () => {
  let kit: IngestKit;
  let gateway: SmallGateway;

  beforeEach(() => {
    kit = new IngestKit();
    gateway = new SmallGateway("gw-one");
  });
  afterEach(() => kit.close());

  async function send(from: number, to: number, temperature: (poll: number) => number = () => 20): Promise<void> {
    for (let poll = from; poll < to; poll++) {
      await kit.receive("tm", ...gateway.poll(switchReport(shape, at(poll), poll, temperature(poll))).map((chunk) => chunk.bytes));
    }
  }

  async function plot(search: string, fromPoll: number, toPoll: number, maxPoints = 2_000): Promise<Plot> {
    const { ref } = await kit.gateway();
    const series = await kit.store.read.series({ gatewayRef: ref, search, limit: 1 });
    const reader = new PlotReader(kit.store.read, kit.decoder, kit.clock);
    const query = { gatewayRef: ref, series, fromMs: at(fromPoll).wallMs, toMs: at(toPoll).wallMs, maxPoints };
    return reader.read(query, new AbortController().signal);
  }

  const values = (answer: Plot) => answer.series[0]?.points.avg;

  it("give counters as rates per second, from the second poll on", async () => {
    await send(0, 4);
    const answer = await plot("ifHCInOctets", 0, 10);
    expect(answer).toMatchObject({ source: "chunks", series: [{ unit: "By/s" }] });
    expect(values(answer)).toEqual([1_000, 1_000, 1_000]);
  });

  it("divide an increment by the time it really took", async () => {
    await send(0, 2);
    const late = switchReport(shape, at(3), 3);
    await kit.receive("tm", ...gateway.poll(late).map((chunk) => chunk.bytes));
    // 60,000 octets in 120 s; the missing poll between is a gap.
    expect(values(await plot("ifHCInOctets", 0, 10))).toEqual([1_000, null, 500]);
  });

  it("leave a gap open where polls are missing, never zero and never bridged", async () => {
    await send(0, 5);
    await send(9, 12);
    const answer = await plot("temperature", 0, 20);
    expect(values(answer)).toEqual([20, 20, 20, 20, 20, null, 20, 20, 20]);
  });

  it("say when polls failed and why", async () => {
    await send(0, 3);
    for (const poll of [3, 4, 5]) {
      const failed = {
        kind: "report",
        equipment: shape.equipment,
        observedAt: instant(at(poll)),
        plannedAtMs: at(poll).monotonicMs,
        tables: [],
        gaps: [{ reason: "auth" }],
      } as const;
      await kit.receive("tm", ...gateway.poll(failed).map((chunk) => chunk.bytes));
    }
    await send(6, 8);
    const answer = await plot("temperature", 0, 20);
    expect(values(answer)).toEqual([20, 20, 20, null, 20, 20]);
    expect(answer.series[0]?.misses).toEqual([{ fromMs: at(3).wallMs, toMs: at(5).wallMs, reason: "auth", count: 3 }]);
  });

  it("know an unchanged value from the key frame before the range", async () => {
    await send(0, 40, () => 33);
    expect(values(await plot("temperature", 35, 39))).toEqual([33, 33, 33, 33, 33]);
  });

  it("show unchanged values of the five-minute means as present", async () => {
    await send(0, 60, () => 33);
    const answer = await plot("temperature", 0, 1_440, 400);
    expect(answer).toMatchObject({ source: "5min", resolutionMs: 300_000 });
    expect(values(answer)).toEqual(Array.from({ length: 12 }, () => 33));
  });

  it("keep least and greatest of what a mean hides", async () => {
    await send(0, 10, (poll) => (poll === 7 ? 90 : 20));
    const points = (await plot("temperature", 0, 1_440, 400)).series[0]?.points;
    expect(points).toMatchObject({ min: [20, 20], max: [20, 90], avg: [20, 34] });
  });

  it("do not average states: a bucket shows the last", async () => {
    for (let poll = 0; poll < 10; poll++) {
      const report = switchReport(shape, at(poll), poll, 20, poll === 7 ? 2 : 1);
      await kit.receive("tm", ...gateway.poll(report).map((chunk) => chunk.bytes));
    }
    const answer = await plot("ifOperStatus", 0, 1_440, 400);
    expect(answer.series[0]?.unit).toBe("enum:ifOperStatus");
    expect(answer.series[0]?.points).toMatchObject({ avg: [1, 1], max: [1, 2] });
  });

  it("weigh rates by time in the means", async () => {
    await send(0, 10);
    const points = (await plot("ifHCInOctets", 0, 1_440, 400)).series[0]?.points;
    expect(points?.avg).toEqual([1_000, 1_000]);
  });

  it("leave a gap open in the means as well", async () => {
    await send(0, 10);
    await send(40, 50);
    expect(values(await plot("temperature", 0, 1_440, 400))).toEqual([20, 20, null, 20, 20]);
  });

  it("never have more points than asked for", async () => {
    await send(0, 120);
    for (const maxPoints of [10, 50, 100]) {
      const points = (await plot("ifHCInOctets", 0, 44_640, maxPoints)).series[0]?.points;
      expect(points?.atMs.length).toBeLessThanOrEqual(maxPoints);
    }
  });

  it("do not count late data twice in the means", async () => {
    await send(0, 10, (poll) => 10 + poll);
    const before = (await plot("temperature", 0, 1_440, 400)).series[0]?.points;
    const again = new SmallGateway("gw-one");
    for (let poll = 0; poll < 10; poll++) {
      await kit.receive("bf", ...again.poll(switchReport(shape, at(poll), poll, 10 + poll)).map((chunk) => chunk.bytes));
    }
    expect((await plot("temperature", 0, 1_440, 400)).series[0]?.points).toEqual(before);
  });

  it("go over a change of the table's rows without a break", async () => {
    await send(0, 3);
    const wider = switchShape("sw-1", 5, 60_000, 2);
    for (const poll of [3, 4]) await kit.receive("tm", ...gateway.poll(switchReport(wider, at(poll), poll)).map((chunk) => chunk.bytes));
    expect(values(await plot("temperature port1", 0, 10))).toEqual([20, 20, 20, 21.5, 21.5]);
  });
});

describe("housekeeping", () => {
  let kit: IngestKit;

  beforeEach(() => {
    kit = new IngestKit();
  });
  afterEach(() => kit.close());

  it("packs closed buckets without changing them, and late data still adds to them", async () => {
    const gateway = new SmallGateway("gw-one");
    const chunks = Array.from({ length: 10 }, (_, poll) => gateway.poll(switchReport(shape, at(poll), poll, 10 + poll))).flat();
    await kit.receive("tm", ...chunks.slice(0, 9).map((chunk) => chunk.bytes));
    const { ref } = await kit.gateway();
    const [series] = await kit.store.read.series({ gatewayRef: ref, search: "temperature", limit: 1 });
    const groupRef = series?.places[0]?.groupRef ?? 0;
    const rows = () => kit.store.read.rollups(300_000, groupRef, start, start + 86_400_000);
    const before = await rows();
    while (await kit.store.expire(start + 86_400_000));
    expect(await rows()).toEqual(before);
    await kit.receive("tm", ...chunks.slice(9).map((chunk) => chunk.bytes));
    const column = series?.places[0]?.column ?? 0;
    const counts = (await rows()).map((row) => row.numbers[column * 7]);
    expect(counts).toEqual([5, 5]);
  });

  it("deletes what is past its retention and nothing else", async () => {
    const gateway = new SmallGateway("gw-one");
    await kit.receive("tm", ...gateway.poll(switchReport(shape, at(0), 0)).map((chunk) => chunk.bytes));
    const { ref } = await kit.gateway();
    const count = async () => (await kit.store.read.allChunks(ref, { streamRef: -1, seq: 0 }, 100)).length;
    while (await kit.store.expire(kit.clock.wall + 13 * 86_400_000));
    expect(await count()).toBe(2);
    while (await kit.store.expire(kit.clock.wall + 15 * 86_400_000));
    expect(await count()).toBe(0);
    // What was received stays received: a chunk that comes again after a year is still a duplicate.
    const again = new SmallGateway("gw-one");
    const result = await kit.receive("bf", ...again.poll(switchReport(shape, at(0), 0)).map((chunk) => chunk.bytes));
    expect(result).toMatchObject({ chunks: 0, duplicates: 2 });
  });
});
