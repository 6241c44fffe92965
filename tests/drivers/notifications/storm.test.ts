import { createSocket } from "node:dgram";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterEach, describe, expect, it } from "vitest";
import { plainAddress } from "../../../drivers/notifications/datagram-port.ts";
import { defaultStormLimits, StormGuard } from "../../../drivers/notifications/storm-guard.ts";
import { SyslogReceiver } from "../../../drivers/notifications/syslog-receiver.ts";
import { TrapReceiver } from "../../../drivers/notifications/trap-receiver.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { until } from "../simulated/running-site.ts";
import { CollectingSink, equipmentId, type RunningUnit, sendDatagram, startReceiver } from "./receiving.ts";
import { sampleDatagrams } from "./sample-datagrams.ts";

/** The machine's clock, which a test may put forward. */
class SkippingClock extends SystemClock {
  skippedMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.skippedMs;
  }
}

describe("storm limits", () => {
  it("let a burst through, then the rate, and count the rest", () => {
    const guard = new StormGuard();
    const admitted = (fromMs: number, count: number) =>
      Array.from({ length: count }, (_, i) => guard.admits("=sw-1", true, fromMs + i)).filter(Boolean).length;
    expect(admitted(0, 100)).toBe(defaultStormLimits.perSource.burst);
    expect(admitted(10_000, 200)).toBeGreaterThanOrEqual(60);
    expect(guard.suppressed).toBeGreaterThan(150);
  });

  it("keep one source's storm from another", () => {
    const guard = new StormGuard();
    for (let i = 0; i < 500; i++) guard.admits("=loud", true, 0);
    expect(guard.admits("=quiet", true, 0)).toBe(true);
  });

  it("give all unknown sources together little, and forged addresses no more memory than stated", () => {
    const guard = new StormGuard({ ...defaultStormLimits, maxSources: 100 });
    let admitted = 0;
    for (let i = 0; i < 50_000; i++) admitted += guard.admits(`10.0.${i >> 8}.${i & 255}`, false, i / 50) ? 1 : 0;
    expect(guard.sources).toBe(100);
    expect(admitted).toBeLessThanOrEqual(defaultStormLimits.unknown.burst + 5);
  });

  it("report a storm once when it ends, each minute while it goes on, and many sources in a few lines", () => {
    const guard = new StormGuard();
    for (let ms = 0; ms < 130_000; ms += 10) guard.admits("=loud", true, ms);
    expect(guard.due(3_000)).toEqual([]);
    const during = guard.due(130_000);
    expect(during).toHaveLength(1);
    for (let ms = 130_000; ms < 140_000; ms += 10) guard.admits("=loud", true, ms);
    expect(guard.due(140_000)).toEqual([]);
    const [end] = guard.due(146_000);
    expect((during[0]?.count ?? 0) + (end?.count ?? 0)).toBe(guard.suppressed);
    for (let i = 0; i < 100; i++) for (let n = 0; n < 100; n++) guard.admits(`=device-${i}`, true, 200_000);
    const many = guard.due(300_000);
    expect(many).toHaveLength(17);
    expect(many.reduce((sum, { count }) => sum + count, 0)).toBe(guard.suppressed - (during[0]?.count ?? 0) - (end?.count ?? 0));
  });

  it("forget idle sources", () => {
    const guard = new StormGuard();
    for (let i = 0; i < 50; i++) guard.admits(`=device-${i}`, true, 0);
    guard.due(120_000);
    expect(guard.sources).toBe(0);
  });
});

