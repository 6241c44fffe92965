import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Engine } from "../../../../drivers/snmp/engine/engine.ts";
import { Learned } from "../../../../drivers/snmp/engine/learned.ts";
import { datagramBunches } from "../../../../runtime/host/datagram-bunches.ts";
import type { SnmpSession } from "../../../../runtime/ports/snmp.ts";
import { clock, inMs, startEngine, unending } from "./conversing.ts";
import { readMessage, writeMessage } from "./plain-ber.ts";
import { octets, TableAgent } from "./table-agent.ts";

const name = "1.3.6.1.2.1.1.5.0";

describe("what is learnt of the round trip", () => {
  const learned = () => new Learned({ timeoutMs: 1000, targetMessageBytes: 1472, largestMessageBytes: 1472, maxWindow: 4, bulk: true });

  it("is the configured timeout before the first answer", () => {
    expect([0, 1, 2].map((attempt) => learned().timeoutMs(attempt))).toEqual([1000, 1000, 1000]);
  });

  it("shortens the timeout to 250 ms, and lengthens it from attempt to attempt up to the configured one", () => {
    const fast = learned();
    for (let answer = 0; answer < 20; answer++) fast.noteRoundTrip(2);
    expect([0, 1, 2, 3].map((attempt) => fast.timeoutMs(attempt))).toEqual([250, 500, 1000, 1000]);
  });

  it("lengthens the timeout for slow agents, to 10 s at most", () => {
    const slow = learned();
    slow.noteRoundTrip(2000);
    expect(slow.timeoutMs(0)).toBe(6000);
    slow.noteRoundTrip(30_000);
    expect(slow.timeoutMs(0)).toBe(10_000);
  });
});

describe("an agent that is slow", () => {
  let agent: TableAgent;
  let engine: Engine;
  let session: SnmpSession;

  beforeEach(async () => {
    agent = await new TableAgent().open();
    agent.set({ [name]: octets("slow") });
    engine = startEngine();
    session = engine.open({
      address: "127.0.0.1",
      port: agent.port,
      credential: { version: "2c", community: "public" },
      timeoutMs: 250,
      retries: 2,
    });
  });
  afterEach(async () => {
    await engine.close();
    await agent.close();
  });

  it("is not called silent for a time in which this process stood still", async () => {
    for (let poll = 0; poll < 4; poll++) await session.get([name], unending);
    const { retries, timeouts } = session.counters();
    agent.answering = (request) => {
      // The agent lives in this process: while it holds everything up the time for its answer passes.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
      return [writeMessage(agent.answer(request))];
    };
    await session.get([name], unending);
    expect(session.counters()).toMatchObject({ retries, timeouts });
  });

  /** Answers each request after so many milliseconds. */
  function delayAnswers(ms: number): void {
    agent.socket.removeAllListeners("message");
    agent.socket.on("message", (bytes, from) => {
      const answer = writeMessage(agent.answer(readMessage(bytes)));
      void clock.sleep(ms, unending).then(() => agent.socket.send(answer, from.port, from.address));
    });
  }

  it("is believed when its answer to the first attempt comes after the second was sent", async () => {
    delayAnswers(350);
    expect(await session.get([name], unending)).toMatchObject([{ type: "octet-string" }]);
    const { retries, roundTripMs } = session.counters();
    expect(retries).toBe(1);
    // The id says which attempt was answered: the round trip is that of the first.
    expect(roundTripMs).toBeGreaterThan(300);
    await session.get([name], unending);
    expect(session.counters().retries).toBe(1);
    expect(session.counters().lateAnswers).toBe(1);
  });

  it("does not hold up others", async () => {
    const silent = engine.open({
      address: "127.0.0.1",
      port: 9,
      credential: { version: "2c", community: "public" },
      timeoutMs: 250,
      retries: 0,
    });
    const crowd = Array.from({ length: 300 }, () => silent.get([name], unending).catch((error: unknown) => error));
    const beganMs = inMs(0);
    expect(await session.get([name], unending)).toMatchObject([{ type: "octet-string" }]);
    // One after the other the silent ones alone would take 75 s.
    expect(inMs(0) - beganMs).toBeLessThan(30_000);
    await Promise.all(crowd);
    expect(engine.pending).toBe(0);
  });
});

describe("how datagrams travel", () => {
  const hasBunches = process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");

  it.each([{ platform: "darwin", is: "single" }, ...(hasBunches ? [{ platform: "linux", is: "bunched" }] : [])])(
    "is said, once there were any: $is",
    async ({ platform, is }) => {
      const agent = await new TableAgent().open();
      agent.set({ [name]: octets("seen") });
      const engine = startEngine({ bunches: datagramBunches(platform, process.arch) });
      expect(engine.datagrams()).toBe("none");
      const credential = { version: "2c", community: "public" } as const;
      const session = engine.open({ address: "127.0.0.1", port: agent.port, credential, timeoutMs: 10_000, retries: 5 });
      await session.get([name], unending);
      expect(engine.datagrams()).toBe(is);
      await engine.close();
      await agent.close();
    },
  );
});
