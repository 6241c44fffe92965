import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { continued, maxRemovedGroups } from "../../../cloud-bridge/noc/ingest/dictionary-groups.ts";
import { viewLedger } from "../../../cloud-bridge/noc/registry/ledger.ts";
import { IngestKit } from "./ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const start = 1_799_990_000_000;
const at = (poll: number) => ({ wallMs: start + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 });
const shape = switchShape("sw-1", 2, 60_000);
const minute = 60_000;

describe("a dictionary that does not come", () => {
  let kit: IngestKit;
  let gateway: SmallGateway;

  beforeEach(async () => {
    kit = new IngestKit({ dictionaryAlarmAsks: 2, dictionarySlowAskMs: 10 * minute, dictionaryMaxAsks: 4 });
    gateway = new SmallGateway("gw-one");
    await kit.online();
  });
  afterEach(() => kit.close());

  const polls = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => gateway.poll(switchReport(shape, at(from + index), from + index, 20))).flat();
  const ledger = async () => viewLedger(kit.store.read, await kit.gateway());
  const alarms = async () =>
    (await kit.store.read.alarmDesk.alarms({ key: "noc:chunks-undecodable", state: "active", limit: 10 })).map((row) => row.severity);
  /** Lets `minutes` pass, looking each minute. @returns how often the dictionary was asked for */
  async function pass(minutes: number): Promise<number> {
    let asked = 0;
    for (let passed = 0; passed < minutes; passed++) {
      kit.clock.wall += minute;
      const { news } = await kit.settle();
      asked += news.filter((one) => one.neededRevisions.length > 0).length;
    }
    return asked;
  }
  /** Polls whose dictionary is lost on the way; what comes next in the stream can be read. */
  async function loseDictionary() {
    const [dictionary, ...chunks] = polls(0, 3);
    await kit.receive("tm", ...chunks.map((chunk) => chunk.bytes));
    await pass(1);
    return { dictionary };
  }

  it("is asked for again and again, seldom after a while, and then said to people", async () => {
    await loseDictionary();
    expect((await ledger()).waiting.parked).toBe(3);
    expect(await alarms()).toEqual([]);
    expect(await pass(2)).toBe(2);
    expect(await alarms()).toEqual([]);
    expect(await pass(1)).toBe(1);
    expect(await alarms()).toEqual(["minor"]);
    expect(await pass(9)).toBe(0);
    expect(await pass(1)).toBe(1);
  });

  it("is not asked for while the gateway is offline, and nothing is given up", async () => {
    await loseDictionary();
    await kit.receive("state", new TextEncoder().encode('{"v":1,"on":false,"conn":1,"boot":"b0070001","why":"will"}'));
    expect(await pass(120)).toBe(0);
    expect(await ledger()).toMatchObject({ waiting: { parked: 3 }, deadLetters: 0 });
  });

  it("makes dead letters of its chunks in the end, with a reason, an alarm and a line in the ledger", async () => {
    await loseDictionary();
    await pass(60);
    expect(await ledger()).toMatchObject({ waiting: { parked: 0, pending: 0 }, deadLetters: 3, delivered: 0 });
    const { ref } = await kit.gateway();
    expect((await kit.store.read.deadLetters(ref, 10)).map((letter) => letter.reason)).toEqual(Array(3).fill("dictionary-missing"));
    expect(await alarms()).toEqual(["major"]);
    kit.clock.wall += 90_000_000;
    await pass(1);
    expect(await alarms()).toEqual([]);
  });

  it("never holds up what comes behind, and makes it whole when it is there after all", async () => {
    const { dictionary } = await loseDictionary();
    const full = gateway.seal(gateway.encoder.fullDictionary());
    await kit.receive("tm", full.bytes);
    await kit.settle(true);
    await kit.receive("tm", ...polls(3, 5).map((chunk) => chunk.bytes), dictionary?.bytes ?? new Uint8Array());
    await kit.settle(true);
    expect(await ledger()).toMatchObject({ delivered: 5 * 10, waiting: { pending: 0, parked: 0 }, deadLetters: 0 });
  });
});

describe("groups that the gateway removed", () => {
  const group = (groupId: number) => ({ groupId, equipment: "sw-1", table: "t", intervalMs: minute, series: [] });
  const earlier = { groups: new Map([1, 2, 3].map((id) => [id, id * 10] as const)), removed: new Set<number>() };

  it("stay readable after a delta, and after a full dictionary that no longer names them", () => {
    const delta = continued(earlier, { full: false, removed: [2], groups: [group(4)] });
    expect([...delta.groups.keys()]).toEqual([1, 2, 3]);
    expect([...delta.removed]).toEqual([2]);
    const full = continued(delta, { full: true, removed: [], groups: [group(3)] });
    expect([...full.groups.keys()]).toEqual([1, 2, 3]);
    expect([...full.removed]).toEqual([2, 1]);
  });

  it("go, the oldest first, once there are too many", () => {
    const groups = new Map(Array.from({ length: maxRemovedGroups + 10 }, (_, id) => [id, id] as const));
    const { groups: left, removed } = continued({ groups, removed: new Set() }, { full: true, removed: [], groups: [] });
    expect([left.size, removed.size]).toEqual([maxRemovedGroups, maxRemovedGroups]);
    expect(left.has(9)).toBe(false);
    expect(left.has(10)).toBe(true);
  });
});
