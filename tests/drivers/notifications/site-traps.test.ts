import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { SyslogReceiver } from "../../../drivers/notifications/syslog-receiver.ts";
import { TrapReceiver } from "../../../drivers/notifications/trap-receiver.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { startSite, until } from "../simulated/running-site.ts";
import { CollectingSink, equipmentId, startReceiver } from "./receiving.ts";

const haveIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === "::1"));
const common = { port: 0, clock: new SystemClock(() => true), logger: silentLogger };

describe("traps of the simulated site", () => {
  it("are told apart by source port, named, and described", async () => {
    const sink = new CollectingSink();
    const byPort = new Map<number, string>();
    const lookup = (_address: string, port: number) => {
      const id = byPort.get(port);
      return id === undefined ? undefined : equipmentId(id);
    };
    const receiver = await startReceiver(
      new TrapReceiver({
        ...common,
        host: "127.0.0.1",
        sink,
        lookup,
        entropy: systemEntropy,
        engineId: Buffer.from("80007ed9040102", "hex"),
      }),
    );
    const running = await startSite({ traps: { host: "127.0.0.1", port: receiver.port } });
    for (const { id, port } of running.devices) byPort.set(port, id);
    try {
      running.site.applyFault({ device: "ups-1", fault: "on-battery" });
      running.site.applyFault({ device: "sw-1", fault: "port-down", port: 7 });
      running.site.applyFault({ device: "nas-1", fault: "reboot" });
      await until(() => sink.ofType("trap.upsTrapOnBattery").length === 1 && sink.ofType("trap.linkDown").length === 1);
      await until(() => sink.ofType("trap.coldStart").some(({ equipment }) => equipment === "nas-1"));
      expect(sink.ofType("trap.upsTrapOnBattery")[0]).toMatchObject({
        equipment: "ups-1",
        severity: "major",
        attributes: { tags: { upsConfigLowBattTime: 5 } },
      });
      expect(sink.ofType("trap.upsTrapAlarmEntryAdded")[0]).toMatchObject({ attributes: { tags: { upsAlarmDescr: "OnBattery" } } });
      expect(sink.ofType("trap.linkDown")[0]).toMatchObject({
        equipment: "sw-1",
        text: "linkDown, ifIndex 7, ifAdminStatus up, ifOperStatus down, ifName gi7",
        attributes: { index: "7" },
      });
    } finally {
      await running.stop();
      await receiver.stop();
    }
  });
});

describe.skipIf(!haveIpv6)("a receiver on :: (skipped: no IPv6 on this machine)", () => {
  it("hears both families and writes IPv4 sources as IPv4", async () => {
    const sink = new CollectingSink();
    const receiver = await startReceiver(new SyslogReceiver({ ...common, host: "::", sink, lookup: () => undefined }));
    for (const [type, target] of [
      ["udp4", "127.0.0.1"],
      ["udp6", "::1"],
    ] as const) {
      const socket = createSocket(type);
      socket.send("<11>link down", receiver.port, target, () => socket.close());
    }
    await until(() => sink.count === 2);
    await receiver.stop();
    expect(sink.events.map(({ attributes }) => attributes["sourceAddress"]).sort()).toEqual(["127.0.0.1", "::1"]);
  });
});
