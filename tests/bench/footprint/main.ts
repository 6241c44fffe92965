/**
 * `npm run bench:footprint [-- --binary dist/gatehouse-linux-x64] [--switches 100] [--seconds 60] [--before FILE] [--no-download]`: what the packaged
 * program costs, against budget.json. `--before` is an earlier build for the delta. Memory is smaps' Anonymous: what cannot be dropped.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { constants, zstdCompressSync } from "node:zlib";
import { makeDelta } from "../../../cloud-bridge/protocol/release/delta.ts";
import { leanAllocator } from "../../../runtime/host/lean-start.ts";
import { freePort } from "../../integration/noc-peers.ts";
import { startSwitches } from "../site/site.ts";
import { profileText } from "../site/site-mib.ts";

const { values } = parseArgs({
  options: {
    binary: { type: "string", default: "dist/gatehouse-linux-x64" },
    switches: { type: "string", default: "100" },
    seconds: { type: "string", default: "60" },
    before: { type: "string" },
    "no-download": { type: "boolean", default: false },
  },
});
const binary = resolve(values.binary);
const budget = JSON.parse(readFileSync(join(import.meta.dirname, "budget.json"), "utf8")) as Readonly<Record<string, number>>;
const switches = Number(values.switches);
const seconds = Number(values.seconds);

function say(name: string, value: number | undefined, unit: string, goal?: number): void {
  const shown = value === undefined ? "not seen" : `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`;
  const against = goal === undefined ? "" : `  budget ${goal} ${unit}  ${value !== undefined && value <= goal ? "ok" : "MISSED"}`;
  console.log(`${name.padEnd(44)}${shown.padStart(14)}${against}`);
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

function anonymousMB(pid: number): number | undefined {
  const kib = /^Anonymous:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
  return kib === undefined ? undefined : (Number(kib) * 1_024) / 1e6;
}

const writtenBytes = (pid: number) => Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? 0);

/** The flow host below a gateway: the child that runs the same program. */
function childOf(pid: number): number | undefined {
  for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    try {
      const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1];
      if (Number(parent) === pid && readlinkSync(`/proc/${name}/exe`) === binary) return Number(name);
    } catch {
      // It ended meanwhile.
    }
  }
  return undefined;
}

/** As the package's launcher starts it. */
function start(folder: string): ChildProcess {
  const args = ["run", "--config", join(folder, "gatehouse.yaml"), "--state", join(folder, "state")];
  return spawn(binary, args, { stdio: ["ignore", "pipe", "inherit"], env: { PATH: process.env.PATH, ...leanAllocator } });
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}

function siteFolder(port: number, count: number, consolePort: number): string {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-footprint-"));
  mkdirSync(join(folder, "state", "profiles"), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "state", "profiles", "bench-switch.yaml"), profileText);
  const one = (n: number) =>
    `  - { id: sw-${n}, address: 127.1.${n >> 8}.${n & 255}, port: ${port}, credential: lan, pollIntervalMs: 20000 }`;
  const equipment = Array.from({ length: count }, (_, index) => one(index + 1));
  const head = [
    "gateway: { id: gw-bench, tenant: acme, site: bench }",
    "credentials: { lan: { snmp: { version: 2c, community: public } } }",
  ];
  const rest = ["traps: { enabled: false }", "syslog: { enabled: false }", `console: { port: ${consolePort} }`, ""];
  writeFileSync(join(folder, "gatehouse.yaml"), [...head, "equipment:", ...equipment, ...rest].join("\n"));
  return folder;
}

/** Process start to the first datagram at an agent, and to the log's "flow host runs": best of three, as other work on the machine only adds. */
async function startTimes(): Promise<void> {
  const polls: number[] = [];
  const flows: number[] = [];
  for (let round = 0; round < 3; round++) {
    const agent = createSocket("udp4");
    agent.bind(0, "127.1.0.1");
    await once(agent, "listening");
    const folder = siteFolder(agent.address().port, 1, await freePort());
    const startedMs = performance.now();
    const child = start(folder);
    const polled = once(agent, "message").then(() => polls.push(performance.now() - startedMs));
    if (child.stdout === null) throw new Error("no output");
    const lines = createInterface({ input: child.stdout });
    const running = new Promise<void>((done) => {
      lines.on("line", (line) => {
        if (!line.includes("flow host runs")) return;
        flows.push(performance.now() - startedMs);
        done();
      });
    });
    await Promise.all([Promise.race([polled, pause(10_000)]), Promise.race([running, pause(10_000)])]);
    await stop(child);
    agent.close();
    rmSync(folder, { recursive: true, force: true });
  }
  say("process start -> first poll sent", polls.length === 0 ? undefined : Math.min(...polls), "ms", budget.firstPollMs);
  say("process start -> flows running", flows.length === 0 ? undefined : Math.min(...flows), "ms", budget.flowsRunningMs);
}

async function running(): Promise<void> {
  const port = await freePort();
  const none = {
    agents: "",
    dead: 0,
    slow: 0,
    intervalMs: 20_000,
    answerBytes: 1472,
    fsyncDelayMs: 0,
    fsyncLog: "/dev/null",
    brokerUrl: undefined,
    profileDir: undefined,
    extra: "",
    script: undefined,
    node: [],
  };
  const peers = await startSwitches(port, { ...none, switches });
  const folder = siteFolder(port, switches, await freePort());
  const child = start(folder);
  child.stdout?.resume();
  const pid = child.pid ?? 0;
  try {
    await pause(30_000);
    const before = writtenBytes(pid);
    await pause(seconds * 1_000);
    say(`telemetry, ${switches} switches: anonymous`, anonymousMB(pid), "MB", budget.telemetryAnonymousMB);
    const guest = childOf(pid);
    say("flow host, no services: anonymous", guest === undefined ? undefined : anonymousMB(guest), "MB", budget.flowHostAnonymousMB);
    say("handed to the disk, extrapolated to a day", ((writtenBytes(pid) - before) * 86_400) / seconds / 1e6, "MB");
  } finally {
    await stop(child);
    for (const peer of peers) peer.stdin?.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

say("binary", statSync(binary).size / 1e6, "MB", budget.binaryMB);
if (values.before !== undefined)
  say("delta from the build before", makeDelta(readFileSync(values.before), readFileSync(binary)).length / 1e3, "KB", budget.deltaKB);
if (!values["no-download"]) {
  const params = { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_windowLog]: 23 };
  say("download (zstd 19, window 8 MiB)", zstdCompressSync(readFileSync(binary), { params }).length / 1e6, "MB", budget.downloadMB);
}
await startTimes();
await running();
