import { describe, expect, it } from "vitest";
import type { CheckResult } from "../../runtime/model/observation.ts";
import type { HostNetworkReading } from "../../runtime/ports/host-network.ts";
import { MemoryState } from "./alarm-doubles.ts";
import { cables, EngineKit, equipmentId, gauge, portTable, stateMetric } from "./alarm-kit.ts";

const up = { ifAdminStatus: 1, ifOperStatus: 1 };
const down = { ifAdminStatus: 1, ifOperStatus: 2 };
const off = { ifAdminStatus: 2, ifOperStatus: 2 };
const day = 86_400_000;

describe("ports", () => {
  const port = portTable(["gi1"]);

  it("of unknown neighbours may go down: somebody switched off a computer", () => {
    const kit = new EngineKit();
    kit.poll(port, [up, up, down, down, down, up, down, down]);
    expect(kit.sent).toEqual([]);
  });

  it("towards monitored equipment are an alarm, that names what is behind them, and clear when they are back", () => {
    const kit = new EngineKit({ topology: cables(["sw-1/gi1 - fw-1/lan"]) });
    kit.poll(port, [up, down, down]);
    expect(kit.active).toEqual(["sw-1 interface/gi1 linkDown"]);
    expect(kit.engine.list.active()[0]?.text).toBe("sw-1: port gi1 is down: fw-1 is behind it");
    kit.poll(port, [up]);
    expect(kit.active).toEqual([]);
  });

  it("are told by a trap before the next poll, unless the link is back at once", () => {
    const kit = new EngineKit({ topology: cables(["sw-1/gi1 - fw-1/lan"]) });
    kit.poll(port, [up]);
    const trap = (type: string) =>
      kit.event({ type, equipment: equipmentId("sw-1"), attributes: { tags: { ifIndex: 1, ifAdminStatus: "up" } } });
    trap("trap.linkDown");
    kit.pass(20_000);
    trap("trap.linkUp");
    kit.pass(100_000);
    expect(kit.sent).toEqual([]);
    trap("trap.linkDown");
    kit.pass(55_000);
    expect(kit.active).toEqual(["sw-1 interface/gi1 linkDown"]);
  });

  it("that a person switched off are no alarm, and no longer one", () => {
    const kit = new EngineKit({ topology: cables(["sw-1/gi1 - fw-1/lan"]) });
    kit.poll(port, [up, down, down]);
    kit.poll(port, [off]);
    expect(kit.active).toEqual([]);
    kit.poll(port, [off, off]);
    expect(kit.sent.filter(({ op }) => op === "raise")).toHaveLength(1);
  });

  it("that were up for a week are worth a warning, also when the gateway was restarted in between", () => {
    const state = new MemoryState();
    const first = new EngineKit({}, state);
    first.poll(port, [up]);
    first.clock.ms += 8 * day;
    first.poll(port, [up]);
    first.clock.ms += 7 * 3_600_000;
    first.pass(10_000);
    const second = new EngineKit({}, state);
    second.clock.ms = first.clock.ms;
    second.poll(port, [up, down, down]);
    expect(second.engine.list.active()[0]).toMatchObject({ type: "linkDown", severity: "warning" });
  });

  it("that the configuration names are an alarm whatever hangs on them", () => {
    const kit = new EngineKit({ ports: [{ equipment: "sw-*", rows: ["gi*"] }] });
    kit.poll(port, [up, down, down]);
    expect(kit.active).toEqual(["sw-1 interface/gi1 linkDown"]);
  });
});

