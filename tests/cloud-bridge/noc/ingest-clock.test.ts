import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { viewLastValues } from "../../../cloud-bridge/noc/registry/last-values.ts";
import { viewLedger } from "../../../cloud-bridge/noc/registry/ledger.ts";
import { IngestKit } from "./ingest-kit.ts";
import { equipmentId, instant, SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const shape = switchShape("sw-1", 2, 60_000);
const bootId = "deadbeef";
/** The truth: when that boot's monotonic clock stood at zero. */
const bootedAtMs = 1_799_990_000_000;
/** What the gateway believes meanwhile. */
const wrongMs = 1_600_000_000_000;

function unanchoredPolls(gateway: SmallGateway, count: number) {
  return Array.from({ length: count }, (_, poll) => {
    const monotonicMs = 30_000 + poll * 60_000;
    return gateway.poll(switchReport(shape, { wallMs: wrongMs + monotonicMs, monotonicMs, bootId, quality: "unanchored" }, poll));
  }).flat();
}

function anchor(monotonicMs: number) {
  const observedAt = instant({ wallMs: bootedAtMs + monotonicMs, monotonicMs, bootId });
  return {
    kind: "anchor" as const,
    observedAt,
    anchor: { bootId, monotonicMs: observedAt.monotonicMs, wallMs: observedAt.wallMs, source: "ntp" as const, errorMs: 20 },
  };
}

describe("chunks of a boot whose clock was not set", () => {
  let kit: IngestKit;
  let gateway: SmallGateway;

  beforeEach(async () => {
    kit = new IngestKit();
    gateway = new SmallGateway("gw-one");
    await kit.online();
  });
  afterEach(() => kit.close());

  async function times(): Promise<readonly (number | null)[]> {
    const { ref } = await kit.gateway();
    return (await viewLastValues(kit.store.read, { gatewayRef: ref, search: "temperature", limit: 10 })).map((view) => view.atMs);
  }

  it("are stored and acknowledged, but get no date", async () => {
    const chunks = unanchoredPolls(gateway, 3);
    const { news } = await kit.receive("tm", ...chunks.map((chunk) => chunk.bytes));
    expect(news[0]?.streams.get("aaaaaaaaaaaa")?.upTo).toBe(4);
    expect(await times()).toEqual([]);
    expect(await viewLedger(kit.store.read, await kit.gateway())).toMatchObject({
      delivered: 3 * 10,
      waiting: { parked: 3, unanchored: 3 },
    });
  });

  it("are dated exactly when an anchor of their boot comes, and counted once", async () => {
    await kit.receive("tm", ...unanchoredPolls(gateway, 3).map((chunk) => chunk.bytes));
    await kit.receive("ev", gateway.tell(anchor(400_000)).bytes);
    await kit.settle(true);
    expect(await times()).toEqual([bootedAtMs + 150_000, bootedAtMs + 150_000]);
    expect(await viewLedger(kit.store.read, await kit.gateway())).toMatchObject({ delivered: 3 * 10, waiting: { pending: 0, parked: 0 } });
  });

  it("are dated at once when the anchor came before them, also after a restart", async () => {
    await kit.receive("ev", gateway.tell(anchor(10_000)).bytes);
    await kit.restart();
    await kit.receive("tm", ...unanchoredPolls(gateway, 2).map((chunk) => chunk.bytes));
    expect(await times()).toEqual([bootedAtMs + 90_000, bootedAtMs + 90_000]);
  });

  it("do not hold up the chunks that follow with a set clock", async () => {
    const before = unanchoredPolls(gateway, 2);
    const after = gateway.poll(switchReport(shape, { wallMs: bootedAtMs + 200_000, monotonicMs: 200_000, bootId }, 3));
    await kit.receive("tm", ...[...before, ...after].map((chunk) => chunk.bytes));
    expect(await times()).toEqual([bootedAtMs + 200_000, bootedAtMs + 200_000]);
  });

  it("are not dated by the anchor of another boot", async () => {
    await kit.receive("tm", ...unanchoredPolls(gateway, 2).map((chunk) => chunk.bytes));
    const foreign = anchor(400_000);
    await kit.receive("ev", gateway.tell({ ...foreign, anchor: { ...foreign.anchor, bootId: "01234567" } }).bytes);
    await kit.settle(true);
    expect(await times()).toEqual([]);
  });

  it("let their events wait for a date as well", async () => {
    const observedAt = instant({ wallMs: wrongMs, monotonicMs: 50_000, bootId, quality: "unanchored" });
    const event = { kind: "event", type: "coldStart", equipment: equipmentId("sw-1"), source: "trap", severity: "warning" } as const;
    await kit.receive("ev", gateway.tell({ ...event, text: "started", observedAt, attributes: {} }).bytes);
    const { ref } = await kit.gateway();
    expect(await kit.store.read.events(ref, { limit: 10 })).toMatchObject([{ kind: "coldStart", undated: { bootId } }]);
    await kit.receive("ev", gateway.tell(anchor(90_000)).bytes);
    expect(await kit.store.read.events(ref, { limit: 10 })).toMatchObject([
      { kind: "coldStart", atMs: bootedAtMs + 50_000, undated: undefined },
    ]);
  });
});
