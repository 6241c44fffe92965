import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Chunk } from "#model/chunk.ts";
import { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import { createNoc, type Noc } from "../../cloud-bridge/noc/noc.ts";
import type { GatewayLedger } from "../../cloud-bridge/noc/registry/ledger.ts";
import { SqliteStore } from "../../cloud-bridge/noc/store/sqlite/sqlite-store.ts";
import { formatHello } from "../../cloud-bridge/protocol/messages/presence.ts";
import { runDemoBroker } from "../../runtime/demo/broker.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { SmallGateway, switchReport, switchShape } from "../cloud-bridge/noc/small-gateway.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { freePort, hasProgram, Mosquitto, Publisher, until } from "./noc-peers.ts";

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

  const allAcked = (chunks: readonly { readonly seq: number }[], stream = "aaaaaaaaaaaa") =>
    until("all is acknowledged", () => publisher.acked(stream)?.upTo === chunks.length);

  it("acknowledges what it committed", async () => {
    const chunks = polls(new SmallGateway("gw-one"), 0, 5);
    await publisher.send(chunks);
    await allAcked(chunks);
    expect(await noc.ledger("gw-one")).toMatchObject({ chunks: 6, delivered: 5 * 20, duplicates: 0, missing: 0 });
  });

  it("grants windows, and acknowledges early when half of one is committed", async () => {
    const chunks = polls(new SmallGateway("gw-one"), 0, 400);
    const startedMs = performance.now();
    await publisher.send(chunks);
    await allAcked(chunks);
    expect(publisher.acks[0]?.grants).toEqual({ liveWindow: 64, backlogWindow: 64, backlogChunksPerSecond: null });
    // One ack in two seconds would be all that the spacing allows.
    expect(publisher.acks.length).toBeGreaterThan(2 + (performance.now() - startedMs) / 2_000);
  });

  it("says where a hole is, and heals when it is filled", async () => {
    const chunks = polls(new SmallGateway("gw-one"), 0, 9);
    const isHole = (seq: number) => seq === 4 || seq === 7;
    await publisher.send(chunks.filter((chunk) => !isHole(chunk.seq)));
    await until("the ranges beyond the hole", () => publisher.acked("aaaaaaaaaaaa")?.ranges.length === 2);
    expect(publisher.acked("aaaaaaaaaaaa")).toMatchObject({
      upTo: 3,
      ranges: [
        [5, 6],
        [8, 10],
      ],
    });
    await publisher.send(
      chunks.filter((chunk) => isHole(chunk.seq)),
      "bf",
    );
    await allAcked(chunks);
    expect(await noc.ledger("gw-one")).toMatchObject({ missing: 0, chunks: 10, delivered: 9 * 20 });
  });

  it("answers a hello with where the gateway's streams stand", async () => {
    const chunks = polls(new SmallGateway("gw-one"), 0, 3);
    await publisher.send(chunks);
    await allAcked(chunks);
    publisher.acks.length = 0;
    const streams = { T: "aaaaaaaaaaaa" };
    await publisher.publish(
      "hello",
      formatHello({ v: 1, gw: "gw-one", agent: "1", boot: "b1", conn: 2, proto: { min: 1, max: 1 }, caps: [], streams }),
    );
    await until("an answer to the hello", () => publisher.acked("aaaaaaaaaaaa")?.upTo === chunks.length);
  });

  it("goes on where it stopped after a restart", async () => {
    const gateway = new SmallGateway("gw-one");
    const before = polls(gateway, 0, 4);
    await publisher.send(before);
    await allAcked(before);
    await noc.stop();
    noc = await startNoc(dir, broker.url);
    const after = polls(gateway, 4, 8);
    await publisher.send(after);
    await allAcked([...before, ...after]);
    expect(await noc.ledger("gw-one")).toMatchObject({ chunks: 9, delivered: 8 * 20, missing: 0, waiting: { pending: 0 } });
  });

  it("acknowledges nothing while its database is held by another, and loses nothing", async () => {
    const chunks = polls(new SmallGateway("gw-one"), 0, 30);
    const other = new Sqlite(join(dir, "noc.db"));
    other.exec("BEGIN IMMEDIATE");
    await publisher.send(chunks);
    await until("a commit was tried in vain", () => noc.noc.status().ingest.failedCommits > 1);
    expect(publisher.acks).toEqual([]);
    expect(noc.noc.status().ingest.messages).toBe(0);
    other.exec("ROLLBACK");
    other.close();
    await allAcked(chunks);
    expect(await noc.ledger("gw-one")).toMatchObject({ chunks: 31, delivered: 30 * 20, duplicates: 0, missing: 0 });
  });

  it("comes back by itself when the broker was killed", async () => {
    const gateway = new SmallGateway("gw-one");
    await publisher.send(polls(gateway, 0, 2));
    await broker.kill();
    await until("the NOC notices", () => !noc.noc.status().brokerConnected);
    await broker.start();
    await until("the NOC is back", () => noc.noc.status().brokerConnected);
    publisher = await Publisher.connect(broker.url, "gw-one");
    const more = polls(gateway, 2, 4);
    await publisher.send(more);
    await until("the new ones are acknowledged", () => (publisher.acked("aaaaaaaaaaaa")?.upTo ?? 0) >= 5);
  });
});