describe("restarts and swaps", () => {
  const restarted = (kit: EngineKit) => kit.event({ type: "agent.restarted", source: "poll", equipment: equipmentId("sw-1") });

  it("that nobody ordered are a warning; that of a printer is nobody's business", () => {
    const kit = new EngineKit();
    kit.inventory("sw-1", { deviceClass: "switch" });
    restarted(kit);
    kit.pass(200_000);
    expect(kit.active).toEqual(["sw-1 unexpectedRestart"]);
    const printer = new EngineKit();
    printer.inventory("sw-1", { deviceClass: "printer" });
    restarted(printer);
    printer.pass(200_000);
    expect(printer.active).toEqual([]);
  });

  it("that were ordered, planned or came with new firmware are none", () => {
    const ordered = new EngineKit();
    ordered.inventory("sw-1", {});
    ordered.event({ type: "log.audit", source: "gateway", attributes: { operation: "snmp.set", risk: "write", equipment: "sw-1" } });
    restarted(ordered);
    ordered.pass(300_000);
    expect(ordered.active).toEqual([]);
    const planned = new EngineKit();
    planned.inventory("sw-1", {});
    const nowMs = planned.clock.now().wallMs;
    planned.engine.list.startMaintenance({ fromMs: nowMs, toMs: nowMs + 3_600_000, reason: "", by: "anna" });
    restarted(planned);
    planned.pass(300_000);
    expect(planned.active).toEqual([]);
    const updated = new EngineKit();
    updated.inventory("sw-1", { firmware: "1.0" });
    restarted(updated);
    updated.pass(60_000);
    updated.inventory("sw-1", { firmware: "1.1" });
    updated.pass(300_000);
    expect(updated.active).toEqual([]);
  });

  it("see another unit by its serial number, also when it was changed while the gateway was off", () => {
    const state = new MemoryState();
    new EngineKit({}, state).inventory("sw-1", { serial: "A1", engineId: "80ff" });
    const kit = new EngineKit({}, state);
    kit.inventory("sw-1", { serial: "A1", engineId: "8011" });
    expect(kit.active).toEqual([]);
    kit.inventory("sw-1", { serial: "B2", engineId: "80ff" });
    expect(kit.active).toEqual(["sw-1 deviceSwapped"]);
    expect(kit.engine.list.active()[0]?.text).toContain("B2 instead of A1");
    kit.clock.ms += day;
    kit.pass(10_000);
    expect(kit.active).toEqual([]);
  });
});

describe("checks", () => {
  const result = (kit: EngineKit, ok: boolean, more: Partial<CheckResult> = {}): void => {
    kit.pass(60_000);
    const failure = ok ? {} : { failure: { stage: "connect", code: "timeout", text: "no answer within 5 s" } as const };
    kit.see({
      ...{
        kind: "check",
        check: "crm",
        type: "http",
        target: "https://crm.example.net/",
        observedAt: kit.clock.now(),
        ok,
        vantage: "eth0",
        evidence: {},
      },
      ...failure,
      ...more,
    });
    kit.flush();
  };

  it("are an alarm after three failures in a row, and over after two successes", () => {
    const kit = new EngineKit();
    for (const ok of [false, false, true, false, false]) result(kit, ok);
    expect(kit.active).toEqual([]);
    result(kit, false);
    kit.pass(300_000);
    expect(kit.active).toEqual(["check/crm checkFailed"]);
    result(kit, true);
    expect(kit.active).toHaveLength(1);
    result(kit, true);
    expect(kit.active).toEqual([]);
  });

  it.each([
    ["timeout", []],
    ["auth", ["check/crm checkFailed"]],
  ] as const)("wait for the alarm of the way out where that is silent, not where it only refuses polls: %s", async (reason, atOnce) => {
    const defaultRoute = { gateway: "192.0.2.4", interfaceName: "eth0" };
    const interfaces = [{ name: "eth0", up: true, carrier: true, addresses: ["192.0.2.9"] }];
    const reading: HostNetworkReading = { interfaces, defaultRoute, gatewayNeighbour: "unknown", resolvers: [] };
    const kit = new EngineKit({ network: { read: () => Promise.resolve(reading) }, unreachableAfterMs: 3_600_000 });
    kit.poll({ equipment: "ups-1", table: "X-MIB:x", metrics: [gauge("x")] }, [{ x: 1 }, { x: 1 }, { x: 1 }, { x: 1 }]);
    // The host's network is read beside the ticks.
    await new Promise(setImmediate);
    kit.fail("sw-1", reason);
    kit.fail("sw-1", reason);
    for (const ok of [false, false, false]) result(kit, ok, { evidence: { targetClass: "lan" } });
    expect(kit.active.filter((one) => one.startsWith("check/"))).toEqual(atOnce);
    kit.pass(300_000);
    expect(kit.active).toContain("check/crm checkFailed");
  });

  it("warn of certificates that run out, ever louder, and are content when they were renewed", () => {
    const kit = new EngineKit();
    const days = (certificateDays: number) => result(kit, true, { evidence: { values: { certificateDays } } });
    days(25);
    expect(kit.active).toEqual([]);
    for (const [left, severity] of [
      [20, "warning"],
      [9, "minor"],
      [2, "major"],
      [-1, "critical"],
    ] as const) {
      days(left);
      expect(kit.engine.list.active()[0]?.severity).toBe(severity);
    }
    days(89);
    expect(kit.active).toEqual([]);
  });
});

