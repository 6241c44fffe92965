import { describe, expect, it, onTestFinished } from "vitest";
import { allowedSources } from "../../../drivers/notifications/allowed-sources.ts";
import { type AddressesOf, Senders } from "../../../drivers/notifications/senders.ts";
import { SyslogReceiver } from "../../../drivers/notifications/syslog-receiver.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import type { Equipment } from "../../../runtime/model/equipment.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { until } from "../simulated/running-site.ts";
import { CollectingSink, equipmentId, sendDatagram, startReceiver } from "./receiving.ts";

function known(id: string, address: string, port = 161): Equipment {
  return { id: equipmentId(id), address, port, driver: "snmp", pollIntervalMs: 60_000 };
}

/** Runs until the test ends, on a clock that the test moves. */
function running(equipment: () => readonly Equipment[], addressesOf: AddressesOf) {
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const logger = { ...silentLogger, child: () => logger, warn: (fields: object) => void warnings.push(JSON.stringify(fields)) };
  const senders = new Senders({ equipment, clock, logger, addressesOf });
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  const ended = senders.run(ending.signal);
  return { clock, senders, warnings, ended };
}

describe("who sends", () => {
  it("is known by literal address, however an IPv6 address is written, and by port where several share one", async () => {
    const site = [known("sw-1", "192.0.2.1"), known("ap-1", "fd00:0::1"), known("a-1", "127.0.0.1", 1001), known("a-2", "127.0.0.1", 1002)];
    const { senders } = running(
      () => site,
      async () => [],
    );
    expect(senders.lookup("192.0.2.1", 4711)).toBe("sw-1");
    expect(senders.lookup("fd00::1", 4711)).toBe("ap-1");
    expect(senders.lookup("127.0.0.1", 1002)).toBe("a-2");
    expect(senders.lookup("127.0.0.1", 4711)).toBeUndefined();
  });

  it("is known by every address of the host name that the equipment is configured with", async () => {
    const { clock, senders } = running(
      () => [known("nas-1", "nas.example")],
      async () => ["192.0.2.9", "fd00::9"],
    );
    await clock.advance(1_000);
    expect(senders.lookup("192.0.2.9", 514)).toBe("nas-1");
    expect(senders.lookup("fd00::9", 514)).toBe("nas-1");
  });

  it("follows a name to its new address, and keeps the old one while the name server is silent", async () => {
    let answer: readonly string[] | undefined = ["192.0.2.9"];
    const { clock, senders, warnings } = running(
      () => [known("nas-1", "nas.example")],
      async () => {
        if (answer === undefined) throw new Error("SERVFAIL");
        return answer;
      },
    );
    await clock.advance(1_000);
    answer = undefined;
    await clock.advance(180_000);
    expect(senders.lookup("192.0.2.9", 514)).toBe("nas-1");
    expect(warnings).toEqual([expect.stringContaining("SERVFAIL")]);
    answer = ["192.0.2.10"];
    await clock.advance(60_000);
    expect(senders.lookup("192.0.2.10", 514)).toBe("nas-1");
    expect(senders.lookup("192.0.2.9", 514)).toBeUndefined();
  });

  it("learns of equipment that came while it runs", async () => {
    const site = [known("sw-1", "192.0.2.1")];
    const { clock, senders } = running(
      () => site,
      async () => [],
    );
    expect(senders.lookup("192.0.2.2", 161)).toBeUndefined();
    site.push(known("sw-2", "192.0.2.2"));
    await clock.advance(1_000);
    expect(senders.lookup("192.0.2.2", 161)).toBe("sw-2");
  });
});

describe("sources that are allowed", () => {
  it("are addresses and networks of both families", () => {
    const isAllowed = allowedSources(["192.0.2.0/24", "198.51.100.7", "fd00:1::/32"]);
    expect(["192.0.2.200", "198.51.100.7", "fd00:1::5"].map(isAllowed)).toEqual([true, true, true]);
    expect(["192.0.3.1", "198.51.100.8", "fd00:2::5", "nonsense"].map(isAllowed)).toEqual([false, false, false, false]);
  });

  it("are all that is listened to where they are listed; the rest is counted as refused", async () => {
    const sink = new CollectingSink();
    const common = { host: "127.0.0.1", port: 0, clock: new SystemClock(() => true), logger: silentLogger, sink, lookup: () => undefined };
    const closed = new SyslogReceiver({ ...common, sources: ["192.0.2.0/24"] });
    const open = new SyslogReceiver({ ...common, sources: ["127.0.0.0/8"] });
    const ports = [await startReceiver(closed), await startReceiver(open)];
    for (const { port } of ports) await sendDatagram(port, "<11>link down");
    await until(() => closed.counters.refused === 1 && open.counters.events === 1);
    expect(closed.counters).toMatchObject({ received: 1, events: 0 });
    expect(sink.count).toBe(1);
    for (const one of ports) await one.stop();
  });
});
