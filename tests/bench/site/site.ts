import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { allocatorFor, runtimeOptionsFor } from "../../../runtime/host/lean-start.ts";
import { freePort } from "../../integration/noc-peers.ts";
import type { Figures, Question } from "./figures.ts";
import { profileText } from "./site-mib.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

export interface SiteOptions {
  readonly switches: number;
  readonly dead: number;
  readonly slow: number;
  readonly intervalMs: number;
  /** Largest answer of our switches. */
  readonly answerBytes: number;
  readonly fsyncDelayMs: number;
  /** Where each of those delayed is written to, with its file; "/dev/null" = nowhere. */
  readonly fsyncLog: string;
  readonly brokerUrl: string | undefined;
  /** Folder for a CPU profile of the gateway's main thread over the measured time. */
  readonly profileDir: string | undefined;
  /** Further lines of gatehouse.yaml. */
  readonly extra: string;
  /** Bundled gateway; undefined = from its sources. */
  readonly script: string | undefined;
  /** Foreign agents instead of our own: a command with {port} and {count}, which answers at 127.1.x.y as ours do; "" = our own. */
  readonly agents: string;
  /** Arguments of Node for the gateway. */
  readonly node: readonly string[];
}

/** Simulated switches: `processes` of them share the work. Dead and slow ones come first. */
export async function startSwitches(port: number, options: SiteOptions): Promise<readonly ChildProcess[]> {
  if (options.agents !== "") return [await startForeign(port, options)];
  const sick = options.dead + options.slow;
  const shares = [
    { from: 0, count: sick, dead: options.dead, slow: options.slow },
    { from: sick, count: options.switches - sick, dead: 0, slow: 0 },
  ].filter(({ count }) => count > 0);
  return Promise.all(
    shares.map(async ({ from, count, dead, slow }) => {
      const args = [join(here, "switches.ts"), ...[port, from, count, dead, slow, options.answerBytes].map(String)];
      const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
      await once(createInterface({ input: child.stdout }), "line");
      return child;
    }),
  );
}

async function startForeign(port: number, { agents, switches }: SiteOptions): Promise<ChildProcess> {
  const words = agents.replace("{port}", String(port)).replace("{count}", String(switches)).split(" ");
  const child = spawn(words[0] ?? "", words.slice(1), { stdio: ["pipe", "inherit", "inherit"] });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  return child;
}

function configuration(port: number, options: SiteOptions): string {
  const equipment = Array.from({ length: options.switches }, (_, index) => {
    const number = index + 1;
    const address = `127.1.${number >> 8}.${number & 255}`;
    return `  - { id: sw-${number}, address: ${address}, port: ${port}, driver: snmp, credential: lan, pollIntervalMs: ${options.intervalMs} }`;
  });
  return [
    "gateway: { id: gw-bench, tenant: acme, site: bench }",
    ...(options.brokerUrl === undefined ? [] : [`uplink: { url: "${options.brokerUrl}", intervalsPerChunk: 1 }`]),
    "credentials: { lan: { snmp: { version: 2c, community: { $env: BENCH_COMMUNITY } } } }",
    "equipment:",
    ...equipment,
    "traps: { enabled: false }",
    "syslog: { enabled: false }",
    "console: { enabled: false }",
    "clock: { source: host }",
    "flows: { enabled: false }",
    ...(options.extra === "" ? [] : [options.extra]),
    "",
  ].join("\n");
}

/** A gateway under test with its site; everything ends with `stop`. */
export class Site {
  readonly #folder: string;
  readonly #switches: readonly ChildProcess[];
  readonly #gateway: ChildProcess;
  readonly #port: number;
  readonly #options: SiteOptions;

  private constructor(
    folder: string,
    switches: readonly ChildProcess[],
    gateway: ChildProcess,
    of: { readonly port: number; readonly options: SiteOptions },
  ) {
    this.#port = of.port;
    this.#options = of.options;
    this.#folder = folder;
    this.#switches = switches;
    this.#gateway = gateway;
  }

