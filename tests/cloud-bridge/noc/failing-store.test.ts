import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GatewayError } from "#model/errors.ts";
import { Ingest } from "../../../cloud-bridge/noc/ingest/ingest.ts";
import { viewLastValues } from "../../../cloud-bridge/noc/registry/last-values.ts";
import { viewLedger } from "../../../cloud-bridge/noc/registry/ledger.ts";
import type { NocStore } from "../../../cloud-bridge/noc/store/store.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { until } from "../../integration/noc-peers.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { IngestKit } from "./ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const shape = switchShape("sw-1", 2, 60_000);
const start = 1_799_990_000_000;

describe("a store that fails", () => {
  let kit: IngestKit;
  let stop: AbortController;
  let running: Promise<unknown>;
  let ingest: Ingest;
  let failuresLeft: number;
  let acked: number[];
  let committed: number;

  beforeEach(() => {
    kit = new IngestKit();
    stop = new AbortController();
    failuresLeft = 0;
    acked = [];
    committed = 0;
    const store: NocStore = {
      read: kit.store.read,
      outgoing: kit.store.outgoing,
      expire: async () => false,
      stats: () => kit.store.stats(),
      close: async () => undefined,
      // Does all the work, and fails at the very end: as a COMMIT on a full disk does.
      transaction: (work) =>
        kit.store.transaction(async (tx) => {
          const outcome = await work(tx);
          if (failuresLeft > 0) {
            failuresLeft -= 1;
            throw new GatewayError("noc.store", { message: "disk full" });
          }
          return outcome;
        }),
    };
    const { writer, telemetry, limits } = kit;
    const clock = new SystemClock(() => true);
    ingest = new Ingest({
      ...{ store, writer, telemetry, limits, clock },
      entropy: systemEntropy,
      logger: silentLogger,
      onCommitted: () => (committed += 1),
    });
    running = ingest.run(stop.signal).catch((error: unknown) => error);
  });

  afterEach(async () => {
    stop.abort(new Error("test over"));
    await running;
    await kit.close();
  });

  function offer(from: number, to: number, gateway: SmallGateway): number {
    let count = 0;
    for (let poll = from; poll < to; poll++) {
      const moment = { wallMs: start + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 };
      for (const chunk of gateway.poll(switchReport(shape, moment, poll))) {
        count += 1;
        ingest.offer({
          tenant: "acme",
          gateway: "gw-one",
          leaf: "tm",
          payload: chunk.bytes,
          retained: false,
          puback: () => void acked.push(chunk.seq),
        });
      }
    }
    return count;
  }

  it("gets no PUBACK and no ack out, and leaves no trace in what comes after", async () => {
    const gateway = new SmallGateway("gw-one");
    const first = offer(0, 3, gateway);
    await until("the first are acknowledged", () => acked.length === first);
    const before = committed;
    failuresLeft = 3;
    const second = offer(3, 6, gateway);
    await until("the store failed", () => ingest.counters.failedCommits > 0);
    expect(acked).toHaveLength(first);
    expect(committed).toBe(before);
    await until("all is acknowledged", () => acked.length === first + second);
    const row = await kit.gateway();
    expect(await viewLedger(kit.store.read, row)).toMatchObject({ delivered: 60, duplicates: 0, missing: 0 });
    const values = await viewLastValues(kit.store.read, { gatewayRef: row.ref, search: "ifHCInOctets", limit: 10 });
    expect(values.map((value) => value.value)).toEqual([1_000, 2_000]);
    const [series] = await kit.store.read.series({ gatewayRef: row.ref, search: "ifHCInOctets port1", limit: 1 });
    const place = series?.places[0];
    const buckets = await kit.store.read.rollups(3_600_000, place?.groupRef ?? 0, 0, Number.MAX_SAFE_INTEGER);
    // Five increments of 60,000, none counted twice by the tries that failed.
    expect(buckets.reduce((sum, bucket) => sum + (bucket.numbers[(place?.column ?? 0) * 7 + 3] ?? 0), 0)).toBe(300_000);
  });

  it("is told apart from a bug, which ends ingest at once", async () => {
    kit.store.transaction = () => Promise.reject(new TypeError("a bug, for the test"));
    offer(0, 1, new SmallGateway("gw-one"));
    expect(await running).toBeInstanceOf(TypeError);
    expect(acked).toEqual([]);
  });

  it("has a bound on what waits for it: beyond twice the Receive Maximum the broker is not believed", () => {
    const gateway = new SmallGateway("gw-one");
    const payload = gateway.poll(switchReport(shape, { wallMs: start, monotonicMs: 1 }, 0))[0]?.bytes ?? new Uint8Array();
    const delivery = { tenant: "acme", gateway: "gw-one", leaf: "tm", payload, retained: false, puback: () => undefined } as const;
    const taken = Array.from({ length: 600 }, () => ingest.offer(delivery)).filter(Boolean).length;
    expect(taken).toBe(512);
  });
});
