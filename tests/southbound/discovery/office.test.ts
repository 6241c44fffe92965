import { beforeAll, describe, expect, it } from "vitest";
import { discoveryOn, type OfficeLan, officeLan, ownAddress, type RunningDiscovery, subnet } from "./office-lan.ts";
import type { SentPacket } from "./virtual-lan.ts";

const never = new AbortController().signal;
const seeds = [1, 7, 2026].slice(0, Number(process.env["DISCOVERY_SEEDS"] ?? "2"));

describe.each(seeds)("an office of hundreds of addresses, seed %i", (seed) => {
  let office: OfficeLan;
  let running: RunningDiscovery;

  beforeAll(async () => {
    office = officeLan(seed);
    running = discoveryOn(office);
    await office.clock.runUntil(running.discovery.scan(subnet.cidr, never));
  });

  const asked = (kind?: SentPacket["kind"]) => office.lan.sent.filter((packet) => kind === undefined || packet.kind === kind);

  it("tells every device from every other one, whatever they share", () => {
    const found = running.discovery
      .proposals()
      .filter(({ credential }) => credential !== undefined)
      .map(({ sysName, addresses }) => `${sysName} ${[...addresses].sort().join(" ")}`);
    const expected = Object.entries(office.truth).map(
      ([name, addresses]) => `${name.replace(/^camera-\d+$/, "camera")} ${[...addresses].sort().join(" ")}`,
    );
    expect(found.sort()).toEqual(expected.sort());
  });

  it("never sends a packet to an excluded address, to itself, to the network's ends or out of the subnet", () => {
    const forbidden = asked().filter(({ address, kind }) => {
      if (kind === "multicast") return false;
      const [, , third = 0, last = 0] = address.split(".").map(Number);
      const isExcluded = third === 1 && last >= 192;
      return !/^10\.20\.[01]\./.test(address) || isExcluded || address === ownAddress || (third === 0 && last === 0);
    });
    expect(forbidden).toEqual([]);
  });

  it("keeps to its rates in every second of the scan", () => {
    expect(office.lan.busiest(1_000)).toBeLessThanOrEqual(50);
    expect(office.lan.busiest(1_000, "echo")).toBeLessThanOrEqual(25);
    expect(office.lan.busiest(10_000, "echo")).toBeLessThanOrEqual(205);
    expect(office.lan.busiest(1_000, "connect")).toBeLessThanOrEqual(6);
    expect(office.lan.busiest(10_000, "connect")).toBeLessThanOrEqual(51);
  });

  it("asks at most sixteen devices at a time and one question at a time of each address", () => {
    expect(office.lan.maxTargets).toBeLessThanOrEqual(16);
    expect(office.lan.maxTargets).toBeGreaterThan(4);
    expect(office.lan.maxOutstandingPerDevice).toBe(1);
  });

  it("asks only who is alive, with each credential once, v3 first, two seconds apart", () => {
    const silent = new Map<string, SentPacket[]>();
    for (const packet of asked("snmp")) {
      expect(office.lan.hosts.has(packet.address)).toBe(true);
      if (office.lan.hosts.get(packet.address)?.agent !== undefined) continue;
      silent.set(packet.address, [...(silent.get(packet.address) ?? []), packet]);
    }
    expect(silent.size).toBeGreaterThan(100);
    for (const packets of silent.values()) {
      // One GET and one retry per credential.
      expect(packets.map(({ key }) => key)).toEqual(["v3-key", "v3-key", "v2c-key", "v2c-key", "v1-key", "v1-key"]);
      expect((packets[2]?.atMs ?? 0) - (packets[0]?.atMs ?? 0)).toBeGreaterThan(1_999.999);
    }
  });

  it("finds a host that answers no echo, since it resolves", () => {
    const hidden = [...office.lan.hosts.values()].filter(({ echoes, address }) => echoes === false && !address.startsWith("10.20.1.2"));
    const seen = new Set(running.discovery.hosts().map(({ address }) => address));
    for (const { address } of hidden) expect(seen.has(address)).toBe(true);
  });

  it("proposes a printer and a NAS without SNMP and no phone or computer", () => {
    const without = running.discovery.proposals().filter(({ credential }) => credential === undefined);
    expect(without.map(({ address, deviceClass }) => `${address} ${deviceClass}`).sort()).toEqual([
      "10.20.1.160 printer",
      "10.20.1.161 nas",
    ]);
  });

  it("maps the switches by LLDP of both ends, and by forwarding tables where there is none", () => {
    const names = new Map(running.discovery.topology().flatMap(({ a, b }) => [a, b].map(({ node, label }) => [node, label] as const)));
    const switches = running.discovery
      .topology()
      .filter(({ a, b }) => [a, b].every(({ node }) => /^(core|access-)/.test(names.get(node) ?? "")));
    expect(switches.map(({ a, b }) => [a.label, b.label].sort().join("|")).sort()).toEqual([...office.links].sort());
    const by = new Map(switches.map(({ a, b, source }) => [[a.label, b.label].sort().join("|"), source]));
    expect([by.get("access-1|core"), by.get("access-6|core")]).toEqual(["lldp-both", "forwarding"]);
    const first = switches.find(({ a, b }) => [a.label, b.label].includes("access-3"));
    expect([first?.a.port, first?.b.port].sort()).toEqual(["ge-3", "ge-8"]);
  });

  it("knows a stack as one device with members", () => {
    expect(running.discovery.proposals().find(({ sysName }) => sysName === "access-6")).toMatchObject({ members: 3 });
  });

  it("says in words how each device was found and by which credential", () => {
    for (const { evidence, credential } of running.discovery.proposals()) {
      expect(evidence.length).toBeGreaterThan(1);
      if (credential !== undefined) expect(evidence[0]).toBe(`answers SNMP with credential ${credential}`);
      expect(JSON.stringify(evidence)).not.toMatch(/v1-key|v2c-key|v3-key/);
    }
  });

  it("emits one proposal event per proposal and one for the map", () => {
    const types = running.events.map(({ type }) => type);
    expect(types.filter((type) => type === "discovery.proposal")).toHaveLength(running.discovery.proposals().length);
    expect(types.filter((type) => type === "discovery.topology-changed")).toHaveLength(1);
    for (const event of running.events) expect(JSON.stringify(event.attributes).length).toBeLessThan(16 * 1024);
  });

  it("takes about as long as the preview said", async () => {
    const { estimatedS } = await running.discovery.preview(subnet, never);
    const tookS = Math.max(...asked().map(({ atMs }) => atMs)) / 1_000;
    expect(tookS).toBeLessThan(estimatedS.most);
    expect(tookS).toBeGreaterThan(estimatedS.typical / 4);
  });
});
