/** `npm run bench -- uplink [--hours 24,72] [--live-seconds 90]`: an outage, and what happens when the link returns. README.md says how each figure is got. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { hasProgram, Mosquitto } from "../../integration/noc-peers.ts";
import type { UplinkFigures } from "./figures.ts";

const { values: given } = parseArgs({
  options: { hours: { type: "string", default: "24,72" }, "live-seconds": { type: "string", default: "90" } },
});
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await gone;
  clearTimeout(late);
}

async function run(hours: string): Promise<UplinkFigures> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-uplink-"));
  const broker = await Mosquitto.start();
  const noc = spawn(process.execPath, [script("../../integration/noc-child.ts"), broker.url, join(folder, "noc")], { stdio: "inherit" });
  const args = [script("gateway.ts"), join(folder, "gateway"), broker.url, hours, given["live-seconds"]];
  const gateway = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const lines: string[] = [];
    for await (const line of createInterface({ input: gateway.stdout })) lines.push(line);
    return JSON.parse(lines.at(-1) ?? "{}") as UplinkFigures;
  } finally {
    await ended(gateway);
    await ended(noc);
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!hasProgram("mosquitto")) {
  console.log("this bench needs mosquitto");
  process.exit(2);
}
for (const hours of given.hours.split(",")) {
  const figures = await run(hours);
  const goal = (measured: number, atMost: number) => (measured <= atMost ? "kept" : "MISSED");
  const growth = figures.rssMiBMax - figures.rssMiBAtStart;
  console.log(
    [
      `outage of ${hours} h at 1,500 series every 60 s: ${figures.backlogChunks} chunks, ${figures.backlogSamples} samples, ${(figures.backlogBytes / 1_048_576).toFixed(1)} MiB; played in ${figures.outageSeconds.toFixed(0)} s; load ${loadavg()[0]?.toFixed(1)}`,
      `  newest value acknowledged after CONNACK  ${(figures.newestAtNocMs / 1_000).toFixed(2)} s   goal 5 s   ${goal(figures.newestAtNocMs, 5_000)}`,
      `  backlog drained after CONNACK            ${figures.drainSeconds.toFixed(1)} s   ${hours === "24" ? `goal 60 s   ${goal(figures.drainSeconds, 60)}` : "no goal"}`,
      `  durable -> acknowledged, p95             ${(figures.liveMsP95DuringRefill / 1_000).toFixed(2)} s meanwhile, ${(figures.liveMsP95Afterwards / 1_000).toFixed(2)} s afterwards   goal 5 s   ${goal(figures.liveMsP95, 5_000)}`,
      `  RSS growth in outage and refill          ${growth.toFixed(1)} MiB (${figures.rssMiBAtStart.toFixed(0)} -> ${figures.rssMiBMax.toFixed(0)})   goal 20 MiB   ${goal(growth, 20)}`,
      `  samples dropped                          ${figures.dropped}`,
    ].join("\n"),
  );
}
