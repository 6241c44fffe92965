/**
 * Confirmed commits with random cuts, over mosquitto with real processes: `node tests/bench/commits/main.ts [RUNS] [SEED] [CUTS]`. In each run the
 * NOC orders another configuration; at a random moment the gateway is killed, or the broker, or the NOC's end stands still, or the power is cut: the
 * gateway's state lies on an ext4 of its own whose kernel writes nothing back by itself; the process is stopped, what the block device has by then is
 * copied, and the next start finds the copy. What was not synced is gone. In the end the gateway must be exactly at the old or exactly at the new, and the
 * NOC must know which. CUTS: their numbers, one after the other instead of random ones.
 */
import { OrdersField, overlay } from "../../integration/orders-field.ts";
import { until } from "../../integration/processes.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { LoopDisk, lostSomething, missingLoopFacility } from "../../store/loop-disk.ts";

const runs = Number(process.argv[2] ?? 100);
const seed = Number(process.argv[3] ?? 1);
const entropy = seededEntropy(seed);
const sequence = (process.argv[4] ?? "").split(",").filter((one) => one !== "");
const missing = missingLoopFacility();
const disk = missing === undefined ? new LoopDisk(192) : undefined;
if (missing !== undefined) console.log(`no power is cut: that needs ${missing}`);
/** Power cuts, and those of them that took something unsynced away. */
const power = { cuts: 0, lossy: 0 };
const cuts = [
  "kill the gateway",
  "kill the gateway twice",
  "broker gone for a while",
  "noc stands still",
  "a change that cuts itself off",
  "no cut",
  ...(disk === undefined ? [] : (["power cut", "power cut twice"] as const)),
] as const;
type Cut = (typeof cuts)[number];

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function disturb(field: OrdersField, cut: Cut, momentMs: number): Promise<void> {
  await pause(momentMs);
  switch (cut) {
    case "kill the gateway":
    case "kill the gateway twice":
      await field.gateway?.end("SIGKILL");
      field.startGateway();
      if (cut === "kill the gateway") return;
      await pause(300 + entropy.random() * 1_500);
      await field.gateway?.end("SIGKILL");
      field.startGateway();
      return;
    case "broker gone for a while":
      await field.broker?.end("SIGKILL");
      await pause(500 + entropy.random() * 8_000);
      await field.startBroker();
      return;
    case "noc stands still":
      field.noc?.signal("SIGSTOP");
      await pause(500 + entropy.random() * 8_000);
      field.noc?.signal("SIGCONT");
      return;
    case "power cut":
    case "power cut twice":
      await cutPower(field);
      if (cut === "power cut") return;
      await pause(300 + entropy.random() * 1_500);
      await cutPower(field);
      return;
    default:
      return;
  }
}

async function cutPower(field: OrdersField): Promise<void> {
  if (disk === undefined) return;
  field.gateway?.signal("SIGSTOP");
  // A sync that was under way in the kernel ends; no new one begins.
  await pause(20);
  const before = disk.contents();
  const swap = disk.snapshot();
  await field.gateway?.end("SIGKILL");
  swap();
  power.cuts += 1;
  if (lostSomething(before, disk.contents())) power.lossy += 1;
  field.startGateway();
}

interface Row {
  readonly cut: Cut;
  readonly phase: string;
  readonly exact: boolean;
  readonly truthful: boolean;
  /** Why it went back, in the gateway's words to the NOC. */
  readonly reason: string;
}

async function one(
  field: OrdersField,
  run: number,
  before: readonly [number, number],
): Promise<{ readonly row: Row; readonly now: readonly [number, number] }> {
  const drawn = Math.floor(entropy.random() * cuts.length);
  const cut = cuts[sequence.length === 0 ? drawn : Number(sequence[(run - 1) % sequence.length])] ?? "no cut";
  const isHeavy = entropy.random() < 0.6;
  // Two options that only change together: one without the other would be neither old nor new.
  const wanted: readonly [number, number] = [2_000 + run, isHeavy ? 100 + run : before[1]];
  const away = cut === "a change that cuts itself off" ? { uplink: { url: "mqtt://127.0.0.1:1" } } : {};
  const { gen } = await field.want(overlay(wanted[0], { limits: { concurrentPolls: wanted[1] }, ...away }));
  await disturb(field, cut, entropy.random() * 1_500);
  const view = await field.outcome(gen, 120_000);
  await field.connected(60_000);
  const found = await inForce(field);
  const isNew = found[0] === wanted[0] && found[1] === wanted[1];
  const isOld = found[0] === before[0] && found[1] === before[1];
  const phase = view.reported?.phase ?? "unknown";
  return {
    row: { cut, phase, exact: isNew || isOld, truthful: phase === "ok" ? isNew : isOld, reason: view.reported?.reason ?? "" },
    now: found,
  };
}

async function inForce(field: OrdersField): Promise<readonly [number, number]> {
  let found: readonly [number, number] | undefined;
  await until("the gateway says what is in force", async () => {
    const answer = (await field.control("config-effective")) as
      | {
          readonly configuration: {
            readonly equipment: readonly { readonly pollIntervalMs: number }[];
            readonly limits: { readonly concurrentPolls: number };
          };
        }
      | undefined;
    const interval = answer?.configuration.equipment[0]?.pollIntervalMs;
    if (answer === undefined || interval === undefined) return false;
    found = [interval, answer.configuration.limits.concurrentPolls];
    return true;
  });
  if (found === undefined) throw new Error("nothing in force");
  return found;
}

const field = new OrdersField(disk === undefined ? undefined : `${disk.mountPoint}/gateway`);
const rows: Row[] = [];
try {
  await field.start({ confirmWindowMs: 6_000 });
  let now = await inForce(field);
  for (let run = 1; run <= runs; run++) {
    const outcome = await one(field, run, now);
    rows.push(outcome.row);
    now = outcome.now;
    const { cut, phase, exact, truthful, reason } = outcome.row;
    console.log(
      `${String(run).padStart(4)}  ${cut.padEnd(30)} ${phase.padEnd(12)} ${exact ? "exact" : "NEITHER"} ${truthful ? "told" : "LIED"}  ${reason}`,
    );
  }
} finally {
  await field.end();
  disk?.remove();
}
for (const cut of cuts) {
  const own = rows.filter((row) => row.cut === cut);
  const good = own.filter((row) => row.exact && row.truthful);
  console.log(
    `${cut.padEnd(30)} ${own.length} runs, ${good.length} exactly old or new and reported so, ${own.filter((row) => row.phase === "ok").length} confirmed`,
  );
}
console.log(`power was cut ${power.cuts} times; ${power.lossy} of the cuts took something away that was written and not synced`);
if (rows.length < runs || rows.some((row) => !row.exact || !row.truthful)) process.exitCode = 1;
