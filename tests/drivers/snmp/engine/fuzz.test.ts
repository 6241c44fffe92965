import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { fuzzAnswers } from "../../../fuzz/runs/answers.ts";

/** GATEHOUSE_FUZZ_ANSWERS=1000000 for the whole run; GATEHOUSE_FUZZ_SEED repeats one. `npm run bench -- fuzz --only "SNMP answers"` adds the coverage. */
const answers = Number(process.env["GATEHOUSE_FUZZ_ANSWERS"] ?? 20_000);
const seed = Number(process.env["GATEHOUSE_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function usedMiB(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

describe(`${answers} mutated answers, seed ${seed}`, () => {
  it("crash nothing, leave nothing stuck, and no value is believed that was not said", { timeout: 3_600_000 }, async () => {
    let watermarkMiB = 0;
    let endMiB = 0;
    const onProgress = (done: number) => {
      if (watermarkMiB === 0 && done >= answers / 5) watermarkMiB = usedMiB();
      if (endMiB === 0 && done >= answers) endMiB = usedMiB();
    };
    const fuzzed = await fuzzAnswers({ inputs: answers, seed, onProgress });
    expect(fuzzed.wrong.slice(0, 20)).toEqual([]);
    expect(fuzzed.strays.decoderFaults).toBe(0);
    expect(fuzzed.faults).toEqual([]);
    expect(fuzzed.pending).toBe(0);
    // Operations must get through to their end, or this would prove nothing. A count: on a busy machine most run into their 250 ms.
    expect(fuzzed.operations - fuzzed.failed).toBeGreaterThan(100);
    if (answers >= 200_000) expect(endMiB - watermarkMiB).toBeLessThan(8);
    if (process.env["GATEHOUSE_FUZZ_ANSWERS"] !== undefined) console.log({ ...fuzzed, watermarkMiB, endMiB });
  });
});
