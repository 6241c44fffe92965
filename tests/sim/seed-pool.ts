import { Worker } from "node:worker_threads";
import type { SeedResult } from "./world/simulate-seed.ts";

export interface SeedOrder {
  readonly seed: number;
  readonly hours: number;
}

export interface SeedOutcome {
  readonly seed: number;
  readonly result?: SeedResult;
  /** The simulation itself ended with an error: a bug of its own or of the code under test. */
  readonly crashed?: string;
  /** Virtual time stood still for too long of real time. */
  readonly hung?: string;
  readonly tookMs: number;
  readonly cpuMs: number;
}

export interface PoolOptions {
  readonly first: number;
  readonly seeds: number;
  /** Between one seed and the next; 5 stays within one kind of world. */
  readonly step?: number;
  readonly hours: number;
  readonly jobs: number;
  /** Virtual time that stands still this long of real time hangs. */
  readonly hangMs: number;
}

const lookEveryMs = 500;
/** A power cut leaves databases open, as it does; their memory goes with the thread. */
const seedsPerThread = 25;

/**
 * Lives through seeds on several threads. Each seed is a world of its own, so what comes out does not depend on the number of threads;
 * outcomes are given in the order of the seeds.
 * @param onOutcome false = no more seeds are wanted
 */
export async function simulateSeeds(options: PoolOptions, onOutcome: (outcome: SeedOutcome) => boolean): Promise<void> {
  const outcomes = new Map<number, SeedOutcome>();
  const step = options.step ?? 1;
  const end = options.first + options.seeds * step;
  let nextOrder = options.first;
  let nextOutcome = options.first;
  let wanted = true;
  const take = (outcome: SeedOutcome) => {
    outcomes.set(outcome.seed, outcome);
    for (let one = outcomes.get(nextOutcome); one !== undefined && wanted; one = outcomes.get(nextOutcome)) {
      outcomes.delete(nextOutcome);
      nextOutcome += step;
      wanted = onOutcome(one);
    }
  };
  const work = async () => {
    let thread = new SeedThread(options.hangMs);
    let lived = 0;
    try {
      while (wanted && nextOrder < end) {
        const seed = nextOrder;
        nextOrder += step;
        const outcome = await thread.live({ seed, hours: options.hours });
        take(outcome);
        lived += 1;
        if (outcome.hung === undefined && lived % seedsPerThread !== 0) continue;
        await thread.end();
        thread = new SeedThread(options.hangMs);
      }
    } finally {
      await thread.end();
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, options.seeds) }, work));
}

class SeedThread {
  readonly #progress = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  readonly #hangMs: number;

  constructor(hangMs: number) {
    this.#hangMs = hangMs;
    this.#worker = new Worker(new URL("./seed-worker.ts", import.meta.url), { workerData: { progress: this.#progress } });
  }

  live(order: SeedOrder): Promise<SeedOutcome> {
    const startedMs = performance.now();
    return new Promise((resolve) => {
      let virtualS = -1;
      let movedMs = startedMs;
      const finish = (outcome: SeedOutcome) => {
        clearInterval(watch);
        this.#worker.off("message", finish);
        this.#worker.off("error", failed);
        resolve(outcome);
      };
      const watch = setInterval(() => {
        const now = Atomics.load(this.#progress, 0);
        if (now !== virtualS) movedMs = performance.now();
        virtualS = now;
        if (performance.now() - movedMs < this.#hangMs) return;
        const tookMs = performance.now() - startedMs;
        finish({
          seed: order.seed,
          hung: `virtual time stands still ${(virtualS / 3_600).toFixed(1)} h after the start`,
          tookMs,
          cpuMs: tookMs,
        });
      }, lookEveryMs);
      // An error nobody caught ends the thread, as it would end the gateway's process.
      const failed = (error: unknown) => {
        const tookMs = performance.now() - startedMs;
        const crashed = error instanceof Error ? (error.stack ?? error.message) : String(error);
        finish({ seed: order.seed, crashed, hung: "the thread is gone", tookMs, cpuMs: tookMs });
      };
      Atomics.store(this.#progress, 0, 0);
      this.#worker.once("message", finish);
      this.#worker.once("error", failed);
      this.#worker.postMessage(order);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