describe("receivers under fire", () => {
  let running: RunningUnit | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  it.each(["traps", "syslog"] as const)(
    "%s: 5,000 a second for two seconds leave the loop free and one report of the storm",
    async (kind) => {
      const sink = new CollectingSink();
      const clock = new SkippingClock(() => true);
      const common = {
        host: "127.0.0.1",
        port: 0,
        clock,
        logger: silentLogger,
        sink,
        lookup: () => equipmentId("sw-1"),
      };
      const receiver =
        kind === "traps"
          ? new TrapReceiver({ ...common, entropy: systemEntropy, engineId: Buffer.from("80007ed9040102", "hex") })
          : new SyslogReceiver(common);
      running = await startReceiver(receiver);
      const bytes = kind === "traps" ? Buffer.from(sampleDatagrams.v2c, "hex") : Buffer.from("<27>Oct 11 22:14:15 sw link down on port 7");
      const loop = monitorEventLoopDelay({ resolution: 5 });
      loop.enable();
      const sent = await blast(running.port, bytes, 5_000, 2_000);
      loop.disable();
      await until(() => receiver.counters.received > sent * 0.5);
      const { events, suppressed, received } = receiver.counters;
      expect(events).toBe(sink.count);
      expect(events).toBeLessThanOrEqual(60 + 10 * 6);
      expect(suppressed).toBe(received - events);
      // One sender and one receiver share this process; a loaded machine adds its own pauses.
      expect(loop.percentile(50) / 1e6).toBeLessThan(50);
      clock.skippedMs = 6_000;
      await until(() => sink.ofType(`${kind === "traps" ? "trap" : "syslog"}.storm`).length === 1);
      expect(sink.ofType(`${kind === "traps" ? "trap" : "syslog"}.storm`)[0]).toMatchObject({
        equipment: "sw-1",
        severity: "warning",
        attributes: { suppressed },
      });
    },
  );

  it("an inform is acknowledged again when it is sent again, and reported once", async () => {
    const sink = new CollectingSink();
    const receiver = new TrapReceiver({
      host: "127.0.0.1",
      port: 0,
      clock: new SystemClock(() => true),
      logger: silentLogger,
      sink,
      lookup: () => undefined,
      entropy: systemEntropy,
      engineId: Buffer.from("80007ed9040102", "hex"),
    });
    running = await startReceiver(receiver);
    const sender = createSocket("udp4");
    const answers: Buffer[] = [];
    sender.on("message", (message) => answers.push(message));
    const inform = Buffer.from(sampleDatagrams.inform, "hex");
    const { port } = running;
    for (let i = 0; i < 3; i++) sender.send(inform, port, "127.0.0.1");
    await until(() => answers.length === 3);
    sender.close();
    expect(sink.count).toBe(1);
    expect(sink.events[0]?.attributes).toMatchObject({ sourceKnown: false });
    const expected = Buffer.from(inform);
    expected[inform.indexOf(0xa6)] = 0xa2;
    expect(answers[0]?.equals(expected)).toBe(true);
  });

  it("counts what is malformed and goes on", async () => {
    const sink = new CollectingSink();
    const receiver = new TrapReceiver({
      host: "127.0.0.1",
      port: 0,
      clock: new SystemClock(() => true),
      logger: silentLogger,
      sink,
      lookup: (address, port) => (address === "192.0.2.7" && port === 161 ? equipmentId("behind-a-relay") : undefined),
      entropy: systemEntropy,
      engineId: Buffer.from("80007ed9040102", "hex"),
    });
    running = await startReceiver(receiver);
    for (const bytes of ["", "0", "garbage", Buffer.from("3003020101", "hex"), Buffer.alloc(9_000, 0x30)])
      await sendDatagram(running.port, bytes);
    const relayed = Buffer.from(sampleDatagrams.v1, "hex");
    Buffer.from([192, 0, 2, 7]).copy(relayed, relayed.indexOf(Buffer.from([0x40, 0x04])) + 2);
    await sendDatagram(running.port, relayed);
    await until(() => sink.count === 1);
    expect(receiver.counters).toMatchObject({ received: 6, malformed: 5, events: 1 });
    expect(sink.events[0]).toMatchObject({ equipment: "behind-a-relay", attributes: { relayed: true, sourceAddress: "127.0.0.1" } });
  });

  it("says which port is in use", async () => {
    const occupied = createSocket("udp4");
    await new Promise<void>((resolve) => occupied.bind(0, "127.0.0.1", resolve));
    const unit = new SyslogReceiver({
      host: "127.0.0.1",
      port: occupied.address().port,
      clock: new SystemClock(() => true),
      logger: silentLogger,
      sink: new CollectingSink(),
      lookup: () => undefined,
    });
    await expect(unit.run(new AbortController().signal)).rejects.toMatchObject({ code: "host.port-in-use" });
    occupied.close();
  });
});

describe("source addresses", () => {
  it("are written as an administrator would", () => {
    expect(["::ffff:10.1.2.3", "fe80::1%eth0", "10.1.2.3", "2001:db8::1"].map(plainAddress)).toEqual([
      "10.1.2.3",
      "fe80::1",
      "10.1.2.3",
      "2001:db8::1",
    ]);
  });
});

/** Sends at a rate in small batches; returns how many were sent. */
async function blast(port: number, bytes: Buffer, perSecond: number, durationMs: number): Promise<number> {
  const socket = createSocket("udp4");
  const startMs = performance.now();
  let sent = 0;
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs = performance.now() - startMs) {
    const due = Math.floor((elapsedMs / 1_000) * perSecond);
    for (; sent < due; sent++) socket.send(bytes, port, "127.0.0.1");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  socket.close();
  return sent;
}
