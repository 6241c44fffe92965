import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { viewLastValues } from "../../../cloud-bridge/noc/registry/last-values.ts";
import { viewLedger } from "../../../cloud-bridge/noc/registry/ledger.ts";
import { viewEquipment } from "../../../cloud-bridge/noc/registry/overview.ts";
import { formatHello, formatState } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { IngestKit } from "./ingest-kit.ts";
import { equipmentId, instant, SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const start = 1_799_990_000_000;
const shape = switchShape("sw-1", 2, 60_000);
const at = (poll: number) => ({ wallMs: start + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 });

function polls(gateway: SmallGateway, from: number, to: number, temperature: (poll: number) => number = () => 20) {
  return Array.from({ length: to - from }, (_, index) =>
    gateway.poll(switchReport(shape, at(from + index), from + index, temperature(from + index))),
  ).flat();
}

describe("streams", () => {
  let kit: IngestKit;
  let gateway: SmallGateway;

  beforeEach(async () => {
    kit = new IngestKit();
    gateway = new SmallGateway("gw-one");
    await kit.online();
  });
  afterEach(() => kit.close());

  const ledger = async () => viewLedger(kit.store.read, await kit.gateway());
  const temperatures = async () => {
    const { ref } = await kit.gateway();
    return (await viewLastValues(kit.store.read, { gatewayRef: ref, search: "temperature", limit: 10 })).map((view) => view.value);
  };

  it("passes over what a gap record gives up, and says how much that was", async () => {
    const chunks = polls(gateway, 0, 8);
    const lost = chunks.filter((chunk) => chunk.seq >= 4 && chunk.seq <= 6);
    await kit.receive("tm", ...chunks.filter((chunk) => !lost.includes(chunk)).map((chunk) => chunk.bytes));
    const observedAt = instant(at(9));
    const gap = {
      kind: "gap",
      observedAt,
      reason: "cap",
      stream: "aaaaaaaaaaaa",
      fromSeq: 4,
      toSeq: 6,
      samples: 30,
      fromMs: start,
      toMs: start + 1,
    } as const;
    const { news } = await kit.receive("ev", gateway.tell(gap).bytes);
    expect(news[0]?.streams.get("aaaaaaaaaaaa")).toEqual({ upTo: 9, ranges: [] });
    expect(await ledger()).toMatchObject({ missing: 0, gaps: { records: 1, samples: 30, uncountable: 0 } });
    expect((await ledger()).waiting.pending).toBe(0);
  });

  it("passes over what was given up of a stream that it had not heard of when it was told", async () => {
    const chunks = polls(gateway, 0, 8);
    const lost = {
      kind: "gap",
      reason: "cap",
      stream: "aaaaaaaaaaaa",
      fromSeq: 2,
      toSeq: 6,
      samples: 50,
      fromMs: start,
      toMs: start + 1,
    } as const;
    await kit.receive("ev", gateway.tell({ ...lost, observedAt: instant(at(9)) }).bytes);
    const left = chunks.filter((chunk) => chunk.seq === 1 || chunk.seq >= 7);
    const { news } = await kit.receive("bf", ...left.map((chunk) => chunk.bytes));
    expect(news[0]?.streams.get("aaaaaaaaaaaa")).toEqual({ upTo: 9, ranges: [] });
    expect(await ledger()).toMatchObject({ missing: 0, gaps: { records: 1, samples: 50 } });
  });

  it("shows what lies behind a hole after a while, and takes the late chunk when it comes", async () => {
    const chunks = polls(gateway, 0, 6, (poll) => 20 + poll);
    await kit.receive("tm", ...chunks.filter((chunk) => chunk.seq !== 3).map((chunk) => chunk.bytes));
    expect(await ledger()).toMatchObject({ missing: 1, waiting: { pending: 4 } });
    kit.clock.wall += 21_000;
    await kit.settle();
    expect(await temperatures()).toEqual([25, 25]);
    expect(await ledger()).toMatchObject({ missing: 1, waiting: { pending: 0 } });
    await kit.receive("tm", ...chunks.filter((chunk) => chunk.seq === 3).map((chunk) => chunk.bytes));
    expect(await ledger()).toMatchObject({ missing: 0, delivered: 6 * 10, waiting: { pending: 0 } });
    expect(await temperatures()).toEqual([25, 25]);
  });

  it("keeps two streams of one gateway apart while the old one is drained", async () => {
    const old = polls(gateway, 0, 4, (poll) => 10 + poll);
    gateway.splitStream("bbbbbbbbbbbb");
    const live = polls(gateway, 4, 6, (poll) => 10 + poll);
    await kit.receive("tm", ...live.map((chunk) => chunk.bytes));
    expect(await temperatures()).toEqual([15, 15]);
    await kit.receive("bf", ...old.map((chunk) => chunk.bytes));
    expect(await temperatures()).toEqual([15, 15]);
    expect(await ledger()).toMatchObject({ delivered: 6 * 10, missing: 0, duplicates: 0 });
  });

  it("uses a later dictionary of the same run for chunks whose own was given up", async () => {
    const [, ...chunks] = polls(gateway, 0, 3);
    const full = gateway.seal(gateway.encoder.fullDictionary());
    kit.clock.wall += 1;
    await kit.receive("tm", ...chunks.map((chunk) => chunk.bytes), full.bytes);
    kit.clock.wall += 21_000;
    await kit.settle();
    await kit.settle(true);
    expect(await ledger()).toMatchObject({ delivered: 3 * 10, waiting: { pending: 0, parked: 0 } });
  });

  it("remembers failed polls as such", async () => {
    await kit.receive("tm", ...polls(gateway, 0, 2).map((chunk) => chunk.bytes));
    const moment = at(2);
    const failed = {
      kind: "report",
      equipment: shape.equipment,
      observedAt: instant(moment),
      plannedAtMs: moment.monotonicMs,
      tables: [],
      gaps: [{ reason: "timeout" }],
    } as const;
    await kit.receive("tm", ...gateway.poll(failed).map((chunk) => chunk.bytes));
    const [equipment] = await viewEquipment(kit.store.read, await kit.gateway(), moment.wallMs + 30_000);
    const [later] = await viewEquipment(kit.store.read, await kit.gateway(), moment.wallMs + 600_000);
    expect(later?.status).toBe("stale");
    expect(equipment).toMatchObject({
      id: "sw-1",
      status: "silent",
      missReason: "timeout",
      lastMissMs: moment.wallMs,
      lastPollMs: at(1).wallMs,
    });
  });

  it("names the streams of a hello in the next ack, received or not", async () => {
    const hello = { v: 1, gw: "gw-one", agent: "1", boot: "b1", conn: 2, proto: { min: 1, max: 1 }, caps: [] } as const;
    await kit.receive("tm", ...polls(gateway, 0, 2).map((chunk) => chunk.bytes));
    const { news } = await kit.receive(
      "hello",
      formatHello({ ...hello, streams: { T: "aaaaaaaaaaaa", E: "eeeeeeeeeeee", B: ["cccccccccccc"] } }),
    );
    expect(news[0]).toMatchObject({ hello: true });
    expect(news[0]?.streams.get("aaaaaaaaaaaa")).toEqual({ upTo: 3, ranges: [] });
  });
});

describe("presence", () => {
  let kit: IngestKit;

  beforeEach(() => {
    kit = new IngestKit();
  });
  afterEach(() => kit.close());

  const state = (on: boolean, conn: number, why: string) => kit.receive("state", formatState({ v: 1, on, conn, why }));

  it("ignores the will of a connection that was already replaced", async () => {
    await state(true, 7, "connect");
    await state(true, 8, "connect");
    await state(false, 7, "will");
    expect((await kit.gateway()).online).toBe(true);
    await state(false, 8, "will");
    expect(await kit.gateway()).toMatchObject({ online: false, presenceWhy: "will" });
  });

  it("believes a greeting with a lower number: the gateway lost its state", async () => {
    await state(false, 900, "will");
    await state(true, 1, "connect");
    expect((await kit.gateway()).online).toBe(true);
    await state(false, 1, "shutdown");
    expect(await kit.gateway()).toMatchObject({ online: false, presenceWhy: "shutdown" });
  });

  it("keeps the time of the last change, not of the last message", async () => {
    await state(true, 1, "connect");
    const since = kit.clock.wall;
    kit.clock.wall += 60_000;
    await state(true, 1, "connect");
    expect((await kit.gateway()).presenceSinceMs).toBe(since);
  });
});

describe("alarms", () => {
  let kit: IngestKit;
  let gateway: SmallGateway;

  beforeEach(() => {
    kit = new IngestKit();
    gateway = new SmallGateway("gw-one");
  });
  afterEach(() => kit.close());

  function alarm(rev: number, change: { readonly cleared?: boolean; readonly severity?: "major" | "minor"; readonly id?: string }) {
    const observedAt = instant(at(rev));
    const severity = change.severity ?? "major";
    const cleared = change.cleared ?? false;
    return gateway.tell({
      ...{
        kind: "alarm",
        op: cleared ? "clear" : "raise",
        id: change.id ?? "01A",
        key: "a1:one",
        rev,
        equipment: equipmentId("sw-1"),
        path: "interface/1",
      },
      ...{
        type: "linkDown",
        qualifier: "",
        severity,
        cleared,
        text: "down",
        observedAt,
        raisedAt: observedAt,
        changes: rev,
        attributes: {},
      },
    }).bytes;
  }

  const active = async () => kit.store.read.alarms((await kit.gateway()).ref, false, 10);

  it("keep the greatest revision, in whatever order changes arrive", async () => {
    const [first, second, third] = [alarm(1, {}), alarm(2, { severity: "minor" }), alarm(3, { cleared: true })];
    await kit.receive("ev", first, third, second);
    expect(await active()).toEqual([]);
    expect(await kit.store.read.alarms((await kit.gateway()).ref, true, 10)).toMatchObject([{ revision: 3, cleared: true }]);
  });

  it("begin again with a new instance", async () => {
    await kit.receive("ev", alarm(1, {}), alarm(2, { cleared: true }), alarm(1, { id: "01B" }));
    expect(await active()).toMatchObject([{ instance: "01B", revision: 1, cleared: false }]);
  });

  it("are told once although their batch came twice", async () => {
    const bytes = alarm(1, {});
    await kit.receive("ev", bytes);
    await kit.receive("ev", bytes);
    expect(await kit.store.read.events((await kit.gateway()).ref, { limit: 10 })).toHaveLength(1);
  });
});
