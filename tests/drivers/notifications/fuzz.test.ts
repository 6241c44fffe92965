import { describe, expect, it } from "vitest";
import type { Datagram } from "../../../drivers/notifications/datagram-port.ts";
import { parseSyslog } from "../../../drivers/notifications/syslog-message.ts";
import { SyslogReceiver } from "../../../drivers/notifications/syslog-receiver.ts";
import { TrapReceiver } from "../../../drivers/notifications/trap-receiver.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { isGatewayError } from "../../../runtime/model/errors.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { CollectingSink, seeded } from "./receiving.ts";
import { sampleDatagrams } from "./sample-datagrams.ts";

/** Mutated datagrams; GATEHOUSE_FUZZ_TRAPS=100000 for the long run. */
const rounds = Number(process.env["GATEHOUSE_FUZZ_TRAPS"] ?? 2_000);
const seed = Number(process.env["GATEHOUSE_FUZZ_SEED"] ?? 1);
const maxEventBytes = 16_384;

describe(`mutated notifications (seed ${seed}, ${rounds} of each)`, () => {
  it("end in an event, a counted refusal or driver.bad-answer, never in anything else", () => {
    const receiver = new TrapReceiver({
      ...common(),
      entropy: systemEntropy,
      engineId: Buffer.from("80007ed90467772d74657374", "hex"),
      credentials: [
        { version: "3", user: "open" },
        { version: "3", user: "sha", auth: { protocol: "sha256", key: "authpass-1" }, priv: { protocol: "aes128", key: "privpass-1" } },
      ],
    });
    const random = seeded(seed);
    const originals = Object.values(sampleDatagrams).map((hex) => Buffer.from(hex, "hex"));
    const outcomes = { events: 0, malformed: 0, other: 0, replies: 0 };
    const reply = () => {
      outcomes.replies += 1;
    };
    const heapBefore = settledHeap();
    for (let i = 0; i < rounds; i++) {
      const original = originals[i % originals.length] ?? Buffer.alloc(0);
      try {
        const { event } = receiver.handle(datagramOf(mutate(original, random), reply));
        if (event === undefined) outcomes.other += 1;
        else {
          outcomes.events += 1;
          expect(Buffer.byteLength(JSON.stringify(event.attributes))).toBeLessThanOrEqual(maxEventBytes);
        }
      } catch (error) {
        if (!isGatewayError(error) || error.code !== "driver.bad-answer") throw error;
        outcomes.malformed += 1;
      }
    }
    expect(outcomes.events + outcomes.malformed + outcomes.other).toBe(rounds);
    // The mutations must reach all of the ways, or the test proves nothing.
    expect(Math.min(outcomes.events, outcomes.malformed, outcomes.other, outcomes.replies)).toBeGreaterThan(rounds / 100);
    const grownMiB = (settledHeap() - heapBefore) / 2 ** 20;
    if (rounds > 50_000) console.log(`${JSON.stringify(outcomes)} heap ${grownMiB.toFixed(1)} MiB more`);
    expect(grownMiB).toBeLessThan(24);
  });

  it("understand each sample before it is mutated", () => {
    const receiver = new TrapReceiver({
      ...common(),
      entropy: systemEntropy,
      engineId: Buffer.from("80007ed90467772d74657374", "hex"),
      credentials: [
        { version: "3", user: "open" },
        { version: "3", user: "sha", auth: { protocol: "sha256", key: "authpass-1" }, priv: { protocol: "aes128", key: "privpass-1" } },
      ],
    });
    for (const name of ["v1", "v2c", "inform", "v3", "v3AuthPriv"] as const) {
      const { event } = receiver.handle(datagramOf(Buffer.from(sampleDatagrams[name], "hex"), () => undefined));
      expect(event, name).toMatchObject({ source: "trap", attributes: { upTimeTicks: 4711 } });
    }
  });

  it("of syslog are read as text whatever they hold", () => {
    const receiver = new SyslogReceiver({ ...common(), unmatchedMaxSeverity: 7 });
    const random = seeded(seed + 1);
    const originals = [
      '<165>1 2026-10-11T22:14:15.003Z host.example.com app 1234 ID47 [ex@32473 iut="3" note="a\\"b"][x@32473 y="z"] \ufeffAn ünusual event',
      "<34>Oct 11 22:14:15 host su[88]: 'su root' failed for user on /dev/pts/8",
      "<189>4711: *Mar  1 2026 00:01:02.123: %LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
      "no priority at all",
    ].map((text) => Buffer.from(text));
    for (let i = 0; i < rounds; i++) {
      const mutant = mutate(originals[i % originals.length] ?? Buffer.alloc(0), random);
      const { event } = receiver.handle(datagramOf(mutant, () => undefined));
      expect(event?.text.length).toBeGreaterThan(0);
      expect(Buffer.byteLength(JSON.stringify(event?.attributes))).toBeLessThanOrEqual(maxEventBytes);
    }
    const huge = parseSyslog(Buffer.alloc(65_507, '[a b="\\'));
    expect(huge.truncated).toBe(true);
    expect(huge.text.length).toBeLessThanOrEqual(2_000);
  });
});

function common() {
  return {
    host: "127.0.0.1",
    port: 0,
    clock: new SystemClock(() => true),
    logger: silentLogger,
    sink: new CollectingSink(),
    lookup: () => undefined,
  };
}

function datagramOf(bytes: Uint8Array, reply: () => void): Datagram {
  return { bytes, address: "192.0.2.1", port: 40_000, equipment: undefined, reply };
}

function mutate(original: Buffer, random: (below: number) => number): Buffer {
  const mutant = Buffer.from(original);
  switch (random(6)) {
    case 0:
      return mutant.subarray(0, random(mutant.length));
    case 1: {
      const at = random(mutant.length);
      return Buffer.concat([
        mutant.subarray(0, at),
        Buffer.from(Array.from({ length: 1 + random(64) }, () => random(256))),
        mutant.subarray(at),
      ]);
    }
    case 2: {
      // A length octet blown up or a tag exchanged does more harm than noise.
      mutant[random(mutant.length)] = [0x00, 0x7f, 0x80, 0x84, 0xff][random(5)] ?? 0;
      return mutant;
    }
    default:
      for (let flips = 1 + random(4); flips > 0; flips--) mutant[random(mutant.length)] = random(256);
      return mutant;
  }
}

function settledHeap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