  static async start(options: SiteOptions): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-site-"));
    const port = await freePort();
    const switches = await startSwitches(port, options);
    mkdirSync(join(folder, "state", "profiles"), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, "state", "profiles", "bench-switch.yaml"), profileText);
    writeFileSync(join(folder, "gatehouse.yaml"), configuration(port, options));
    if (options.profileDir !== undefined) mkdirSync(options.profileDir, { recursive: true });
    // As `gatehouse run` starts itself (runtime/host/lean-start.ts).
    const command = [
      process.execPath,
      ...runtimeOptionsFor(options.switches),
      ...options.node,
      options.script ?? join(here, "gateway.ts"),
      folder,
      options.profileDir ?? "",
    ];
    const injected = `inject=fsync,fdatasync:delay_exit=${options.fsyncDelayMs * 1_000}`;
    const strace = ["strace", "-f", "--seccomp-bpf", "-y", "-r", "-o", options.fsyncLog, "-e", "trace=fsync,fdatasync", "-e", injected];
    const [program = "", ...args] = options.fsyncDelayMs > 0 ? [...strace, ...command] : command;
    const env = { ...process.env, ...allocatorFor(options.switches), BENCH_COMMUNITY: "public" };
    const gateway = spawn(program, args, { stdio: ["ignore", "inherit", "inherit", "ipc"], env });
    const site = new Site(folder, switches, gateway, { port, options });
    const ended = once(gateway, "exit").then(([code]) =>
      Promise.reject(new Error(`the gateway ended with ${String(code)} before it began`)),
    );
    ended.catch(() => undefined);
    try {
      await Promise.race([once(gateway, "message"), ended]);
    } catch (error) {
      await site.stop();
      throw error;
    }
    return site;
  }

  async ask<T>(question: Question): Promise<T> {
    if (this.#gateway.exitCode !== null) throw new Error("the gateway ended");
    const answer = once(this.#gateway, "message");
    this.#gateway.send(question);
    return ((await answer) as [T])[0];
  }

  /** Until every live switch has been polled whole. */
  async warmUp(live: number, deadlineMs: number): Promise<number> {
    const startedMs = performance.now();
    while ((await this.ask<{ live: number }>({ ask: "ready", tables: 3 })).live < live) {
      if (performance.now() - startedMs > deadlineMs) break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    return (performance.now() - startedMs) / 1_000;
  }

  /** CPU for `cpuSeconds`, then the loop's delay for `seconds`; lateness and missed slots over both. */
  async measure(cpuSeconds: number, seconds: number, notLive: number): Promise<Figures> {
    this.#gateway.send({ ask: "begin", notLive } satisfies Question);
    await new Promise((resolve) => setTimeout(resolve, cpuSeconds * 1_000));
    this.#gateway.send({ ask: "endOfCpu" } satisfies Question);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    return this.ask<Figures>({ ask: "end" });
  }

  /** What Node pays for the datagrams alone, from the same switches; after the gateway stopped. */
  async floor(seconds: number): Promise<{ readonly coreShare: number; readonly requestsPerSecond: number }> {
    const { switches, dead, slow, intervalMs, answerBytes } = this.#options;
    const numbers = [this.#port, dead + slow + 1, switches - dead - slow, intervalMs, seconds, answerBytes];
    const args = [join(here, "floor.ts"), ...numbers.map(String)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    return JSON.parse(line) as { readonly coreShare: number; readonly requestsPerSecond: number };
  }

  async stop(): Promise<void> {
    await this.stopGateway();
    for (const child of this.#switches) {
      child.stdin?.end();
      if (this.#options.agents !== "") child.kill();
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async stopGateway(): Promise<void> {
    if (this.#gateway.exitCode !== null || this.#gateway.signalCode !== null) return;
    const gone = once(this.#gateway, "exit");
    this.#gateway.send({ ask: "stop" } satisfies Question);
    const late = setTimeout(() => this.#gateway.kill("SIGKILL"), 20_000);
    await gone;
    clearTimeout(late);
  }
}
