import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import { createNoc, type Noc } from "../../cloud-bridge/noc/noc.ts";
import type { GatewayLedger } from "../../cloud-bridge/noc/registry/ledger.ts";
import { SqliteStore } from "../../cloud-bridge/noc/store/sqlite/sqlite-store.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { SmallGateway, switchReport, switchShape } from "../cloud-bridge/noc/small-gateway.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { hasProgram, Mosquitto, Publisher, until } from "./noc-peers.ts";

const token = "0123456789abcdef".repeat(4);
const shape = switchShape("sw-1", 4, 60_000);

/** A NOC's end inside this process, over a real broker. */
async function startNoc(dir: string, brokerUrl: string) {
  const stop = new AbortController();
  const noc: Noc = createNoc({
    brokerUrl,
    tenants: ["acme"],
    listen: { host: "127.0.0.1", port: 0 },
    token,
    store: new SqliteStore(dir),
    clock: new SystemClock(() => true),
    entropy: systemEntropy,
    logger: silentLogger,
    pages: async () => ({ html: "", script: "", style: "" }),
    version: "test",
  });
  const running = noc.run(stop.signal);
  const client = new NocClient({ url: await noc.url, token });
  await until("the NOC is at the broker", () => noc.status().brokerConnected);
  return {
    noc,
    client,
    ledger: (gateway: string) => client.get<GatewayLedger>(`/api/gateways/${gateway}/ledger`, {}, stop.signal),
    stop: async () => {
      stop.abort(new Error("test over"));
      await running;
    },
  };
}

function polls(gateway: SmallGateway, from: number, to: number) {
  const start = Date.now() - 3_600_000;
  return Array.from({ length: to - from }, (_, index) => from + index).flatMap((poll) =>
    gateway.poll(switchReport(shape, { wallMs: start + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 }, poll)),
  );
}

describe.skipIf(!hasProgram("mosquitto"))("the NOC's end behind mosquitto (needs the program mosquitto)", () => {
  let broker: Mosquitto;
  let dir: string;
  let noc: Awaited<ReturnType<typeof startNoc>>;
  let publisher: Publisher;

  beforeAll(async () => {
    broker = await Mosquitto.start();
  });
  afterAll(() => broker.stop());

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "noc-it-"));
    noc = await startNoc(dir, broker.url);
    publisher = await Publisher.connect(broker.url, "gw-one");
  });

  afterEach(async () => {
    await publisher.end();
    await noc.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it("acknowledges what it committed", async () => {
    const chunks = polls(new SmallGateway("gw-one"), 0, 5);
    await publisher.send(chunks);
    await until("all is acknowledged", () => publisher.acked("aaaaaaaaaaaa")?.upTo === chunks.length);
    expect(await noc.ledger("gw-one")).toMatchObject({ chunks: 6, delivered: 5 * 20, duplicates: 0, missing: 0 });
  });
});
