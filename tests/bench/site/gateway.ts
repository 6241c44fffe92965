/**
 * The gateway under test: `node gateway.ts FOLDER`, the appliance as `gatehouse run` assembles it, in a process of its own so that its CPU and
 * memory are nobody else's. Told over IPC when to begin and to end measuring; answers with figures.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Report } from "#model/report.ts";
import type { Gateway } from "../../../runtime/gateway.ts";
import { AuditBook } from "../../../runtime/host/audit-book.ts";
import { IdentityFolder } from "../../../runtime/host/identity-folder.ts";
import {
  garbageRounds,
  maxThriftyEquipment,
  preferLittleMemory,
  preferSmallBlocks,
  preferSmallSteps,
  trimRounds,
} from "../../../runtime/host/memory.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { assembleGateway, describeDrivers, openGatewayState } from "../../../runtime/parts-appliance.ts";
import type { LogFields, Logger } from "../../../runtime/ports/logger.ts";
import { SiteConfiguration } from "../../../runtime/site-configuration.ts";
import type { CpuFigures, Figures, Question } from "./figures.ts";

const folder = process.argv[2] ?? "";
/** Folder for a CPU profile of the measured time (main thread); "" = none. */
const profileDir = process.argv[3] ?? "";
const warnings = new Map<string, number>();
const count = ({ code, errno }: LogFields, sentence: string) => {
  const line = [sentence, code, errno].filter((part) => part !== undefined).join(", ");
  warnings.set(line, (warnings.get(line) ?? 0) + 1);
};
const logger: Logger = { error: count, warn: count, info: () => undefined, debug: () => undefined, child: () => logger };

/** What the taps saw in the measured time. Lateness: from the slot to the agent's first answer. */
class Watch {
  readonly #lateness = new Float64Array(400_000);
  #seen = 0;
  #skipped: (equipment: string) => boolean;
  samples = 0;

  constructor(skipped: (equipment: string) => boolean) {
    this.#skipped = skipped;
  }

