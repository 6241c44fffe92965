import { describe, expect, it } from "vitest";
import { Learned } from "../../../../drivers/snmp/engine/learned.ts";
import { inMs, startEngine, unending } from "./conversing.ts";
import { cellsOf, columns, entry, expected, planOf, rows } from "./switch-site.ts";
import { integer, TableAgent } from "./table-agent.ts";

/** What is learnt of an agent whose answers may grow to 8,192 bytes. */
function learned(roundTripMs = 2): Learned {
  const made = new Learned({ timeoutMs: 1000, targetMessageBytes: 1472, largestMessageBytes: 8192, maxWindow: 4, bulk: true });
  for (let answer = 0; answer < 20; answer++) made.noteRoundTrip(roundTripMs);
  return made;
}

/** Answers after which the next size is on trial. */
const untilTried = 64;

/** So many answers, each as large as is asked for. */
function answer(of: Learned, times: number): void {
  for (let one = 0; one < times; one++) of.noteAnswer(of.answerBytes - 10);
}

describe("the requests at once", () => {
  const answered = (of: Learned, times: number): number => {
    for (let one = 0; one < times; one++) of.noteAnswer(400);
    return of.window;
  };
  const limits = { timeoutMs: 1000, targetMessageBytes: 1472, largestMessageBytes: 1472, maxWindow: 16, bulk: true };

  it("begin with one and grow to sixteen for an agent that answers within milliseconds, to four for one that takes its time", () => {
    const quick = new Learned(limits);
    quick.noteRoundTrip(5);
    expect([quick.window, answered(quick, 1_000)]).toEqual([1, 16]);
    const slow = new Learned(limits);
    slow.noteRoundTrip(80);
    expect(answered(slow, 1_000)).toBe(4);
  });

  it("fall to one with a loss and stay below what failed until thousands of answers came", () => {
    const agent = new Learned(limits);
    agent.noteRoundTrip(5);
    answered(agent, 8);
    agent.noteLoss();
    expect(answered(agent, 4_000)).toBe(1);
    expect(answered(agent, 200)).toBe(2);
  });
});

describe("the size of answers", () => {
  it("doubles for a quick agent that loses none, up to the limit, and the values asked for at once with it", () => {
    const agent = learned();
    const { revision } = agent;
    answer(agent, 100);
    expect(agent.answerBytes).toBe(2944);
    answer(agent, 2_000);
    expect(agent.answerBytes).toBe(8192);
    expect(agent.maxCells).toBeGreaterThan(500);
    expect(agent.revision).toBeGreaterThan(revision);
    expect(agent.answerFrames).toBe(6);
  });

  it("stays within a frame for an agent that takes its time, and where no growth is wanted", () => {
    const slow = learned(80);
    answer(slow, 3_000);
    expect(slow.answerBytes).toBe(1472);
    const fixed = new Learned({ timeoutMs: 1000, targetMessageBytes: 1472, largestMessageBytes: 1472, maxWindow: 4, bulk: true });
    fixed.noteRoundTrip(2);
    answer(fixed, 3_000);
    expect(fixed.answerBytes).toBe(1472);
  });

  it("does not grow further before one that large has come", () => {
    const agent = learned();
    for (let one = 0; one < 3_000; one++) agent.noteAnswer(400);
    expect(agent.answerBytes).toBe(2944);
  });

  it("falls back to what the agent answers whole, for good, when it cuts them", () => {
    const agent = learned();
    answer(agent, untilTried);
    agent.noteTruncated(1455);
    expect(agent.answerBytes).toBe(1472);
    answer(agent, 20_000);
    expect(agent.answerBytes).toBe(1472);
  });

  it("falls back for good when the agent falls silent over a size on trial, and leaves its other limits alone", () => {
    const agent = learned();
    answer(agent, untilTried);
    expect(agent.answerBytes).toBe(2944);
    expect(agent.blameSize(true)).toBe(true);
    agent.noteSlow(250);
    expect(agent.answerBytes).toBe(1472);
    expect(agent.maxCells).toBe(128);
    answer(agent, 20_000);
    expect(agent.answerBytes).toBe(1472);
  });

  it("becomes smaller where answers are lost again and again, and is tried again after many that were not", () => {
    const agent = learned();
    answer(agent, 3_000);
    for (let loss = 0; loss < 3; loss++) agent.noteLoss();
    expect(agent.answerBytes).toBe(4096);
    answer(agent, 500);
    expect(agent.answerBytes).toBe(4096);
    answer(agent, 9_000);
    expect(agent.answerBytes).toBe(8192);
  });

  it("becomes smaller, not the number of columns, when the agent finds a large request too big", () => {
    const agent = learned();
    answer(agent, untilTried);
    agent.noteTooBig(20, 12);
    expect(agent).toMatchObject({ answerBytes: 1472, maxRequestVarbinds: 60 });
    agent.noteTooBig(20, 3);
    expect(agent.maxRequestVarbinds).toBe(10);
  });
});

describe("answers that grow", () => {
  it.each([
    { maxBytes: 4096, ending: "as far as the agent lets them" },
    { maxBytes: 700, ending: "to what the agent cuts them to" },
  ])("lose no value on their way $ending", async ({ maxBytes }) => {
    const agent = await new TableAgent().open();
    agent.maxBytes = maxBytes;
    agent.table(entry, columns, rows, (row, column) => integer(Number(row) * 1000 + column, column === 5 ? 0x02 : 0x41));
    const engine = startEngine({ limits: { targetMessageBytes: 484, largestMessageBytes: 4096 } });
    try {
      const credential = { version: "2c", community: "public" } as const;
      const session = engine.open({ address: "127.0.0.1", port: agent.port, credential, timeoutMs: 2_000, retries: 5 });
      const plan = planOf();
      for (let reads = 0; reads < 25; reads++) {
        const answer = await session.readTable(plan, inMs(60_000), unending);
        expect(cellsOf(plan, answer)).toEqual(expected());
        session.release?.(plan);
      }
      expect(session.counters().maxMessageBytes).toBeLessThanOrEqual(maxBytes);
    } finally {
      await engine.close();
      await agent.close();
    }
  });
});
