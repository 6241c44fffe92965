import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { greet, readLinks } from "../../../drivers/discovery/snmp/device-reader.ts";
import { createSnmpEngine, type Engine } from "../../../drivers/snmp/engine/engine.ts";
import { loadProfiles } from "../../../drivers/snmp/profiles/load-profiles.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { deviceReader } from "../../../runtime/parts-discovery.ts";
import type { LinkFacts } from "../../../runtime/ports/discovery.ts";
import type { SnmpSession } from "../../../runtime/ports/snmp.ts";
import { deriveTopology } from "../../../runtime/southbound/discovery/topology.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { type RunningSite, startSite } from "../simulated/running-site.ts";

const never = new AbortController().signal;

describe("the simulated site, read over SNMP as discovery reads it", () => {
  const clock = new SystemClock(() => true);
  let site: RunningSite;
  let engine: Engine;

  beforeAll(async () => {
    site = await startSite();
    engine = createSnmpEngine({ clock, entropy: systemEntropy, logger: silentLogger });
  });

  afterAll(async () => {
    await engine.close();
    await site.stop();
  });

  const open = (id: string): SnmpSession => {
    const device = site.devices.find((one) => one.id === id);
    if (device === undefined) throw new Error(`no ${id}`);
    const { address, port, credential } = device;
    return engine.open({ address, port, credential, timeoutMs: 1_000, retries: 1 });
  };

  const links = (id: string): Promise<LinkFacts> => readLinks({ session: open(id), deadlineMs: clock.monotonicMs() + 20_000 }, never);

  it("greets a device with one GET and learns its engine", async () => {
    const session = open("sw-1");
    const greeting = await greet(session, never);
    expect(greeting).toMatchObject({ sysName: "sw-1", engineId: expect.stringMatching(/^80[0-9a-f]+$/) });
    expect(session.counters().requests).toBe(1);
  });

  it("maps bridge ports, which are not the ifIndex, to the right interfaces", async () => {
    const { learnt, ports } = await links("sw-1");
    expect(learnt.length).toBeGreaterThan(5);
    for (const { bridgePort, ifIndex } of learnt) expect(ifIndex).toBe(bridgePort - 0x20);
    const camera = learnt.filter(({ ifIndex }) => ports.find((port) => port.ifIndex === ifIndex)?.ifIndex === 12);
    expect(camera).toHaveLength(1);
    expect(learnt[0]?.vlan).toBe(1);
  });

  it("names the neighbours that LLDP tells of and the port each hangs on", async () => {
    const { neighbours, chassis } = await links("sw-1");
    expect(chassis?.kind).toBe("mac");
    const named = new Map(neighbours.map(({ sysName, localIfIndex }) => [sysName, localIfIndex]));
    expect(named.get("fw-1")).toBe(1);
    expect(named.get("ap-1")).toBe(11);
    expect(named.get("cam-1")).toBe(12);
    for (const { chassis: far, protocol } of neighbours) expect([far.kind, protocol]).toEqual(["mac", "lldp"]);
  });

  it("reads own addresses and the ARP table of a router that speaks SNMPv3", async () => {
    const { addresses, arp } = await links("fw-1");
    expect(addresses).toEqual(["192.0.2.1", "198.51.100.2"]);
    expect(arp).toContainEqual({ address: "192.0.2.10", mac: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/) });
  });

  it("joins what all devices say to one map in which every LLDP neighbour is a device", async () => {
    const devices = await Promise.all(
      site.devices.map(async ({ id, serial }) => ({ id, label: id, addresses: [], serials: [`/${serial}`], links: await links(id) })),
    );
    const edges = deriveTopology(devices, []);
    const between = edges.map(({ a, b, source }) => [a.node, b.node, source]);
    for (const other of ["fw-1", "ap-1", "cam-1"]) expect(between).toContainEqual(["sw-1", other, "lldp"]);
    // Where no LLDP speaks, one learnt address on a port is enough.
    for (const other of ["printer-1", "ups-1"])
      expect(edges.filter(({ b }) => b.node === other).map(({ source }) => source)).toEqual(["forwarding"]);
    expect(edges.every(({ a, b }) => a.node !== b.node)).toBe(true);
  });

  it("says what each device is, with its serial number", async () => {
    const reader = deviceReader(loadProfiles(), clock);
    for (const id of ["sw-1", "printer-1", "nas-1"]) {
      const device = site.devices.find((one) => one.id === id);
      const { identity, members } = await reader.describe(open(id), clock.monotonicMs() + 20_000, never);
      expect([identity.serial, identity.deviceClass]).toEqual([device?.serial, device?.kind]);
      expect(members.length).toBeLessThanOrEqual(1);
    }
  }, 120_000);
});
