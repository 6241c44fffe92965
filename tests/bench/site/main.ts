/**
 * `npm run bench -- site [--seconds N] [--switches N] [--dead N] [--slow N] [--slow-fsync] [--uplink none|acks] [--all] [--json]`
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
    profile: { type: "string" },
    source: { type: "boolean", default: false },
    node: { type: "string", default: "" },
    extra: { type: "string", default: "" },
    settle: { type: "string", default: "15" },
  },
});

const bundle = given.source ? undefined : await bundleGateway();
const options: SiteOptions = {
  switches: Number(given.switches),
  dead: Number(given.dead),
  slow: Number(given.slow),
  intervalMs: Number(given.interval),
  fsyncDelayMs: given["slow-fsync"] ? 200 : 0,
  brokerUrl: undefined,
  profileDir: given.profile,
  extra: given.extra,
  script: bundle?.script,
  node: given.node.split(" ").filter((argument) => argument !== ""),
};

const load = () => loadavg()[0]?.toFixed(1);
const site = await Site.start(options);
try {
  const notLive = options.dead + options.slow;
  const warmUpS = await site.warmUp(options.switches - notLive, 120_000);
  console.log(`all live switches known after ${warmUpS.toFixed(1)} s`);
  await new Promise((resolve) => setTimeout(resolve, Number(given.settle) * 1_000));
  const figures: Figures = await site.measure(Math.min(60, Number(given.seconds)), Number(given.seconds), notLive);
  console.log(`load ${load()}`, JSON.stringify(figures, undefined, 1));
} finally {
  await site.stop();
  bundle?.remove();
}
