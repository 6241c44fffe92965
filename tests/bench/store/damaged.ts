import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { NodeDisk } from "../../../runtime/store/node-disk.ts";
import { openStore } from "../../../runtime/store/open-store.ts";
import { defaultStoreSettings } from "../../../runtime/store/settings.ts";
import { seededEntropy, silentLogger } from "../../store/doubles.ts";
import { groupFrame, plainAssembler, slotOf } from "../../store/frames.ts";
import { ManualClock } from "../../store/manual-clock.ts";

/**
 * `node tests/bench/store/damaged.ts [--mebibytes 150]`: a buffer full of an outage, left without a good-bye and then damaged; time from the start of the real
 * gateway to its first request at an agent, and how much it still has. Goal: polling again in 10 s.
 */
const { values } = parseArgs({ options: { mebibytes: { type: "string", default: "150" }, fill: { type: "string" } } });
const main = join(import.meta.dirname, "../../../runtime/main.ts");
const entropy = seededEntropy(11);
const limitMs = 120_000;

if (values.fill !== undefined) {
  fill(values.fill, Number(values.mebibytes) * 1024 * 1024);
  process.exit(0);
}

/** Random bytes, so that nothing of it is compressed away; ended like a power cut ends it. */
function fill(folder: string, bytes: number): void {
  const clock = new ManualClock();
  const settings = { ...defaultStoreSettings, budgetBytes: bytes * 2 + 256 * 1024 * 1024 };
  const { core } = openStore({ disk: new NodeDisk(folder), clock, entropy, assembler: plainAssembler, log: silentLogger, settings });
  const piece = 48_000;
  for (let done = 0, id = 1; done < bytes; id += 1) {
    const slot = slotOf(id, clock.monotonicMs() + 60_000);
    core.append(Array.from({ length: 40 }, () => groupFrame(Buffer.from(entropy.bytes(piece)).toString("latin1"), slot)));
    core.commit(false);
    clock.step(60_000);
    done += piece * 40;
  }
}

/** Blocks of `bytes` overwritten at `count` places. */
function spoil(path: string, count: number, bytes: number): void {
  const size = statSync(path).size;
  const file = openSync(path, "r+");
  for (let n = 0; n < count; n += 1) writeSync(file, entropy.bytes(bytes), 0, bytes, Math.floor(entropy.random() * (size - bytes)));
  closeSync(file);
}

const damages: Readonly<Record<string, (state: string) => void>> = {
  "none, only left without a good-bye": () => undefined,
  "journal: 500 places": (state) => spoil(join(state, "journal.ring"), 500, 64),
  "journal: cut to a third": (state) => truncateSync(join(state, "journal.ring"), 11_000_000),
  "journal: empty": (state) => truncateSync(join(state, "journal.ring"), 0),
  "backlog: 200 places": (state) => spoil(join(state, "buffer.db"), 200, 700),
  "backlog: cut to half": (state) => truncateSync(join(state, "buffer.db"), Math.floor(statSync(join(state, "buffer.db")).size / 2)),
  "both: 200 places each": (state) => {
    spoil(join(state, "journal.ring"), 200, 700);
    spoil(join(state, "buffer.db"), 200, 700);
  },
};

const folder = mkdtempSync(join(tmpdir(), "gatehouse-damaged-"));
try {
  const origin = join(folder, "origin");
  mkdirSync(origin, { mode: 0o700 });
  const filling = spawn(process.execPath, [import.meta.filename, "--fill", origin, "--mebibytes", values.mebibytes], { stdio: "inherit" });
  await once(filling, "exit");
  const rows = [];
  for (const [name, damage] of Object.entries(damages)) {
    const state = join(folder, "state");
    cpSync(origin, state, { recursive: true });
    damage(state);
    rows.push({ damage: name, ...(await startOn(state)), goal: 10, load: Number(loadavg()[0]?.toFixed(1)) });
    rmSync(state, { recursive: true, force: true });
  }
  console.log(
    `backlog of ${Math.round(statSync(join(origin, "buffer.db")).size / 1_048_576)} MiB; seconds from process start to the first request`,
  );
  console.table(rows);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function startOn(state: string): Promise<Readonly<Record<string, number | string>>> {
  const agent = createSocket("udp4");
  agent.bind(0, "127.0.0.1");
  await once(agent, "listening");
  const config = join(folder, "gatehouse.yaml");
  const lines = [
    "gateway: { id: gw-bench, tenant: acme, site: bench }",
    "credentials: { lan: { snmp: { version: 2c, community: public } } }",
    `equipment: [{ id: sw-1, address: 127.0.0.1, port: ${agent.address().port}, credential: lan, pollIntervalMs: 5000 }]`,
    `buffer: { budgetBytes: ${Math.round(Number(values.mebibytes) * 2 + 256) * 1_048_576} }`,
    "traps: { enabled: false }",
    "syslog: { enabled: false }",
    "flows: { enabled: false }",
    `console: { port: ${await freePort()} }`,
  ];
  writeFileSync(config, lines.join("\n"));
  const startedMs = performance.now();
  const child = spawn(process.execPath, [main, "run", "--config", config, "--state", state], { stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", (line) => said.push(line));
  const polled = await Promise.race([once(agent, "message").then(() => performance.now() - startedMs), pause(limitMs)]);
  await stop(child);
  agent.close();
  const opened = /"clean":(true|false),"buffered":(\d+)/.exec(said.find((line) => line.includes("buffer opened")) ?? "");
  return {
    "polling after s": polled === undefined ? "never" : Number((polled / 1_000).toFixed(2)),
    "clean start": opened?.[1] ?? "?",
    "samples left": Number(opened?.[2] ?? Number.NaN),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 40_000);
  await gone;
  clearTimeout(late);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  server.close();
  await once(server, "close");
  return port;
}
