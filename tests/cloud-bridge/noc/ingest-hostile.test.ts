import { randomBytes } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { viewLedger } from "../../../cloud-bridge/noc/registry/ledger.ts";
import { formatHello } from "../../../cloud-bridge/protocol/messages/presence.ts";
import type { UplinkLeaf } from "../../../runtime/ports/uplink.ts";
import { IngestKit } from "./ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const start = 1_799_999_000_000;
const leaves: readonly UplinkLeaf[] = ["state", "hello", "tm", "bf", "ev", "sla", "inv", "chk", "rep"];
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

function poll(gateway: SmallGateway, number: number, rows = 2) {
  return gateway.poll(
    switchReport(switchShape("sw-1", rows, 60_000), { wallMs: start + number * 60_000, monotonicMs: 1_000_000 + number * 60_000 }, number),
  );
}

describe("a hostile or broken gateway", () => {
  let kit: IngestKit;

  beforeEach(() => {
    kit = new IngestKit({ maxStreams: 8, maxGateways: 4, maxRanges: 16, maxSeries: 1_000, maxEquipment: 5, maxAlarms: 5 });
  });
  afterEach(() => kit.close());

  it("cannot hurt with garbage on any leaf, and every piece is counted", async () => {
    const garbage = [
      new Uint8Array(0),
      randomBytes(500),
      text({}),
      text([1, 2, 3]),
      text("x".repeat(1_000)),
      text({ v: 1, s: "zzzzzzzzzzzz", q: -1 }),
      text({ v: 1, s: "abcabcabcabc", q: 1e300, g: [[]] }),
      text({ v: 1, s: "abcabcabcabc", q: 5, rev: "no", groups: {} }),
      zstdCompressSync(Buffer.alloc(64 << 20)),
      zstdCompressSync(text({ v: 1, s: "abcabcabcabc", q: 9 }).slice(0, 12)),
      Uint8Array.from([0xbf, 0xff]),
      Uint8Array.from({ length: 5_000 }, () => 0x9f),
      new TextEncoder().encode("[".repeat(50_000)),
    ];
    let sent = 0;
    for (const leaf of leaves) {
      await kit.receive(leaf, ...garbage);
      sent += garbage.length;
    }
    const gateway = await kit.gateway();
    expect(gateway.refusedMessages).toBeGreaterThan(sent * 0.9);
    expect(await kit.store.read.gateways()).toHaveLength(1);
    expect((await kit.store.read.streams(gateway.ref)).length).toBeLessThanOrEqual(8);
  });

  it("cannot speak for another gateway", async () => {
    const hello = { v: 1, agent: "1", boot: "b1", conn: 1, proto: { min: 1, max: 1 }, caps: [], streams: {} } as const;
    await kit.receive("hello", formatHello({ ...hello, gw: "gw-two" }));
    await kit.receive("hello", formatHello({ ...hello, gw: "gw-one", tenant: "other" }));
    expect(await kit.gateway()).toMatchObject({ hello: undefined, refusedMessages: 2 });
    expect(await kit.store.read.gateway("acme", "gw-two")).toBeUndefined();
  });

  it("is acknowledged for a chunk that cannot be read, so that it does not come for ever", async () => {
    const gateway = new SmallGateway("gw-one");
    const chunks = [0, 1, 2].flatMap((number) => poll(gateway, number));
    const [dictionary, first, broken, last] = chunks;
    if (dictionary === undefined || first === undefined || broken === undefined || last === undefined) throw new Error("four chunks");
    const { zstdDecompressSync } = await import("node:zlib");
    const plain = Buffer.from(zstdDecompressSync(broken.bytes));
    // The head stays readable, the groups do not.
    plain.fill(0xff, 40);
    const { news } = await kit.receive("tm", dictionary.bytes, first.bytes, zstdCompressSync(plain), last.bytes);
    expect(news[0]?.streams.get("aaaaaaaaaaaa")).toEqual({ upTo: 4, ranges: [] });
    const row = await kit.gateway();
    expect(await viewLedger(kit.store.read, row)).toMatchObject({ deadLetters: 1, missing: 0 });
    expect(await kit.store.read.deadLetters(row.ref, 10)).toMatchObject([{ streamId: "aaaaaaaaaaaa", seq: broken.seq, leaf: "tm" }]);
  });

  it("is acknowledged for a chunk that does not fit its dictionary, which becomes a dead letter", async () => {
    const one = new SmallGateway("gw-one");
    const other = new SmallGateway("gw-one");
    const [dictionary, ...chunks] = poll(one, 0, 2);
    const [, wider] = poll(other, 0, 5);
    if (dictionary === undefined || wider === undefined) throw new Error("chunks");
    const { news } = await kit.receive("tm", dictionary.bytes, wider.bytes);
    expect(chunks).toHaveLength(1);
    expect(news[0]?.streams.get("aaaaaaaaaaaa")?.upTo).toBe(2);
    expect(await viewLedger(kit.store.read, await kit.gateway())).toMatchObject({ deadLetters: 1, delivered: 0 });
  });

  it("cannot open streams, gateways, equipment, series or holes without end", async () => {
    for (let index = 0; index < 20; index++) {
      await kit.receiveFrom(
        `gw-${index + 100}`,
        "tm",
        text({ v: 1, s: `abcabcabca${10 + index}`, q: 1, rev: 1, base: 0, full: true, groups: [], removed: [] }),
      );
      await kit.receive("ev", text({ v: 1, s: `abcabcabca${10 + index}`, q: 1, e: [] }));
      await kit.receive("ev", text({ v: 1, s: "abcabcabca10", q: 2 + index * 2, e: [] }));
      await kit.receive("inv", text({ v: 1, s: "abcabcabcaff", q: index + 1, mode: "full", add: [{ id: `eq-${index}` }] }));
      const alarm = { k: "alarm", id: `01${index}`, key: `a1:${index}`, rev: 1, sev: "major", clr: false, t0: start, tc: start };
      await kit.receive("ev", text({ v: 1, s: "abcabcabca10", q: 1_000 + index, e: [alarm] }));
    }
    expect(await kit.store.read.gateways()).toHaveLength(4);
    const row = (await kit.store.read.gateways()).find((one) => one.id === "gw-one");
    if (row === undefined) throw new Error("gw-one is known");
    const streams = await kit.store.read.streams(row.ref);
    expect(streams).toHaveLength(8);
    expect(Math.max(...streams.map((stream) => stream.received.length))).toBeLessThanOrEqual(16);
    expect((await kit.store.read.equipment(row.ref)).length).toBeLessThanOrEqual(5);
    expect(await kit.store.read.alarms(row.ref, true, 100)).toHaveLength(5);
  });

  it("cannot register more series than the limit; what is beyond is set aside and not asked for again and again", async () => {
    const gateway = new SmallGateway("gw-one");
    const { news } = await kit.receive("tm", ...poll(gateway, 0, 300).map((chunk) => chunk.bytes));
    const row = await kit.gateway();
    expect((await kit.store.read.series({ gatewayRef: row.ref, limit: 5_000 })).length).toBeLessThanOrEqual(1_000);
    expect(news[0]?.neededRevisions).toEqual([]);
    expect(await viewLedger(kit.store.read, row)).toMatchObject({ deadLetters: 3, missing: 0, waiting: { pending: 0, parked: 0 } });
  });

  it("keeps at most a thousand dead letters", async () => {
    for (let round = 0; round < 11; round++) await kit.receive("tm", ...Array.from({ length: 100 }, () => randomBytes(20)));
    const row = await kit.gateway();
    expect(await kit.store.read.deadLetters(row.ref, 2_000)).toHaveLength(1_000);
    expect(row.refusedMessages).toBe(1_100);
  });
});
