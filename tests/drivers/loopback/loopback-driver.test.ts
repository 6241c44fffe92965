import { describe, expect, it } from "vitest";
import { samplesOf } from "#model/report.ts";
import { createLoopbackDriver } from "../../../drivers/loopback/loopback-driver.ts";
import { contextWith, equipment, ManualClock } from "../snmp/support/fixtures.ts";

const forever = new AbortController().signal;

describe("the loopback driver", () => {
  it("counts its polls, measures its lateness and greets", async () => {
    const clock = new ManualClock();
    const session = createLoopbackDriver().open(equipment({ greeting: "good morning" }), contextWith(clock));
    const plannedAtMs = clock.monotonicMs();
    await session.poll({ plannedAtMs, deadlineMs: plannedAtMs + 100 }, forever);
    clock.advance(60_007);
    const { report } = await session.poll({ plannedAtMs: plannedAtMs + 60_000, deadlineMs: plannedAtMs + 70_000 }, forever);
    expect(Object.fromEntries([...samplesOf(report)].map((sample) => [sample.metric.name, sample.increment ?? sample.value]))).toEqual({
      polls: 1,
      latenessMs: 7,
      greeting: "good morning",
    });
    expect(report.tables[0]?.elapsedMs).toBe(60_007);
  });
});
