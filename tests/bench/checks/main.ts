import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { requestControl } from "../../../runtime/host/control-client.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { gatehouseCommand } from "../../program.ts";
import { measureAccuracy } from "./accuracy.ts";
import { startServers } from "./servers.ts";

/** `npm run bench -- checks [--seconds N] [--checks N]`: how true figures are over lines with an exact
 * pattern, and what checks add to a gateway: CPU of it and of the programs it starts, and memory. `--seconds 0` leaves the latter out. */
const { values } = parseArgs({ options: { seconds: { type: "string", default: "120" }, checks: { type: "string", default: "200" } } });
const seconds = Number(values.seconds);
const count = Number(values.checks);
const ticksPerSecond = 100;
/** Of 20: a mix as a site of many services has it. */
const mix = [
  "icmp",
  "icmp",
  "icmp",
  "icmp",
  "icmp",
  "tcp",
  "tcp",
  "tcp",
  "tcp",
  "tls",
  "tls",
  "tls",
  "http",
  "http",
  "http",
  "http",
  "http",
  "dns",
  "dns",
  "udp",
];

type Servers = Awaited<ReturnType<typeof startServers>>;

function checkOf(type: string, index: number, servers: Servers): object {
  const base = { id: `c${index}`, type, intervalMs: 60_000, timeoutMs: 10_000 };
  switch (type) {
    case "icmp":
      return { ...base, target: `127.0.${index % 250}.1` };
    case "tls":
      return { ...base, target: `localhost:${servers.tls}`, settings: { ca: servers.ca } };
    case "http":
      return { ...base, target: `http://127.0.0.1:${servers.web}/`, settings: { maxBodyBytes: 8_000, expect: { contains: ["x"] } } };
    case "dns":
      return { ...base, target: "www.example.net", settings: { server: "127.0.0.1", port: servers.names } };
    case "udp":
      return { ...base, target: `127.0.0.1:${servers.udp}` };
    default:
      return { ...base, target: `127.0.0.1:${servers.web}` };
  }
}

/** CPU seconds of a process, of its threads, and of the children it has waited for. */
function cpuOf(pid: number): { readonly own: number; readonly children: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ")
    .map(Number);
  const [own = 0, children = 0] = [(fields[11] ?? 0) + (fields[12] ?? 0), (fields[13] ?? 0) + (fields[14] ?? 0)];
  return { own: own / ticksPerSecond, children: children / ticksPerSecond };
}

function memoryOf(pid: number): Readonly<Record<string, number>> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? Number.NaN);
  return { pssMiB: Math.round(kib("Pss") / 102.4) / 10, anonymousMiB: Math.round(kib("Anonymous") / 102.4) / 10 };
}

async function measure(checks: readonly object[]) {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  const file = join(folder, "gatehouse.yaml");
  const limits = "limits: { checkPacketsPerSecond: 1000, checkBytesPerHour: 1000000000 }";
  const rest = [
    "traps: { enabled: false }",
    "syslog: { enabled: false }",
    "console: { enabled: false }",
    limits,
    `checks: ${JSON.stringify(checks)}`,
  ];
  writeFileSync(file, ["gateway: { id: gw-bench }", ...rest, ""].join("\n"));
  const { command, args } = gatehouseCommand(["run", "--config", file, "--state", folder]);
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    const pid = child.pid ?? 0;
    // The first runs and their compilation are over by then.
    await sleep(30);
    const before = cpuOf(pid);
    await sleep(seconds);
    const after = cpuOf(pid);
    const call = { folder, clock: new SystemClock(() => true), timeoutMs: 10_000 };
    const status = (await requestControl({ ...call, operation: "status" })) as { readonly checks?: object };
    const share = (from: number, to: number) => Math.round(((to - from) / seconds) * 10_000) / 100;
    return {
      ownCpuPercent: share(before.own, after.own),
      childCpuPercent: share(before.children, after.children),
      ...memoryOf(pid),
      status: status.checks,
    };
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
    rmSync(folder, { recursive: true, force: true });
  }
}

function sleep(s: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, s * 1_000));
}

const servers = await startServers();
console.table(await measureAccuracy(servers.udp));
if (seconds === 0) process.exit(0);
const checks = Array.from({ length: count }, (_, index) => checkOf(mix[index % mix.length] ?? "tcp", index, servers));
const without = await measure([]);
const withChecks = await measure(checks);
const { status: _none, ...plain } = without;
const { status, ...loaded } = withChecks;
console.table({ "no checks": plain, [`${count} checks every 60 s`]: loaded });
console.log(JSON.stringify(status));
process.exit(0);
