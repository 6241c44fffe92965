import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { burstRatio, interarrivalJitter } from "../../../drivers/probe/udp/jitter.ts";
import { minPacketBytes, writeHead } from "../../../drivers/probe/udp/packet.ts";
import { UdpResponder } from "../../../drivers/probe/udp/responder.ts";
import { delayImpairment, mosOf, voiceQuality } from "../../../drivers/probe/udp/voice-quality.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { clock, probe, Servers } from "./probe-kit.ts";

const servers = new Servers();
afterEach(() => servers.end());

async function respond(packetsPerSecondPerSource = 5_000): Promise<{ readonly port: number; readonly responder: UdpResponder }> {
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const options = { host: "127.0.0.1", port: 0, packetsPerSecondPerSource, clock, logger: silentLogger };
  const responder = new UdpResponder({ ...options, onListening: ({ port }) => listening.resolve(port) });
  const running = responder.run(stop.signal);
  servers.onEnd(() => {
    stop.abort();
    return running;
  });
  return { port: await listening.promise, responder };
}

/** What the line does to the n-th stream packet of one direction. `copies` 0 = lost; `delayMs` after it came. */
type Line = (index: number) => { readonly copies?: number; readonly delayMs?: number; readonly holdForNext?: boolean };
const clear: Line = () => ({});

/** A line with an exact pattern between a prober and a responder. Only the stream itself is shaped: the question for the counts passes. */
async function shapedLine(responderPort: number, out: Line, back: Line): Promise<number> {
  const near = createSocket("udp4");
  const far = createSocket("udp4");
  let prober: RemoteInfo | undefined;
  const sender = (line: Line, isStream: (packet: Buffer) => boolean, send: (packet: Buffer) => void) => {
    let index = 0;
    let held: Buffer | undefined;
    return (packet: Buffer) => {
      if (!isStream(packet)) return send(packet);
      const { copies = 1, delayMs = 0, holdForNext = false } = line(index);
      index += 1;
      if (holdForNext) {
        held = packet;
        return;
      }
      for (let copy = 0; copy < copies; copy++) delayMs === 0 ? send(packet) : setTimeout(() => send(packet), delayMs);
      if (held !== undefined) send(held);
      held = undefined;
    };
  };
  const outwards = sender(
    out,
    (packet) => packet[4] === 1,
    (packet) => far.send(packet, responderPort, "127.0.0.1"),
  );
  const inwards = sender(
    back,
    (packet) => packet[4] === 2,
    (packet) => prober !== undefined && near.send(packet, prober.port, prober.address),
  );
  near.on("message", (packet, from) => {
    prober = from;
    outwards(packet);
  });
  far.on("message", inwards);
  near.bind(0, "127.0.0.1");
  far.bind(0, "127.0.0.1");
  await Promise.all([once(near, "listening"), once(far, "listening")]);
  servers.onEnd(() => {
    near.close();
    far.close();
  });
  return near.address().port;
}

const stream = { packets: 100, spacingMs: 5 };

async function measure(out: Line, back: Line, settings: Readonly<Record<string, unknown>> = stream) {
  const { port } = await respond();
  const outcome = await probe({ type: "udp", target: `127.0.0.1:${await shapedLine(port, out, back)}`, settings });
  return { outcome, value: (name: string) => outcome.values.get(name) ?? Number.NaN };
}

describe("a udp check over a line with an exact pattern", () => {
  it("finds nothing wrong with a clear line", async () => {
    const { outcome, value } = await measure(clear, clear);
    expect(outcome.failure).toBeUndefined();
    expect(["loss", "lossOut", "lossBack", "duplicates", "reordered"].map(value)).toEqual([0, 0, 0, 0, 0]);
    expect(value("mos")).toBeGreaterThan(4.3);
    expect(outcome.latenciesMs).toHaveLength(100);
  });

  it("tells loss on the way out from loss on the way back, exactly", async () => {
    const everyTenth: Line = (index) => ({ copies: index % 10 === 3 ? 0 : 1 });
    const everyFifth: Line = (index) => ({ copies: index % 5 === 4 ? 0 : 1 });
    const { outcome, value } = await measure(everyTenth, everyFifth);
    expect(value("lossOut")).toBe(10);
    expect(value("lossBack")).toBe(20);
    expect(value("loss")).toBe(28);
    expect(outcome.evidence["stream"]).toMatchObject({ sent: 100, received: 90, answered: 72, countsComplete: true });
  });

  it("counts the last packets as lost on the way they were lost on", async () => {
    const { value } = await measure((index) => ({ copies: index >= 95 ? 0 : 1 }), clear);
    expect([value("lossOut"), value("lossBack")]).toEqual([5, 0]);
  });

  it("counts duplicates and what was overtaken, both ways", async () => {
    const { value } = await measure((index) => ({ copies: index % 25 === 0 ? 2 : 1 }), clear);
    // Four packets twice: the responder sees four, and answers them, so that four answers come twice as well.
    expect([value("duplicates"), value("loss")]).toEqual([8, 0]);
    const swapped = await measure(
      (index) => ({ holdForNext: index % 20 === 0 }),
      (index) => ({ holdForNext: index % 50 === 10 }),
    );
    expect(swapped.value("reordered")).toBe(7);
    expect(swapped.value("loss")).toBe(0);
  });

  it("fails by loss, jitter or MOS where a bound is set", async () => {
    const lossy: Line = (index) => ({ copies: index % 4 === 0 ? 0 : 1 });
    const bounds = { ...stream, maxLossPercent: 10 };
    expect((await measure(lossy, clear, bounds)).outcome.failure).toMatchObject({ stage: "assertion", code: "loss" });
    expect((await measure(lossy, clear, { ...stream, minMos: 4 })).outcome.failure?.text).toMatch(
      /^the estimated MOS is 1\.\d\d, below 4|^the estimated MOS is [23]\.\d\d, below 4/,
    );
  });

  it("puts delay and jitter where they belong", async () => {
    const later: Line = () => ({ delayMs: 40 });
    const delayed = await measure(later, later, { packets: 20, spacingMs: 5 });
    // How much more than that is a matter of the machine's load: `npm run bench -- checks` says it.
    expect(delayed.value("latencyMin")).toBeGreaterThanOrEqual(79);
    const alternating: Line = (index) => ({ delayMs: index % 2 === 0 ? 10 : 90 });
    const out = await measure(alternating, clear, { packets: 20, spacingMs: 100 });
    expect(out.value("jitterOut")).toBeGreaterThan(2 * out.value("jitterBack"));
    const back = await measure(clear, alternating, { packets: 20, spacingMs: 100 });
    expect(back.value("jitterBack")).toBeGreaterThan(2 * back.value("jitterOut"));
  });
});