/** Sends what is not acknowledged, again and again like a gateway, until the NOC's process is dead; gives the signal it died of. */
async function oneLife(noc: ChildProcess, publisher: Publisher, chunks: readonly Chunk[]): Promise<string | null> {
  const isDead = () => noc.exitCode !== null || noc.signalCode !== null;
  try {
    await until("this life ends", async () => {
      const from = publisher.acked("aaaaaaaaaaaa")?.upTo ?? 0;
      for (const chunk of chunks.slice(from, from + 12)) if (!isDead()) await publisher.send([chunk]);
      return isDead();
    });
    return noc.signalCode;
  } finally {
    noc.kill("SIGKILL");
  }
}

describe.skipIf(!hasProgram("mosquitto"))("a NOC's end that is killed between commit and PUBACK (needs the program mosquitto)", () => {
  it("has every chunk exactly once after the gateway sent again what was not acknowledged", async () => {
    const broker = await Mosquitto.start();
    const dir = mkdtempSync(join(tmpdir(), "noc-kill-"));
    const child = (commits: number) =>
      spawn(process.execPath, [join(import.meta.dirname, "noc-child.ts"), broker.url, dir, String(commits)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
    const publisher = await Publisher.connect(broker.url, "gw-one");
    const chunks = polls(new SmallGateway("gw-one"), 0, 300);
    let kills = 0;
    try {
      for (let life = 0; life < 5; life++) kills += (await oneLife(child(life + 1), publisher, chunks)) === "SIGKILL" ? 1 : 0;
      const last = await startNoc(dir, broker.url);
      await publisher.send(chunks);
      await until("all is acknowledged", () => publisher.acked("aaaaaaaaaaaa")?.upTo === chunks.length);
      const ledger = await last.ledger("gw-one");
      await last.stop();
      expect(kills).toBe(5);
      expect(ledger).toMatchObject({ chunks: 301, delivered: 300 * 20, missing: 0, waiting: { pending: 0, parked: 0 } });
      expect(ledger.duplicates).toBeGreaterThan(0);
    } finally {
      await publisher.end();
      await broker.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  }, 120_000);
});

describe("the NOC's end behind a broker without shared subscriptions", () => {
  it("subscribes plainly and acknowledges", async () => {
    const stop = new AbortController();
    const port = await freePort();
    const listening = Promise.withResolvers<void>();
    const broker = runDemoBroker("127.0.0.1", port, stop.signal, () => listening.resolve());
    await listening.promise;
    const dir = mkdtempSync(join(tmpdir(), "noc-aedes-"));
    const noc = await startNoc(dir, `mqtt://127.0.0.1:${port}`);
    const publisher = await Publisher.connect(`mqtt://127.0.0.1:${port}`, "gw-one");
    try {
      const chunks = polls(new SmallGateway("gw-one"), 0, 5);
      await publisher.send(chunks);
      await until("all is acknowledged", () => publisher.acked("aaaaaaaaaaaa")?.upTo === chunks.length);
      expect(await noc.ledger("gw-one")).toMatchObject({ chunks: 6, duplicates: 0 });
    } finally {
      await publisher.end();
      await noc.stop();
      stop.abort(new Error("test over"));
      await broker;
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
