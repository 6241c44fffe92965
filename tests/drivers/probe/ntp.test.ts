import { afterEach, describe, expect, it } from "vitest";
import { offsetAndDelay } from "../../../drivers/probe/ntp/message.ts";
import { clock, probe, Servers } from "./probe-kit.ts";

const servers = new Servers();
afterEach(() => servers.end());

const unixOffsetS = 2_208_988_800;

/** NTP's 64-bit timestamp of a Unix time. */
function timestamp(unixMs: number): Buffer {
  const bytes = Buffer.alloc(8);
  const seconds = Math.floor(unixMs / 1_000);
  bytes.writeUInt32BE((seconds + unixOffsetS) % 2 ** 32, 0);
  bytes.writeUInt32BE(Math.floor((unixMs / 1_000 - seconds) * 2 ** 32), 4);
  return bytes;
}

interface Server {
  /** How far the server's clock is ahead of this machine's, ms. */
  readonly aheadMs?: number;
  readonly stratum?: number;
  readonly leap?: number;
  readonly reference?: string;
}

function answerTo(request: Buffer, { aheadMs = 0, stratum = 2, leap = 0, reference = "GPS" }: Server): Buffer {
  const answer = Buffer.alloc(48);
  answer[0] = (leap << 6) | (4 << 3) | 4;
  answer[1] = stratum;
  answer.write(reference, 12, "latin1");
  request.copy(answer, 24, 40, 48);
  const now = timestamp(clock.now().wallMs + aheadMs);
  now.copy(answer, 32);
  now.copy(answer, 40);
  return answer;
}

async function ask(server: Server | ((request: Buffer) => Buffer), settings: Readonly<Record<string, unknown>> = {}, timeoutMs = 3_000) {
  const port = await servers.udp((request, reply) => reply(typeof server === "function" ? server(request) : answerTo(request, server)));
  return probe({ type: "ntp", target: `127.0.0.1:${port}`, timeoutMs, settings });
}

describe("an ntp check", () => {
  it("takes offset and delay out of the four times of an exchange", () => {
    // The server is 1,000 ms ahead, 30 ms there, 10 ms of thought, 50 ms back: the asymmetry is in the offset, as it must be.
    expect(offsetAndDelay({ t1: 0, t2: 1_030, t3: 1_040, t4: 90 })).toEqual({ offsetMs: 990, delayMs: 80 });
  });

  it.each([5_000, -5_000])("finds a clock that is %d ms ahead, within five percent", async (aheadMs) => {
    const outcome = await ask({ aheadMs }, { maxOffsetMs: 60_000 });
    expect(outcome.failure).toBeUndefined();
    expect(Math.abs((outcome.values.get("offset") ?? Number.NaN) - aheadMs)).toBeLessThan(250);
    expect(outcome.values.get("stratum")).toBe(2);
    expect(outcome.latenciesMs).toHaveLength(1);
  });

  it("reads times of the era that begins in 2036", async () => {
    const secondsTo2036 = 2_085_978_496 - clock.now().wallMs / 1_000;
    const aheadMs = (secondsTo2036 + 3_600) * 1_000;
    const outcome = await ask({ aheadMs }, { maxOffsetMs: 86_400_000 });
    expect((outcome.values.get("offset") ?? 0) / aheadMs).toBeCloseTo(1, 3);
  });

  it.each([
    ["a clock that is too far away", { aheadMs: 5_000 }, {}, "assertion"],
    ["a server that is not synchronised", { leap: 3 }, {}, "bad-answer"],
    ["a server that refuses", { stratum: 0, reference: "RATE" }, {}, "refused"],
    ["a server too far from its reference", { stratum: 9 }, { maxStratum: 4 }, "assertion"],
  ])("fails for %s", async (_name, server, settings, code) => {
    expect((await ask(server, settings)).failure?.code).toBe(code);
  });

  it("believes nobody who does not give its number back", async () => {
    const forged = (request: Buffer) => {
      const answer = answerTo(request, {});
      answer[24] = (answer[24] ?? 0) ^ 1;
      return answer;
    };
    expect((await ask(forged, {}, 400)).failure?.code).toBe("timeout");
    expect((await ask(() => Buffer.alloc(3), {}, 400)).failure?.code).toBe("timeout");
  });
});
