import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UplinkLeaf } from "#ports/uplink.ts";
import { viewLastValues } from "../../../cloud-bridge/noc/registry/last-values.ts";
import { viewLedger } from "../../../cloud-bridge/noc/registry/ledger.ts";
import { IngestKit } from "./ingest-kit.ts";
import { instant, SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const bootId = "feedf00d";
const bootedAtMs = 1_799_990_000_000;
const narrow = switchShape("sw-1", 2, 60_000);
const wide = switchShape("sw-1", 3, 60_000, 2);

interface Message {
  readonly leaf: UplinkLeaf;
  readonly bytes: Uint8Array;
}

/**
 * Two boots' worth: four polls before the clock was set, its anchor, four after, a change of the table's rows, a lane split, and three more
 * in the new stream.
 */
function story(): readonly Message[] {
  const gateway = new SmallGateway("gw-one");
  const messages: Message[] = [];
  const poll = (number: number, shape = narrow) => {
    const monotonicMs = 10_000 + number * 60_000;
    const set = number >= 4;
    const moment = {
      wallMs: (set ? bootedAtMs : 1_500_000_000_000) + monotonicMs,
      monotonicMs,
      bootId,
      quality: set ? "synced" : "unanchored",
    } as const;
    const chunks = gateway.poll(switchReport(shape, moment, number, number % 3 === 0 ? 30 : 20));
    messages.push(...chunks.map((chunk) => ({ leaf: "tm" as const, bytes: chunk.bytes })));
  };
  for (const number of [0, 1, 2, 3]) poll(number);
  const observedAt = instant({ wallMs: bootedAtMs + 240_000, monotonicMs: 240_000, bootId });
  const anchor = { bootId, monotonicMs: observedAt.monotonicMs, wallMs: observedAt.wallMs, source: "ntp" as const, errorMs: 10 };
  messages.push({ leaf: "ev", bytes: gateway.tell({ kind: "anchor", observedAt, anchor }).bytes });
  for (const number of [4, 5, 6]) poll(number);
  for (const number of [7, 8]) poll(number, wide);
  gateway.splitStream("bbbbbbbbbbbb");
  for (const number of [9, 10, 11]) poll(number, wide);
  return messages;
}

/** All that people see, and the rollups below it. */
async function outcome(kit: IngestKit): Promise<unknown> {
  while ((await kit.settle(true)).more);
  const row = await kit.gateway();
  const ledger = await viewLedger(kit.store.read, row);
  const values = await viewLastValues(kit.store.read, { gatewayRef: row.ref, limit: 100 });
  const series = await kit.store.read.series({ gatewayRef: row.ref, limit: 100 });
  const groups = [...new Set(series.flatMap((one) => one.places.map((place) => place.groupRef)))];
  const rollups = await Promise.all(groups.map((ref) => kit.store.read.rollups(300_000, ref, 0, Number.MAX_SAFE_INTEGER)));
  const numbers = rollups.flat().map((bucket) => `${bucket.bucketMs}: ${[...bucket.numbers].join(" ")}`);
  return {
    ledger: {
      delivered: ledger.delivered,
      chunks: ledger.chunks,
      missing: ledger.missing,
      waiting: ledger.waiting,
      deadLetters: ledger.deadLetters,
    },
    values: values.map(({ equipment, metric, rowKey, value, atMs }) => `${equipment} ${metric} ${rowKey} ${value} ${atMs}`),
    rollups: numbers.toSorted(),
  };
}

describe("chunks in any order, any number of times, in any batches, with restarts between", () => {
  it("come to what they come to in order, once", async () => {
    const messages = story();
    const reference = new IngestKit();
    for (const { leaf, bytes } of messages) await reference.receive(leaf, bytes);
    const expected = await outcome(reference);
    await reference.close();
    expect(expected).toMatchObject({ ledger: { missing: 0, deadLetters: 0, waiting: { pending: 0, parked: 0 } } });
    const indexes = messages.map((_, index) => index);
    const arrivals = fc
      .tuple(fc.shuffledSubarray(indexes, { minLength: indexes.length }), fc.array(fc.nat(indexes.length - 1), { maxLength: 6 }))
      .chain(([all, again]) =>
        fc.tuple(fc.constant([...all, ...again]), fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 30, maxLength: 30 }), fc.nat(4)),
      );
    await fc.assert(
      fc.asyncProperty(arrivals, async ([order, sizes, restartEvery]) => {
        const kit = new IngestKit();
        try {
          let at = 0;
          for (const [batch, size] of sizes.entries()) {
            for (const index of order.slice(at, at + size)) {
              const message = messages[index];
              if (message !== undefined) await kit.receive(message.leaf, message.bytes);
            }
            at += size;
            if (restartEvery > 0 && batch % restartEvery === restartEvery - 1) await kit.restart();
          }
          for (const index of order.slice(at)) {
            const message = messages[index];
            if (message !== undefined) await kit.receive(message.leaf, message.bytes);
          }
          expect(await outcome(kit)).toEqual(expected);
        } finally {
          await kit.close();
        }
      }),
      { numRuns: Number(process.env["NOC_ORDER_RUNS"] ?? 12) },
    );
  }, 120_000);
});
