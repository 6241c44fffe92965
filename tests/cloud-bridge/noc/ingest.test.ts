import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { viewLastValues } from "../../../cloud-bridge/noc/registry/last-values.ts";
import { viewLedger } from "../../../cloud-bridge/noc/registry/ledger.ts";
import { IngestKit } from "./ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const start = 1_799_999_000_000;
const shape = switchShape("sw-1", 3, 60_000);

/** Chunks of `polls` polls, a minute apart. */
function polls(gateway: SmallGateway, count: number, temperature: (poll: number) => number = () => 21.5) {
  return Array.from({ length: count }, (_, poll) =>
    gateway.poll(switchReport(shape, { wallMs: start + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 }, poll, temperature(poll))),
  ).flat();
}

async function values(kit: IngestKit, search: string) {
  const { ref } = await kit.gateway();
  return (await viewLastValues(kit.store.read, { gatewayRef: ref, search, limit: 100 })).map((view) => view.value);
}

describe("ingest", () => {
  let kit: IngestKit;
  let gateway: SmallGateway;

  beforeEach(() => {
    kit = new IngestKit();
    gateway = new SmallGateway("gw-one");
  });

  afterEach(() => kit.close());

  it("shows the newest values, counters as rates per second", async () => {
    await kit.receive("tm", ...polls(gateway, 3).map((chunk) => chunk.bytes));
    expect(await values(kit, "ifHCInOctets")).toEqual([1_000, 2_000, 3_000]);
    expect(await values(kit, "temperature")).toEqual([21.5, 21.5, 21.5]);
    expect(await values(kit, "alias port2")).toEqual(["customer 1"]);
  });

  it("acknowledges up to the last seq before a hole, and the ranges beyond it", async () => {
    const chunks = polls(gateway, 6);
    const sent = chunks.filter((chunk) => chunk.seq !== 4 && chunk.seq !== 6);
    const { news } = await kit.receive("tm", ...sent.map((chunk) => chunk.bytes));
    expect(news[0]?.streams.get("aaaaaaaaaaaa")).toEqual({
      upTo: 3,
      ranges: [
        [5, 5],
        [7, 7],
      ],
    });
  });

  it("counts a chunk once however often it comes", async () => {
    const bytes = polls(gateway, 4).map((chunk) => chunk.bytes);
    await kit.receive("tm", ...bytes);
    const again = await kit.receive("bf", ...bytes);
    expect(again).toMatchObject({ chunks: 0, duplicates: 5 });
    const ledger = await viewLedger(kit.store.read, await kit.gateway());
    expect(ledger).toMatchObject({ delivered: 4 * 15, chunks: 5, duplicates: 5, missing: 0 });
  });

  it("decodes chunks that came in any order as if they had come in order", async () => {
    const chunks = polls(gateway, 5, (poll) => 20 + poll);
    const shuffled = [4, 0, 2, 5, 1, 3].map((index) => chunks[index]).flatMap((chunk) => (chunk === undefined ? [] : [chunk.bytes]));
    for (const bytes of shuffled) await kit.receive("tm", bytes);
    const ledger = await viewLedger(kit.store.read, await kit.gateway());
    expect(ledger).toMatchObject({ delivered: 5 * 15, missing: 0, waiting: { pending: 0, parked: 0 } });
    expect(await values(kit, "temperature")).toEqual([24, 24, 24]);
  });

  it("keeps decoding exactly after a restart", async () => {
    const bytes = polls(gateway, 6).map((chunk) => chunk.bytes);
    await kit.receive("tm", ...bytes.slice(0, 4));
    await kit.restart();
    await kit.receive("tm", ...bytes.slice(4));
    expect(await values(kit, "temperature")).toEqual([21.5, 21.5, 21.5]);
    const { ref } = await kit.gateway();
    const [stream] = await kit.store.read.streams(ref);
    const chunks = await kit.store.read.allChunks(ref, { streamRef: -1, seq: 0 }, 100);
    expect(stream?.samples).toBe(6 * 15);
    expect(chunks.map((chunk) => chunk.state)).toEqual(Array.from({ length: 7 }, () => "applied"));
  });

  it("stores chunks of an unknown dictionary, asks for it, and applies them when it comes", async () => {
    const [dictionary, ...chunks] = polls(gateway, 3);
    await kit.online();
    const first = await kit.receive("tm", ...chunks.map((chunk) => chunk.bytes));
    kit.clock.wall += 30_000;
    const later = await kit.settle();
    expect([...(first.news[0]?.neededRevisions ?? []), ...(later.news[0]?.neededRevisions ?? [])]).toEqual([
      gateway.encoder.dictionaryRevision,
    ]);
    expect((await viewLedger(kit.store.read, await kit.gateway())).waiting.parked).toBe(3);
    await kit.receive("tm", dictionary?.bytes ?? new Uint8Array());
    expect(await values(kit, "ifHCInOctets")).toEqual([1_000, 2_000, 3_000]);
    expect((await viewLedger(kit.store.read, await kit.gateway())).waiting).toEqual({ pending: 0, parked: 0, unanchored: 0 });
  });
});