describe("a responder", () => {
  it("never answers longer or more often than it was asked, and not what is foreign", async () => {
    const { port, responder } = await respond();
    const socket = createSocket("udp4");
    const answers: number[] = [];
    socket.on("message", (message) => answers.push(message.length));
    socket.connect(port, "127.0.0.1");
    await once(socket, "connect");
    const question = (kind: "probe" | "reply" | "ask" | "summary", size = 100) => {
      const packet = Buffer.alloc(size);
      writeHead(packet, kind, Buffer.from("12345678"), 0);
      return packet;
    };
    for (const foreign of [
      Buffer.alloc(100),
      question("reply"),
      question("summary"),
      question("probe").subarray(0, minPacketBytes - 1),
      Buffer.of(),
    ])
      socket.send(foreign);
    socket.send(question("probe", 64));
    socket.send(question("ask", 1_400));
    while (answers.length < 2) await new Promise((resolve) => setImmediate(resolve));
    socket.close();
    expect(answers.toSorted((a, b) => a - b)).toEqual([64, 1_400]);
    expect(responder.counters).toEqual({ answered: 2, swallowed: 5 });
  });

  it("answers one source only so often", async () => {
    const { port, responder } = await respond(20);
    const outcome = await probe({ type: "udp", target: `127.0.0.1:${port}`, settings: { packets: 200, spacingMs: 5 } });
    const { answered, swallowed } = responder.counters;
    // Twenty at once and twenty a second for a second or some more; the rest is swallowed.
    expect(answered).toBeLessThan(150);
    expect(swallowed).toBeGreaterThan(40);
    expect(outcome.values.get("loss")).toBeGreaterThan(20);
  });

  it("is missed by a check with a sentence that helps", async () => {
    const silent = await servers.udp(() => undefined);
    const outcome = await probe({ type: "udp", target: `127.0.0.1:${silent}`, timeoutMs: 3_000, settings: { packets: 10, spacingMs: 5 } });
    expect(outcome.failure?.text).toContain("does `gatehouse probe respond` run there?");
    expect(outcome.values.get("loss")).toBe(100);
    expect(outcome.values.has("latency")).toBe(false);
  });
});

describe("figures of a stream", () => {
  it("finds the jitter of a steady pattern exactly, whatever the clocks' difference", () => {
    const transits = Array.from({ length: 60 }, (_, index) => ({ sentMs: index * 20, arrivedMs: 1e9 + index * 20 + (index % 2) * 12 }));
    expect(interarrivalJitter(transits)).toBeCloseTo(12, 9);
  });

  it("follows RFC 3550 after the first sixteen differences", () => {
    const still = Array.from({ length: 17 }, (_, index) => ({ sentMs: index * 20, arrivedMs: index * 20 }));
    expect(interarrivalJitter([...still, { sentMs: 340, arrivedMs: 356 }])).toBeCloseTo(1, 9);
  });

  it("tells bursts of loss from single losses", () => {
    const lost = (pattern: string) => [...pattern].map((letter) => letter === "x");
    expect(burstRatio(lost("x...x...x...x..."))).toBe(1);
    expect(burstRatio(lost("xxxx............"))).toBe(3);
    expect(burstRatio(lost("................"))).toBe(1);
  });

  it("gives the E-model's own figures", () => {
    const path = { delayMs: 0, jitterMs: 0, lossPercent: 0, burstRatio: 1 } as const;
    // G.107: R = 93.2 with all defaults, MOS 4.41.
    expect(voiceQuality({ ...path, codec: "g711" })).toMatchObject({ rFactor: 93.2 });
    expect(mosOf(93.2)).toBeCloseTo(4.41, 2);
    expect(voiceQuality({ ...path, codec: "g729a" }).rFactor).toBeCloseTo(82.2, 6);
    // Ie,eff of G.711 without concealment at 1 % random loss: 95 x 1 / (1 + 4.3).
    expect(93.2 - voiceQuality({ ...path, codec: "g711", lossPercent: 1 }).rFactor).toBeCloseTo(17.92, 2);
    expect(mosOf(50)).toBeCloseTo(2.575, 3);
    expect(mosOf(0)).toBe(1);
    // Idd at 400 ms (X = 2): 25 (65^(1/6) - 3 (1 + (2/3)^6)^(1/6) + 2).
    expect(delayImpairment(400)).toBeCloseTo(25 * (65 ** (1 / 6) - 3 * (1 + (2 / 3) ** 6) ** (1 / 6) + 2), 9);
    expect(delayImpairment(100)).toBe(0);
  });
});
