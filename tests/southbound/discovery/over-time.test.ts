import { describe, expect, it } from "vitest";
import type { EquipmentId } from "../../../runtime/model/equipment.ts";
import { agentOf, hear } from "./agents.ts";
import { MemoryState } from "./memory-state.ts";
import { discoveryOn, mac, subnet } from "./office-lan.ts";
import { access, emptyLan, hourMs, never, runFor, settingsOf } from "./quiet-lan.ts";

describe("discovery over hours", () => {
  it("sends nothing at all while no subnet is enabled", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", ...access, agent: agentOf({ name: "sw" }) });
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ enabled: false }) });
    await runFor(clock, discovery, 3 * hourMs);
    expect(lan.sent).toEqual([]);
    expect(discovery.proposedSubnets()).toEqual(["10.20.0.0/23"]);
  });

  it("only listens on a subnet without sweep and credentials", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", ...access, agent: agentOf({ name: "sw" }) });
    lan.resolve("10.20.0.5");
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false, credentials: [] }) });
    await runFor(clock, discovery, hourMs);
    expect(lan.sent).toEqual([]);
    expect(discovery.hosts().map(({ address, seen }) => `${address} ${seen}`)).toEqual(["10.20.0.5 in the ARP table"]);
  });

  it("asks by SNMP whom it saw passively, without a sweep", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", ...access, agent: agentOf({ name: "sw", serials: ["S1"] }) });
    lan.resolve("10.20.0.5");
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false }) });
    await runFor(clock, discovery, hourMs);
    expect(new Set(lan.sent.map(({ kind, address }) => `${kind} ${address}`))).toEqual(new Set(["snmp 10.20.0.5"]));
    expect(discovery.proposals()).toHaveLength(1);
  });

  it("leaves a device that refused every credential alone for 24 hours, restarts included", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", mac: mac(1, 1), key: "another", agent: agentOf({ name: "sw" }) });
    lan.resolve("10.20.0.5");
    const state = new MemoryState();
    const settings = settingsOf({ activeSweep: false });
    await runFor(clock, discoveryOn({ clock, lan }, { settings, state }).discovery, 12 * hourMs);
    await runFor(clock, discoveryOn({ clock, lan }, { settings, state }).discovery, 11 * hourMs);
    expect(lan.sent.map(({ key }) => key)).toEqual(["v3-key", "v3-key", "v2c-key", "v2c-key", "v1-key", "v1-key"]);
    await runFor(clock, discoveryOn({ clock, lan }, { settings, state }).discovery, 2 * hourMs);
    expect(lan.sent).toHaveLength(12);
  });

  it("asks another device at the same address at once: its MAC address tells", async () => {
    const { clock, lan } = emptyLan();
    const host = lan.add({ address: "10.20.0.5", mac: mac(1, 1), key: "another", agent: agentOf({ name: "sw" }) });
    lan.resolve("10.20.0.5");
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false }) });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    const before = lan.sent.length;
    host.mac = mac(1, 2);
    lan.resolve("10.20.0.5");
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(lan.sent.length).toBe(before + 6);
  });

  it("remembers the credential that worked and asks with no other one", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", ...access, agent: agentOf({ name: "sw", serials: ["S1"] }) });
    lan.resolve("10.20.0.5");
    const state = new MemoryState();
    const settings = settingsOf({ activeSweep: false });
    await runFor(clock, discoveryOn({ clock, lan }, { settings, state }).discovery, hourMs);
    lan.sent.length = 0;
    await runFor(clock, discoveryOn({ clock, lan }, { settings, state }).discovery, hourMs);
    expect(new Set(lan.sent.map(({ key }) => key))).toEqual(new Set(["v2c-key"]));
  });

  it("sweeps once an hour and not in between", async () => {
    const { clock, lan } = emptyLan();
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ cidr: "10.20.0.0/26", exclude: [] }) });
    await runFor(clock, discovery, 3 * hourMs + 60_000);
    const echoes = lan.sent.filter(({ kind }) => kind === "echo").map(({ atMs }) => Math.floor(atMs / hourMs));
    expect([0, 1, 2, 3].map((hour) => echoes.filter((one) => one === hour).length)).toEqual([61, 61, 61, 61]);
  });

  it("writes nothing to flash while nothing changes", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", ...access, agent: agentOf({ name: "sw", serials: ["S1"] }) });
    lan.resolve("10.20.0.5");
    const { discovery, state } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false }) });
    await runFor(clock, discovery, hourMs);
    const puts = state.puts;
    await runFor(clock, discovery, 10 * hourMs);
    expect(state.puts - puts).toBe(0);
  });

  it("follows neighbours inside enabled subnets only, three steps away at most", async () => {
    const { clock, lan } = emptyLan();
    const names = ["10.20.0.5", "10.20.1.6", "10.20.1.7", "10.20.1.8", "10.20.1.9"];
    const agents = names.map((_, index) =>
      agentOf({ name: `sw-${index}`, serials: [`S${index}`], bridge: mac(1, index), ports: [{ name: "p1", mac: mac(2, index) }] }),
    );
    for (const [index, address] of names.entries()) {
      const [agent, next] = [agents[index], names[index + 1]];
      if (agent === undefined) continue;
      if (next !== undefined)
        hear(agent, { port: 0, chassis: mac(1, index + 1), remotePort: "p1", sysName: `sw-${index + 1}`, management: next });
      lan.add({ address, mac: mac(1, index), agent, key: "v2c-key" });
    }
    if (agents[0] !== undefined)
      hear(agents[0], { port: 0, chassis: mac(1, 99), remotePort: "p1", sysName: "far", management: "10.99.0.1", remIndex: 2 });
    lan.add({ address: "10.99.0.1", mac: mac(1, 99), agent: agentOf({ name: "far" }), key: "v2c-key" });
    lan.resolve("10.20.0.5");
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false }) });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(
      discovery
        .proposals()
        .map(({ address }) => address)
        .sort(),
    ).toEqual(names.slice(0, 4));
    expect(lan.sent.some(({ address }) => address === "10.99.0.1")).toBe(false);
    expect(
      discovery
        .hosts()
        .map(({ address }) => address)
        .sort(),
    ).toEqual(names.slice(0, 4));
    // Nor further in a later round.
    await clock.advance(hourMs);
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(discovery.proposals()).toHaveLength(4);
  });

  it("slows to a quarter while devices that are there lose packets, and comes back", async () => {
    const { clock, lan } = emptyLan();
    for (let index = 1; index <= 60; index++)
      lan.add({
        address: `10.20.0.${20 + index}`,
        mac: mac(1, index),
        agent: agentOf({ name: `sw-${index}`, serials: [`S${index}`] }),
        key: "v2c-key",
      });
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ credentials: ["lan-v2c"] }) });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(discovery.status().paceFactor).toBe(1);
    let count = 0;
    lan.lossOf = () => ++count % 3 === 0;
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(discovery.status().paceFactor).toBe(0.25);
    const fromMs = clock.monotonicMs();
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    lan.sent.splice(
      0,
      lan.sent.findIndex(({ atMs }) => atMs > fromMs),
    );
    expect(lan.busiest(10_000)).toBeLessThanOrEqual(45 * 2.5 + 5);
    lan.lossOf = () => false;
    for (let round = 0; round < 3; round++) await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(discovery.status().paceFactor).toBe(1);
  });

  it("stops within a batch when it is paused, and goes on where it was", async () => {
    const { clock, lan } = emptyLan();
    const { discovery } = discoveryOn({ clock, lan });
    const scan = discovery.scan(subnet.cidr, never);
    await clock.advance(5_000);
    discovery.pause(subnet.cidr);
    await clock.advance(2_000);
    const before = lan.sent.length;
    await clock.advance(hourMs);
    expect(lan.sent.length).toBe(before);
    expect(discovery.status().subnets[0]).toMatchObject({ paused: true, phase: "sweep" });
    discovery.resume(subnet.cidr);
    await clock.runUntil(scan);
    expect(lan.sent.filter(({ kind }) => kind === "echo")).toHaveLength(446);
  });

  it("tries a credential every two seconds with who refuses at once, and with who is silent", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", mac: mac(1, 1), refuses: true });
    lan.add({ address: "10.20.0.6", mac: mac(1, 2) });
    for (const last of [5, 6]) lan.resolve(`10.20.0.${last}`);
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false }) });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    for (const address of ["10.20.0.5", "10.20.0.6"]) {
      const firsts = ["v3-key", "v2c-key", "v1-key"].map(
        (key) => lan.sent.find((one) => one.address === address && one.key === key)?.atMs ?? 0,
      );
      expect(firsts.map((atMs) => Math.floor((atMs - (firsts[0] ?? 0)) / 1_000))).toEqual([0, 2, 4]);
    }
  });

  it("runs one scan of a subnet at a time", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", mac: mac(1, 1) });
    lan.resolve("10.20.0.5");
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false }) });
    await clock.runUntil(Promise.all([discovery.scan(subnet.cidr, never), discovery.scan(subnet.cidr, never)]));
    expect(lan.sent).toHaveLength(6);
  });

  it("pays two packets an address where there is no ICMP, and says so", async () => {
    const { clock, lan } = emptyLan();
    lan.method = "tcp";
    lan.add({ address: "10.20.0.77", mac: mac(5, 1) });
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ credentials: [] }) });
    const { echoMethod, estimatedS } = await discovery.preview({ ...subnet, credentials: [] }, never);
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(lan.busiest(1_000, "echo")).toBeLessThanOrEqual(25);
    expect([echoMethod, estimatedS.sweep]).toEqual(["tcp", Math.ceil((446 * 2) / 20 + 1)]);
    expect(discovery.status().subnets[0]?.echoMethod).toBe("tcp");
    expect(discovery.hosts()[0]?.seen).toContain("no ICMP on this machine");
  });

  it("asks what is polled with its own credential, maps it, and proposes nothing of it", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", mac: mac(1, 1), key: "v3-key", agent: agentOf({ name: "core", bridge: mac(1, 1) }) });
    lan.resolve("10.20.0.5");
    const equipment = [{ id: "core" as EquipmentId, address: "10.20.0.5", port: 161, credential: "lan-v3" }];
    const { discovery } = discoveryOn(
      { clock, lan },
      { settings: settingsOf({ activeSweep: false, credentials: [] }), equipment: () => equipment },
    );
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(discovery.proposals()).toEqual([]);
    expect(discovery.status().devices).toBe(1);
  });
});
