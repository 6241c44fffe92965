/**
 * `npm run bench -- uplink [--hours 72]`: an outage of so many hours at 1,500 series per 60 s, then the refill. Real codec, store, link,
 * mosquitto and NOC with SQLite; gateway, broker and NOC are processes of their own.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import mqtt from "mqtt";
import { ConfiguredMosquitto } from "../../integration/uplink-peers.ts";
import type { Answer, Order } from "./gateway-child.ts";

const { values } = parseArgs({ options: { hours: { type: "string", default: "72" } } });
const hours = Number(values.hours);
const intervals = Math.round(hours * 60);
const folder = mkdtempSync(join(tmpdir(), "bench-uplink-"));
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const broker = await ConfiguredMosquitto.start(["allow_anonymous true", "persistence false"]);
const noc = fork(here("../../integration/noc-child.ts"), [broker.url, join(folder, "noc")], { stdio: "inherit" });
const gateway = fork(here("gateway-child.ts"), [broker.url, join(folder, "gateway")], {
  stdio: "inherit",
  execArgv: ["--expose-gc", "--max-semi-space-size=8"],
});

async function ask(child: ChildProcess, order: Order, count = 0): Promise<Answer> {
  child.send({ order, count });
  const [answer] = (await once(child, "message")) as [Answer];
  return answer;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, condition: (answer: Answer) => boolean, limitMs: number): Promise<Answer> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const answer = await ask(gateway, "status");
    if (condition(answer)) return answer;
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await pause(50);
  }
}

/** The broker forgot everything: a state of the NOC there is a new one. */
async function nocReturned(): Promise<void> {
  const observer = await mqtt.connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 0 });
  const announced = new Promise<void>((resolve) => observer.once("message", () => resolve()));
  await observer.subscribeAsync("gh/1/acme/noc/state", { qos: 1 });
  await announced;
  await observer.endAsync(true);
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/**
 * Steady life first, at the same hundredfold speed and connected, so that code is compiled and the heap has the size that this speed of
 * making reports needs: what grows afterwards is the outage's.
 */
async function settle(): Promise<Answer> {
  await until("connected", (one) => one.state === "connected", 30_000);
  let most = 0;
  for (let fed = 0; fed < 1_500; fed += 15) most = Math.max(most, (await ask(gateway, "feed", 15)).rssMiB);
  await ask(gateway, "live");
  const steady = await until("the first intervals are delivered", (one) => one.delivered === one.polled, 60_000);
  return { ...steady, rssMiB: Math.max(most, steady.rssMiB) };
}

try {
  const steady = await settle();
  await broker.kill();
  let most = steady.rssMiB;
  for (let fed = 0; fed < intervals; fed += 15) most = Math.max(most, (await ask(gateway, "feed", Math.min(15, intervals - fed))).rssMiB);
  const outageMost = most;
  await broker.start();
  // The NOC's worker comes back by itself and says so; then the gateway is told, as by a carrier. Its own back-off is not what is measured.
  await nocReturned();
  const nocAtMs = Date.now();
  await ask(gateway, "routeChanged");
  const connected = await until("connected again", (one) => one.state === "connected", 30_000);
  const connectedAtMs = connected.connectedSinceMs ?? Number.NaN;
  const live: number[] = [];
  let drainedAtMs = Number.NaN;
  let newestAtMs: number | undefined;
  for (let second = 0; second < 300 && Number.isNaN(drainedAtMs); second++) {
    await ask(gateway, "live");
    for (let look = 0; look < 10; look++) {
      const answer = await ask(gateway, "status");
      most = Math.max(most, answer.rssMiB);
      live.push(...answer.liveMs);
      newestAtMs ??= answer.newestAckedAtMs;
      if (answer.backlogChunks === 0 && Number.isNaN(drainedAtMs)) drainedAtMs = Date.now();
      await pause(100);
    }
  }
  const end = await until("everything is delivered", (one) => one.delivered === one.polled, 60_000);
  live.push(...end.liveMs);
  live.sort((a, b) => a - b);
  console.table({
    [`outage of ${hours} h, ${intervals} chunks`]: {
      "RSS steady MiB": Math.round(steady.rssMiB),
      "outage +MiB": Math.round(outageMost - steady.rssMiB),
      "refill +MiB (goal 20)": Math.round(most - steady.rssMiB),
      "NOC back s after CONNACK": Math.max(0, nocAtMs - connectedAtMs) / 1_000,
      "newest at the NOC s (goal 5)": ((newestAtMs ?? Number.NaN) - connectedAtMs) / 1_000,
      "drained s (goal 60 for 24 h)": (drainedAtMs - connectedAtMs) / 1_000,
      "live p95 s (goal 5)": Number((percentile(live, 0.95) / 1_000).toFixed(2)),
      "live max s": Number(((live.at(-1) ?? Number.NaN) / 1_000).toFixed(2)),
      "live chunks": live.length,
      resent: end.resentChunks,
    },
  });
  console.table({ ledger: { polled: end.polled, delivered: end.delivered, dropped: end.dropped } });
  await ask(gateway, "stop");
} finally {
  noc.kill("SIGTERM");
  gateway.kill("SIGTERM");
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}
