/**
 * `npm run bench -- flows [--pushes 50]`: what services cost. Deploy times beside 50 running services, who else was restarted, memory of the flow
 * host by smaps (from source and bundled as in the packaged binary), and every fault: time to the safe state, the culprit named, polls missed.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import type { DesiredDocument } from "#model/desired.ts";
import type { EquipmentId } from "#model/equipment.ts";
import type { Report, TableShape } from "#model/report.ts";
import { guestSpawner } from "../../../runtime/host/spawn-guest.ts";
import { flowDocument, functionFlow, RunningWing, root, TestGround } from "../../flows/ground.ts";

const { values } = parseArgs({ options: { pushes: { type: "string", default: "50" } } });
const wayOut = 'const word = ["constr", "uctor"].join(""); const out = Buffer[word]("return process")();';

function services(count: number, limit: (index: number) => number): DesiredDocument {
  const list = Array.from({ length: count }, (_, index) => ({
    id: `svc-${index}`,
    template: "link-errors",
    parameters: { equipment: "sw-1", errorsPerS: limit(index) },
  }));
  return { kind: "services", id: "services", rev: 1, sha256: "", content: { v: 1, services: list } };
}

const shape: TableShape = {
  equipment: "sw-1" as EquipmentId,
  table: "IF-MIB:ifXTable",
  revision: 1,
  intervalMs: 1_000,
  metrics: [{ name: "ifInErrors", kind: "gauge", unit: "", scale: 1 }],
  rows: ["1", "2", "3"].map((key) => ({ key, labels: {} })),
};

/** A poll every `everyMs`, as a poller would; counts those that came late by more than half of it. */
class Polls {
  missed = 0;
  made = 0;
  worstMs = 0;
  #isOn = true;
  readonly #done: Promise<void>;

  constructor(ground: TestGround, everyMs: number) {
    const run = async () => {
      let dueMs = performance.now();
      while (this.#isOn) {
        dueMs += everyMs;
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
        const lateMs = performance.now() - dueMs;
        this.worstMs = Math.max(this.worstMs, lateMs);
        if (lateMs > everyMs) {
          this.missed += Math.floor(lateMs / everyMs);
          dueMs = performance.now();
        }
        this.made += 1;
        const observedAt = ground.clock.now();
        const column = {
          kind: "number",
          present: Uint8Array.of(1, 1, 1),
          value: Float64Array.of(this.made % 20 < 10 ? 9 : 0, 1, 2),
        } as const;
        const report: Report = {
          kind: "report",
          equipment: shape.equipment,
          observedAt,
          plannedAtMs: 0,
          gaps: [],
          tables: [{ shape, columns: [column], observedAt, elapsedMs: everyMs }],
        };
        await ground.intake.accept(report);
        ground.observed.length = 0;
      }
    };
    this.#done = run();
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#done;
  }
}

const percentile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

function memoryOf(pid: number): string {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) / 1024;
  return `RSS ${mb("Rss").toFixed(1)} MB, PSS ${mb("Pss").toFixed(1)}, own ${(mb("Private_Clean") + mb("Private_Dirty")).toFixed(1)}, anonymous ${mb("Anonymous").toFixed(1)}`;
}

async function deploys(): Promise<void> {
  const wing = new RunningWing();
  await wing.running();
  const fifty = services(50, () => 5);
  await wing.apply([fifty]);
  const times: number[] = [];
  const created: number[] = [];
  const pushes = Number(values.pushes);
  for (let push = 0; push < pushes; push += 1) {
    const before = wing.wing.status().nodesCreated;
    const beganMs = performance.now();
    const one = flowDocument("pushed", functionFlow(`return msg; // ${push}`), { health: { soakS: 0, firstReport: { withinS: 5 } } });
    const outcomes = await wing.apply([fifty, one]);
    times.push(performance.now() - beganMs);
    created.push(wing.wing.status().nodesCreated - before);
    if (!outcomes.some(({ status }) => status === "applied")) console.log("not applied", JSON.stringify(outcomes));
  }
  times.sort((a, b) => a - b);
  console.log(`activation beside 50 services, to the first report of the new one (its inject waits 50 ms), ${pushes} times:`);
  console.log(
    `  median ${percentile(times, 0.5).toFixed(0)} ms, p95 ${percentile(times, 0.95).toFixed(0)} ms, max ${(times.at(-1) ?? 0).toFixed(0)} ms (goal < 2000 plus soak)`,
  );
  console.log(`  nodes created per activation: ${Math.min(...created)} to ${Math.max(...created)} (it has 3)`);
  await wing.stop();
}

/** @param entry the flow host's script, from the root */
async function memory(title: string, entry: string): Promise<void> {
  const ground = Object.assign(new TestGround(), { spawner: guestSpawner(join(root, entry)) });
  const wing = new RunningWing({}, ground);
  await wing.running();
  await wing.apply([services(20, (index) => 5 + index)]);
  const polls = new Polls(ground, 1_000);
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  console.log(`20 services, 60 metrics/s delivered, ${title}: ${memoryOf(wing.wing.status().pid ?? 0)} (goal RSS 95)`);
  await polls.stop();
  await wing.stop();
}

