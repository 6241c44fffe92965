/**
 * `npm run bench -- site [--seconds N] [--switches N] [--dead N] [--slow N] [--slow-fsync] [--settle N] [--slope] [--source] [--json]`
 *
 * The assembled gateway against simulated switches: 48 ports x 20 columns each, every 5 s. README.md says how each figure is got.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { bundleGateway } from "./bundle.ts";
import type { Figures } from "./figures.ts";
import { Site, type SiteOptions } from "./site.ts";

const { values: given } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    switches: { type: "string", default: "1000" },
    dead: { type: "string", default: "0" },
    slow: { type: "string", default: "0" },
    interval: { type: "string", default: "5000" },
    "slow-fsync": { type: "boolean", default: false },
    "fsync-log": { type: "string", default: "/dev/null" },
    profile: { type: "string" },
    source: { type: "boolean", default: false },
    node: { type: "string", default: "" },
    "answer-bytes": { type: "string", default: "1472" },
    agents: { type: "string", default: "" },
    extra: { type: "string", default: "" },
    slope: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    settle: { type: "string", default: "240" },
  },
});

const bundle = given.source ? undefined : await bundleGateway();
const options: SiteOptions = {
  switches: Number(given.switches),
  dead: Number(given.dead),
  slow: Number(given.slow),
  intervalMs: Number(given.interval),
  answerBytes: Number(given["answer-bytes"]),
  fsyncDelayMs: given["slow-fsync"] ? 200 : 0,
  fsyncLog: given["fsync-log"],
  brokerUrl: undefined,
  profileDir: given.profile,
  extra: given.extra,
  script: bundle?.script,
  agents: given.agents,
  node: given.node.split(" ").filter((argument) => argument !== ""),
};

const kept = (measured: number, atMost: number) => (measured <= atMost ? "kept" : "MISSED");

function report(of: SiteOptions, figures: Figures): string {
  const { memory, threads } = figures;
  const delayGoal = of.fsyncDelayMs > 0 ? 50 : 20;
  const line = (what: string, measured: number, unit: string, goal?: number) =>
    `  ${what.padEnd(44)} ${measured.toFixed(1).padStart(9)} ${unit}${goal === undefined ? "" : `   goal ${goal} ${unit}   ${kept(measured, goal)}`}`;
  return [
    `${of.switches} switches (${of.dead} dead, ${of.slow} slow) every ${of.intervalMs} ms, answers of ${of.answerBytes} bytes at most, ${of.fsyncDelayMs} ms injected into each fsync; load ${loadavg()[0]?.toFixed(1)}`,
    line("values polled", figures.valuesPerSecond / 1_000, "k/s"),
    line(
      `CPU of all threads, ${figures.cpuSeconds.toFixed(0)} s`,
      figures.coreShare * 100,
      "% of a core",
      of.switches >= 1_000 ? 10 : undefined,
    ),
    `    ${figures.coreShare.toFixed(3)} CPU seconds a second: user ${figures.userShare.toFixed(3)}, kernel ${(figures.coreShare - figures.userShare).toFixed(3)}`,
    `    of which ${Object.entries(threads)
      .map(([name, share]) => `${name} ${share.toFixed(1)} %`)
      .join(", ")}; ${figures.requestsPerSecond.toFixed(0)} requests/s`,
    line("loop delay p99.9", figures.delayMsP999, "ms", delayGoal),
    line("loop delay max", figures.delayMsMax, "ms"),
    line("slots missed by the gateway", figures.missedSlots, "", 0),
    line("slots of slow, of unreachable switches", figures.slowSlots, `, ${figures.unreachableSlots}`),
    line("lateness of live switches p99", figures.latenessMsP99, "ms", 1_000),
    line("PSS", memory.pssKiB / 1_024, "MiB", of.switches === 100 ? 80 : undefined),
    line("anonymous memory", memory.anonymousKiB / 1_024, "MiB"),
    ...Object.entries(figures.warnings).map(([sentence, times]) => `  logged ${times} times: ${sentence}`),
  ].join("\n");
}

const floorSeconds = 10;

/** The floor is scaled to as many requests as the gateway made. */
function againstFloor(figures: Figures, floor: { readonly coreShare: number; readonly requestsPerSecond: number }): string {
  const scaled = (floor.coreShare * figures.requestsPerSecond) / floor.requestsPerSecond;
  const ratio = figures.coreShare / scaled;
  return `  the same datagrams through bare Node, right after: ${scaled.toFixed(3)} CPU seconds a second; ratio ${ratio.toFixed(2)}; load ${loadavg()[0]?.toFixed(1)}`;
}

async function run(of: SiteOptions): Promise<Figures> {
  const site = await Site.start(of);
  try {
    const notLive = of.dead + of.slow;
    const warmUpS = await site.warmUp(of.switches - notLive, 180_000);
    console.log(`all live switches known after ${warmUpS.toFixed(1)} s`);
    await new Promise((resolve) => setTimeout(resolve, Number(given.settle) * 1_000));
    const figures = await site.measure(Math.min(60, Number(given.seconds)), Number(given.seconds), notLive);
    console.log(given.json ? JSON.stringify(figures, undefined, 1) : report(of, figures));
    await site.stopGateway();
    if (of.switches - notLive > 0) console.log(againstFloor(figures, await site.floor(floorSeconds)));
    return figures;
  } finally {
    await site.stop();
  }
}

try {
  const whole = await run(options);
  if (given.slope) {
    const few = await run({ ...options, switches: 100, dead: 0, slow: 0 });
    const slope = (whole.memory.anonymousKiB - few.memory.anonymousKiB) / (options.switches - 100);
    console.log(`anonymous memory per extra switch: ${slope.toFixed(0)} KiB   goal 40 KiB   ${kept(slope, 40)}`);
  }
} finally {
  bundle?.remove();
}
