import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { viewLedger } from "../../../cloud-bridge/noc/registry/ledger.ts";
import { formatHello } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { IngestKit } from "./ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const shape = switchShape("sw-1", 2, 60_000);
const at = (poll: number) => ({ wallMs: 1_799_990_000_000 + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 });

function greeting(stream: string, conn: number): Uint8Array {
  const fixed = {
    v: 1,
    gw: "gw-one",
    agent: "1.0.0",
    boot: "boot-a",
    proto: { min: 1, max: 1 },
    caps: [],
    gen: 1,
    auth: { keys: 1 },
  } as const;
  return formatHello({ ...fixed, conn, run: "run-one-abcd", nonce: `nonce-of-session-${conn}-000`, streams: { T: stream } });
}

describe("a number of a stream that comes again", () => {
  let kit: IngestKit;
  let bytes: readonly Uint8Array[];

  beforeEach(async () => {
    kit = new IngestKit();
    const gateway = new SmallGateway("gw-one");
    bytes = [0, 1].flatMap((poll) => gateway.poll(switchReport(shape, at(poll), poll))).map((chunk) => chunk.bytes);
    await kit.receive("tm", ...bytes);
  });
  afterEach(() => kit.close());

  const alarms = async () =>
    (await kit.store.read.alarmDesk.alarms({ key: "noc:sequence-reused", state: "active", limit: 10 })).map((row) => row.text);
  const deadLetters = async () => {
    const { ref } = await kit.gateway();
    return (await kit.store.read.deadLetters(ref, 10)).map(({ reason, seq }) => ({ reason, seq }));
  };

  it("with the same bytes is a duplicate, and no more is said", async () => {
    await kit.receive("bf", ...bytes);
    expect(await alarms()).toEqual([]);
    expect(await deadLetters()).toEqual([]);
    expect(await viewLedger(kit.store.read, await kit.gateway())).toMatchObject({ duplicates: bytes.length, deadLetters: 0 });
  });

  it("with other bytes is set aside, counted and told, and what was delivered stays", async () => {
    // The same stream numbered from 1 again, as after a buffer that was put back: other dictionary, other values.
    const again = new SmallGateway("gw-one", {}, 2);
    const other = [5, 6].flatMap((poll) => again.poll(switchReport(shape, at(poll), poll, 30))).map((chunk) => chunk.bytes);
    const before = await viewLedger(kit.store.read, await kit.gateway());
    await kit.receive("tm", ...other);
    expect(await alarms()).toEqual([expect.stringContaining("sent other bytes as chunk 1 of stream aaaaaaaaaaaa")]);
    expect(await deadLetters()).toEqual(expect.arrayContaining(other.map((_, index) => ({ reason: "sequence-reused", seq: index + 1 }))));
    const after = await viewLedger(kit.store.read, await kit.gateway());
    expect(after).toMatchObject({ delivered: before.delivered, deadLetters: other.length });
  });

  it("stays an alarm until the gateway has begun another stream", async () => {
    await kit.receive("hello", greeting("aaaaaaaaaaaa", 1));
    await kit.receive("tm", new SmallGateway("gw-one", {}, 3).poll(switchReport(shape, at(9), 9))[0]?.bytes ?? new Uint8Array());
    await kit.receive("hello", greeting("aaaaaaaaaaaa", 2));
    expect(await alarms()).toHaveLength(1);
    await kit.receive("hello", greeting("bbbbbbbbbbbb", 3));
    expect(await alarms()).toEqual([]);
  });
});