async function bundledMemory(): Promise<void> {
  const bundle = join(root, "flows/host/bench-bundle.mjs");
  const entry = join(root, "flows/host/bench-entry.mjs");
  try {
    await build({
      entryPoints: [join(root, "runtime/roles/flow-host.ts")],
      bundle: true,
      platform: "node",
      format: "esm",
      outfile: bundle,
      external: ["@node-red/*", "express"],
      logLevel: "silent",
    });
    writeFileSync(entry, 'import { runFlowHostRole } from "./bench-bundle.mjs"; runFlowHostRole(); await new Promise(() => undefined);\n');
    await memory("bundled as in the binary", "flows/host/bench-entry.mjs");
  } finally {
    rmSync(bundle, { force: true });
    rmSync(entry, { force: true });
  }
}

interface Fault {
  readonly name: string;
  readonly nodes?: readonly object[];
  /** Outlives the soak: quarantined later. */
  readonly isLate?: boolean;
  readonly act?: (pid: number) => void;
}

const flood = [
  { id: "in", type: "inject", repeat: "1", once: true, onceDelay: 0.05, props: [], x: 1, y: 1, wires: [["fn"]] },
  {
    id: "fn",
    type: "function",
    func: "for (let i = 0; i < 10000; i++) node.send({ payload: i }); return null;",
    outputs: 1,
    libs: [],
    x: 2,
    y: 1,
    wires: [["out"]],
  },
  { id: "out", type: "change", rules: [], x: 3, y: 1, wires: [[]] },
];
const loop = [
  { id: "in", type: "inject", repeat: "", once: true, onceDelay: 0.05, props: [], x: 1, y: 1, wires: [["a"]] },
  { id: "a", type: "change", rules: [], x: 2, y: 1, wires: [["a", "b"]] },
  { id: "b", type: "change", rules: [], x: 2, y: 1, wires: [["a", "b"]] },
];
const faults: readonly Fault[] = [
  { name: "function throws", nodes: functionFlow('throw new Error("x");') },
  { name: "endless loop", nodes: functionFlow("while (true) {}") },
  { name: "endless loop after await", nodes: functionFlow("await 1; while (true) {}") },
  { name: "process.exit from outside the sandbox", nodes: functionFlow(`${wayOut} out.exit(7);`) },
  { name: "throw in a microtask", nodes: functionFlow(`${wayOut} out.nextTick(() => { throw new Error("late"); });`) },
  { name: "heap bomb", nodes: functionFlow("const a = []; while (true) a.push(new Array(1000).fill(1.5));") },
  { name: "buffer bomb", nodes: functionFlow("const a = []; while (true) a.push(Buffer.alloc(4 << 20, 1));") },
  { name: "exponential wire loop", nodes: loop },
  { name: "10,000 messages a second", nodes: flood },
  {
    name: "crash 45 s after commit",
    nodes: functionFlow(`if (!context.get("set")) setTimeout(() => { ${wayOut} out.exit(9); }, 49000); context.set("set", true);`),
    isLate: true,
  },
  { name: "SIGSTOP of the child", act: (pid) => process.kill(pid, "SIGSTOP") },
];

async function trial(fault: Fault): Promise<void> {
  const wing = new RunningWing();
  await wing.running();
  const ground = wing.ground;
  const good = services(10, () => 5);
  await wing.apply([good]);
  const polls = new Polls(ground, 1_000);
  const faultMs = performance.now();
  let said = "";
  if (fault.act !== undefined) {
    const { pid = 0 } = wing.wing.status();
    fault.act(pid);
    await wing.until("a new child runs", () => wing.wing.status().restarts > 0 && wing.wing.status().state === "running", 60_000);
    said = "nobody blamed";
  } else {
    const [, outcome] = await wing.apply([good, flowDocument("culprit", fault.nodes ?? [], { health: { soakS: 4 } })]);
    if (fault.isLate === true)
      await wing.until(
        "it is quarantined",
        () => wing.wing.status().services.some(({ id, state }) => id === "culprit" && state === "quarantined"),
        120_000,
      );
    await wing.running();
    said = fault.isLate === true ? "quarantined alone" : `${outcome?.status}: ${outcome?.problem?.message.slice(0, 90)}`;
  }
  const safeMs = performance.now() - faultMs;
  const { services: rows, restarts } = wing.wing.status();
  const neighbours = rows.filter(({ id, state }) => id.startsWith("svc-") && state === "running").length;
  await polls.stop();
  console.log(
    `${fault.name.padEnd(40)} safe after ${(safeMs / 1000).toFixed(1).padStart(5)} s | polls missed ${polls.missed} of ${polls.made} (latest ${polls.worstMs.toFixed(0)} ms) | neighbours ${neighbours}/10 | restarts ${restarts} | ${said}`,
  );
  await wing.stop();
}

await deploys();
await memory("from source (type stripping costs 30 MB)", "runtime/main.ts");
await bundledMemory();
console.log(
  "\nfaults, standard thresholds (no pong 10 s, SIGTERM, 5 s, SIGKILL), a poll every second beside (the fastest that can be configured is 1 s):",
);
for (const fault of faults) await trial(fault);