  see(report: Report): void {
    for (const { columns } of report.tables) for (const { present } of columns) this.samples += present.length;
    if (report.tables.length === 0 || this.#skipped(report.equipment) || this.#seen >= this.#lateness.length) return;
    this.#lateness[this.#seen++] = report.observedAt.monotonicMs - report.plannedAtMs;
  }

  quantile(q: number): number {
    const sorted = this.#lateness.slice(0, this.#seen).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  }

  get reports(): number {
    return this.#seen;
  }
}

function memory(): Figures["memory"] {
  const text = readFileSync("/proc/self/smaps_rollup", "utf8");
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
  const { heapUsed, external } = process.memoryUsage();
  return { pssKiB: kib("Pss"), anonymousKiB: kib("Anonymous"), heapUsedKiB: heapUsed >> 10, externalKiB: external >> 10 };
}

/** CPU so far of each thread by name, ms; the kernel counts in hundredths. */
function threads(): Record<string, number> {
  const found: Record<string, number> = {};
  for (const task of readdirSync("/proc/self/task")) {
    const stat = readFileSync(`/proc/self/task/${task}/stat`, "utf8");
    const name = `${stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"))}${Number(task) === process.pid ? " (main)" : ""}`;
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    found[name] = (found[name] ?? 0) + (Number(fields[11]) + Number(fields[12])) * 10;
  }
  return found;
}

const sums = (gateway: Gateway) => {
  let missedSlots = 0;
  let slowSlots = 0;
  let unreachableSlots = 0;
  let requests = 0;
  for (const { statistics } of gateway.poller.equipment.values()) {
    missedSlots += statistics.missedSlots;
    slowSlots += statistics.slowSlots;
    unreachableSlots += statistics.unreachableSlots;
    requests += statistics.requests;
  }
  return { missedSlots, slowSlots, unreachableSlots, requests };
};

/** Profiles the main thread while CPU is measured: what starting up costs would hide everything else. */
class Profile {
  readonly #session = new Session();

  async begin(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.setSamplingInterval", { interval: 500 });
    await this.#session.post("Profiler.start");
  }

  async end(): Promise<void> {
    const { profile } = await this.#session.post("Profiler.stop");
    writeFileSync(join(profileDir, "main.cpuprofile"), JSON.stringify(profile));
    this.#session.disconnect();
  }
}
const profile = profileDir === "" ? undefined : new Profile();

class Measurement {
  readonly #gateway: Gateway;
  readonly #delay = monitorEventLoopDelay({ resolution: 1 });
  readonly #cpu = process.cpuUsage();
  readonly #threads = threads();
  readonly #atMs = performance.now();
  readonly #before;
  readonly #watch: Watch;
  readonly #untap: () => void;
  #cpuFigures: CpuFigures = { cpuSeconds: 0, coreShare: Number.NaN, userShare: Number.NaN, threads: {} };

  constructor(gateway: Gateway, skipped: (equipment: string) => boolean) {
    this.#gateway = gateway;
    this.#before = sums(gateway);
    this.#watch = new Watch(skipped);
    this.#untap = gateway.intake.tap((one) => one.kind === "report" && this.#watch.see(one));
  }

  /** CPU is measured first and without the delay monitor, whose timer wakes the loop 1,000 times a second and costs several per cent itself. */
  endOfCpu(): void {
    const seconds = (performance.now() - this.#atMs) / 1_000;
    const { user, system } = process.cpuUsage(this.#cpu);
    const of = Object.entries(threads()).map(([name, ms]) => [name, (ms - (this.#threads[name] ?? 0)) / seconds / 10] as const);
    this.#cpuFigures = {
      cpuSeconds: seconds,
      coreShare: (user + system) / 1e6 / seconds,
      userShare: user / 1e6 / seconds,
      threads: Object.fromEntries(of.filter(([, share]) => share >= 0.1).sort((a, b) => b[1] - a[1])),
    };
    this.#delay.enable();
  }

  async end(): Promise<Figures> {
    const seconds = (performance.now() - this.#atMs) / 1_000;
    this.#delay.disable();
    this.#untap();
    const { missedSlots, slowSlots, unreachableSlots, requests } = sums(this.#gateway);
    const status = (await this.#gateway.status()) as {
      buffer: { journalBytes?: number };
      uplink: { state: string };
      ledger: Figures["ledger"];
    };
    return {
      seconds,
      ...this.#cpuFigures,
      // The histogram counts the timer's own 1 ms as delay.
      delayMsP99: this.#delay.percentile(99) / 1e6 - 1,
      delayMsP999: this.#delay.percentile(99.9) / 1e6 - 1,
      delayMsMax: this.#delay.max / 1e6 - 1,
      missedSlots: missedSlots - this.#before.missedSlots,
      slowSlots: slowSlots - this.#before.slowSlots,
      unreachableSlots: unreachableSlots - this.#before.unreachableSlots,
      requestsPerSecond: (requests - this.#before.requests) / seconds,
      reportsPerSecond: this.#watch.reports / seconds,
      valuesPerSecond: this.#watch.samples / seconds,
      latenessMsP50: this.#watch.quantile(0.5),
      latenessMsP99: this.#watch.quantile(0.99),
      latenessMsMax: this.#watch.quantile(1),
      memory: memory(),
      uplink: status.uplink.state,
      ledger: status.ledger,
      warnings: Object.fromEntries(warnings),
    };
  }
}

const site = new SiteConfiguration({ file: join(folder, "gatehouse.yaml"), drivers: describeDrivers(), environment: process.env });
const configuration = await site.load([]);
const isThrifty = configuration.equipment.length <= maxThriftyEquipment;
preferSmallBlocks();
if (isThrifty) preferLittleMemory();
else preferSmallSteps();
const stop = new AbortController();
const clock = new SystemClock(() => true);
const platform = { clock, entropy: systemEntropy, logger };
const state = openGatewayState(join(folder, "state"), platform);
const run = {
  ...{ state, site, restart: () => undefined },
  ...{ audit: new AuditBook(join(folder, "state"), platform), identity: new IdentityFolder(join(folder, "state"), systemEntropy) },
};
// As `gatehouse run` cares for itself.
const care = () => [isThrifty ? garbageRounds(clock) : trimRounds(clock)];
const gateway = await assembleGateway(configuration, join(folder, "state"), platform, run, care);
const running = gateway.run(stop.signal);
let measurement: Measurement | undefined;

process.on("message", (question: Question) => {
  if (question.ask === "begin") void profile?.begin();
  if (question.ask === "endOfCpu") void profile?.end();
  if (question.ask === "stop") stop.abort(new Error("the bench is over"));
  else if (question.ask === "begin") measurement = new Measurement(gateway, (equipment) => Number(equipment.slice(3)) <= question.notLive);
  else if (question.ask === "endOfCpu") measurement?.endOfCpu();
  else if (question.ask === "memory") process.send?.(memory());
  else if (question.ask === "ready") {
    const live = [...gateway.poller.equipment.values()].filter(({ lastPoll }) => (lastPoll?.tables ?? 0) >= question.tables).length;
    process.send?.({ live });
  } else void measurement?.end().then((figures) => process.send?.(figures));
});
process.on("disconnect", () => process.exit(1));
process.send?.({ started: true });
await running;
process.exit(0);
