import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Frame, salvagedFlag } from "#model/chunk.ts";
import { viewLastValues } from "../../../cloud-bridge/noc/registry/last-values.ts";
import { viewLedger } from "../../../cloud-bridge/noc/registry/ledger.ts";
import { IngestKit } from "./ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const start = 1_799_992_800_000;
const shape = switchShape("sw-1", 2, 60_000);
const at = (poll: number) => ({ wallMs: start + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 });

function framesOf(gateway: SmallGateway, poll: number, of = shape): readonly Frame[] {
  return gateway.encoder.encodeReport(switchReport(of, at(poll), poll, 20 + poll));
}

describe("chunks out of their turn", () => {
  let kit: IngestKit;
  let gateway: SmallGateway;

  beforeEach(async () => {
    kit = new IngestKit();
    gateway = new SmallGateway("gw-one");
    await kit.online();
  });
  afterEach(() => kit.close());

  const last = async (search: string) => {
    const { ref } = await kit.gateway();
    return (await viewLastValues(kit.store.read, { gatewayRef: ref, search, limit: 10 })).map((view) => view.value);
  };
  const sealed = (poll: number, of = shape) => framesOf(gateway, poll, of).map((frame) => gateway.seal(frame));
  const hourly = async (search: string) => {
    const { ref } = await kit.gateway();
    const [series] = await kit.store.read.series({ gatewayRef: ref, search, limit: 1 });
    const place = series?.places.at(-1);
    if (place === undefined) throw new Error(`no series ${search}`);
    const [row] = await kit.store.read.rollups(3_600_000, place.groupRef, 0, Number.MAX_SAFE_INTEGER);
    return [...(row?.numbers ?? [])].slice(place.column * 7, place.column * 7 + 5);
  };

  it("show their values at once when they come on the live topic ahead of their history", async () => {
    const chunks = Array.from({ length: 30 }, (_, poll) => sealed(poll)).flat();
    await kit.receive("tm", ...chunks.slice(0, 4).map((chunk) => chunk.bytes));
    expect(await last("temperature")).toEqual([22, 22]);
    await kit.receive("tm", ...chunks.slice(-1).map((chunk) => chunk.bytes));
    expect(await last("temperature")).toEqual([49, 49]);
    expect(await last("ifHCInOctets")).toEqual([1_000, 2_000]);
  });

  it("take their turn behind the history, and are in the rollups once", async () => {
    const chunks = Array.from({ length: 12 }, (_, poll) => sealed(poll)).flat();
    const [newest] = chunks.slice(-1);
    await kit.receive("tm", ...chunks.slice(0, 3).map((chunk) => chunk.bytes));
    await kit.receive("tm", newest?.bytes ?? new Uint8Array());
    await kit.receive("bf", ...chunks.slice(3, -1).map((chunk) => chunk.bytes));
    expect(await last("temperature")).toEqual([31, 31]);
    // Eleven increments of 60,000 in 660 s; the first poll has none.
    expect((await hourly("ifHCInOctets")).toSpliced(1, 2)).toEqual([11, 660_000, 660]);
    const ledger = await viewLedger(kit.store.read, await kit.gateway());
    expect(ledger).toMatchObject({ missing: 0, waiting: { pending: 0, parked: 0 } });
  });

  it("are not added twice when a damaged journal sends their rows again under another number", async () => {
    const frames = [0, 1, 2, 3].flatMap((poll) => framesOf(gateway, poll));
    await kit.receive("tm", ...frames.map((frame) => gateway.seal(frame).bytes));
    const before = await hourly("ifHCInOctets");
    gateway.splitStream("bbbbbbbbbbbb");
    const again = frames
      .slice(-2)
      .map((frame) => (frame.slot === undefined ? frame : { ...frame, slot: { ...frame.slot, flags: frame.slot.flags | salvagedFlag } }));
    await kit.receive("bf", ...again.map((frame) => gateway.seal(frame).bytes));
    expect((await viewLedger(kit.store.read, await kit.gateway())).chunks).toBe(7);
    expect(await hourly("ifHCInOctets")).toEqual(before);
  });

  it("are decoded exactly after a restart although the key frame was cut into several chunks", async () => {
    const other = switchShape("sw-2", 2, 60_000);
    // Both tables of a slot in a chunk of their own, both flagged; the values stand still afterwards.
    const polled = [0, 1, 2].flatMap((poll) =>
      [shape, other].flatMap((of) => gateway.encoder.encodeReport(switchReport(of, at(poll), poll)).map((frame) => gateway.seal(frame))),
    );
    await kit.receive("tm", ...polled.slice(0, -2).map((chunk) => chunk.bytes));
    await kit.restart();
    await kit.receive("tm", ...polled.slice(-2).map((chunk) => chunk.bytes));
    const { ref } = await kit.gateway();
    const rows = await kit.store.read.allChunks(ref, { streamRef: -1, seq: 0 }, 100);
    expect(rows.map((row) => row.state)).toEqual(rows.map(() => "applied"));
  });
});
