import { clock } from "../../drivers/snmp/engine/conversing.ts";
import type { ClientResult } from "./workload.ts";

const warmUpMs = 1500;

export interface Measured {
  readonly valuesPerItem: number;
  readonly requests: () => number;
  readonly wrong: () => number;
}

/**
 * Keeps all items busy, each read after the other, for a warm-up and then for the time given; prints what the whole process (all its threads)
 * spent in that time, as one JSON line.
 */
export async function measure<T>(seconds: number, items: readonly T[], read: (item: T) => Promise<void>, of: Measured): Promise<void> {
  const beginsAtMs = clock.monotonicMs() + warmUpMs;
  const endsAtMs = beginsAtMs + seconds * 1000;
  let done = 0;
  let before: { readonly done: number; readonly requests: number; readonly cpu: NodeJS.CpuUsage; readonly atMs: number } | undefined;
  let result: ClientResult | undefined;
  const look = () => {
    const nowMs = clock.monotonicMs();
    if (before === undefined && nowMs >= beginsAtMs) before = { done, requests: of.requests(), cpu: process.cpuUsage(), atMs: nowMs };
    if (before !== undefined && result === undefined && nowMs >= endsAtMs) {
      const { user, system } = process.cpuUsage(before.cpu);
      const values = (done - before.done) * of.valuesPerItem;
      result = {
        values,
        cpuMs: (user + system) / 1000,
        wallMs: nowMs - before.atMs,
        requests: of.requests() - before.requests,
        wrong: of.wrong(),
      };
    }
    return result === undefined;
  };
  await Promise.all(
    items.map(async (item) => {
      while (look()) {
        await read(item);
        done += 1;
      }
    }),
  );
  console.log(JSON.stringify(result));
}
