import { describe, expect, it } from "vitest";
import { runSubject } from "../fuzz/run-subject.ts";
import { fuzzSubjects } from "../fuzz/subjects/index.ts";

/** Inputs for each reader; GATEHOUSE_FUZZ=100000 for more, `npm run bench -- fuzz` for all figures. GATEHOUSE_SEED repeats one. */
const cases = Number(process.env["GATEHOUSE_FUZZ"] ?? 100);
const seed = Number(process.env["GATEHOUSE_SEED"] ?? 7);
const chosen = fuzzSubjects.filter(({ name }) => new RegExp(process.env["GATEHOUSE_FUZZ_ONLY"] ?? "").test(name));

describe(`${cases} damaged inputs`, () => {
  it("crash no reader, and are never taken for genuine", async () => {
    for (const subject of chosen) {
      const inputs = cases > 10_000 ? cases : Math.ceil(cases * (subject.share ?? 1));
      const outcome = await runSubject(subject, { inputs, seed });
      expect(outcome.refused + outcome.understood, subject.name).toBe(inputs);
      if (subject.refusesValid !== true) expect(outcome.validRefused, subject.name).toBe(0);
    }
    expect(fuzzSubjects.length).toBeGreaterThanOrEqual(40);
  }, 3_600_000);
});
