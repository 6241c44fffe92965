import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { SystemClock } from "../../../../runtime/host/system-clock.ts";
import type { SnmpCredential } from "../../../../runtime/model/equipment.ts";
import type { Clock } from "../../../../runtime/ports/clock.ts";
import { silentLogger } from "../../../sim/silent-logger.ts";
import { startEngine } from "./conversing.ts";
import { FuzzedConversation, fuzzUser } from "./fuzzing.ts";
import { seeded } from "./mutating.ts";

/** GATEHOUSE_FUZZ_ANSWERS=1000000 for the whole run; GATEHOUSE_FUZZ_SEED repeats one. */
const answers = Number(process.env["GATEHOUSE_FUZZ_ANSWERS"] ?? 20_000);
const seed = Number(process.env["GATEHOUSE_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const conversations = 48;
const speed = 20;
const stuckAfterMs = 60_000;

/** Real time, run twenty times as fast: timeouts of 250 ms pass in 12. */
class FastClock implements Clock {
  readonly #clock = new SystemClock(() => true);
  now = () => this.#clock.now();
  anchors = () => this.#clock.anchors();
  monotonicMs = () => this.#clock.monotonicMs() * speed;
  sleep = (ms: number, signal: AbortSignal) => this.#clock.sleep(ms / speed, signal);
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function usedMiB(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

function credentialOf(index: number): SnmpCredential {
  if (index % 4 === 0) return fuzzUser;
  return { version: index % 4 === 1 ? "1" : "2c", community: "public" };
}

describe(`${answers} mutated answers, seed ${seed}`, () => {
  it("crash nothing, leave nothing stuck, and no value is believed that was not said", { timeout: 3_600_000 }, async () => {
    const clock = new FastClock();
    const faults: unknown[] = [];
    const logger = { ...silentLogger, child: () => logger, error: (...line: unknown[]) => void faults.push(line) };
    const engine = startEngine({ clock, logger });
    const fuzzed = Array.from({ length: conversations }, (_, index) => new FuzzedConversation(credentialOf(index), seeded(seed + index)));
    const total = (of: "mutated" | "operations" | "failed") => fuzzed.reduce((sum, { tally }) => sum + tally[of], 0);
    let watermarkMiB = 0;
    const isDone = () => {
      if (watermarkMiB === 0 && total("mutated") >= answers / 5) watermarkMiB = usedMiB();
      return total("mutated") >= answers;
    };
    const within = async (work: Promise<void>, what: string) => {
      let alarm: NodeJS.Timeout | undefined;
      const stuck = new Promise<never>((_, reject) => {
        alarm = setTimeout(() => reject(new Error(`stuck: ${what}, seed ${seed}`)), stuckAfterMs);
      });
      await Promise.race([work, stuck]).finally(() => clearTimeout(alarm));
    };
    await Promise.all(
      fuzzed.map(async (conversation) => {
        const session = await conversation.open(engine);
        await conversation.run(session, isDone, within, clock.monotonicMs);
      }),
    );
    expect(fuzzed.flatMap(({ tally }) => tally.wrong).slice(0, 20)).toEqual([]);
    expect(engine.strays.decoderFaults).toBe(0);
    expect(faults).toEqual([]);
    expect(engine.pending).toBe(0);
    // Operations must get through to their end, or this would prove nothing. A count: on a busy machine most run into their 250 ms.
    expect(total("operations") - total("failed")).toBeGreaterThan(100);
    if (answers >= 200_000) expect(usedMiB() - watermarkMiB).toBeLessThan(8);
    if (process.env["GATEHOUSE_FUZZ_ANSWERS"] !== undefined)
      console.log({
        mutated: total("mutated"),
        operations: total("operations"),
        failed: total("failed"),
        watermarkMiB,
        usedMiB: usedMiB(),
        strays: engine.strays,
      });
    await engine.close();
    await Promise.all(fuzzed.map((conversation) => conversation.close()));
  });
});