describe("traps and syslog", () => {
  it("raise and clear in pairs by the site's rules, and what nobody clears ends by itself", () => {
    const shared = { alarm: "doorOpen", path: "door/{door}" } as const;
    const kit = new EngineKit({
      rules: [
        {
          ...shared,
          name: "open",
          on: "trap.doorOpened",
          action: "raise",
          severity: "major",
          text: "door {door} is open",
          expireMs: 3_600_000,
        },
        { ...shared, name: "closed", on: "trap.doorClosed", action: "clear" },
        {
          name: "raid",
          on: "syslog.message",
          match: { app: "md", maxSeverity: 3, contains: ["degraded"] },
          action: "raise",
          alarm: "raidTrouble",
        },
      ],
    });
    const from = { equipment: equipmentId("nas-1") };
    kit.event({ ...from, type: "trap.doorOpened", attributes: { tags: { door: "north" } } });
    kit.event({ ...from, type: "trap.doorOpened", attributes: { tags: { door: "south" } } });
    kit.event({ ...from, type: "syslog.message", source: "syslog", text: "array DEGRADED", attributes: { app: "md", syslogSeverity: 2 } });
    kit.event({ ...from, type: "syslog.message", source: "syslog", text: "array degraded", attributes: { app: "md", syslogSeverity: 6 } });
    expect(kit.active).toEqual(["nas-1 door/north doorOpen", "nas-1 door/south doorOpen", "nas-1 raidTrouble"]);
    kit.event({ ...from, type: "trap.doorClosed", attributes: { tags: { door: "north" } } });
    expect(kit.active).toEqual(["nas-1 door/south doorOpen", "nas-1 raidTrouble"]);
    kit.clock.ms += 3_600_000;
    kit.pass(10_000);
    expect(kit.active).toEqual(["nas-1 raidTrouble"]);
  });

  it("of a UPS raise what a poll clears: the same thing is the same alarm", () => {
    const kit = new EngineKit();
    const ups = { equipment: equipmentId("ups-1"), type: "trap.upsTrapOnBattery" };
    kit.event(ups);
    kit.pass(60_000);
    expect(kit.active).toEqual([]);
    kit.event(ups);
    expect(kit.active).toEqual(["ups-1 upsOnBattery"]);
    const table = { equipment: "ups-1", table: "UPS-MIB:upsBattery", metrics: [stateMetric("upsOutputSource")] };
    kit.poll(table, [{ upsOutputSource: 5 }, { upsOutputSource: 3 }, { upsOutputSource: 3 }]);
    kit.pass(400_000);
    expect(kit.active).toEqual([]);
  });

  it("of one sender that refuses credentials once are nothing, again and again are a warning", () => {
    const kit = new EngineKit();
    const refused = { equipment: equipmentId("sw-1"), type: "trap.authenticationFailure" };
    for (let turn = 0; turn < 4; turn++) kit.event(refused);
    expect(kit.active).toEqual([]);
    kit.event(refused);
    expect(kit.active).toEqual(["sw-1 authenticationFailures"]);
  });
});
