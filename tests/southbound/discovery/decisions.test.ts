import { describe, expect, it } from "vitest";
import { agentOf, hear } from "./agents.ts";
import { MemoryState } from "./memory-state.ts";
import { discoveryOn, mac, subnet } from "./office-lan.ts";
import { access, emptyLan, hourMs, never, settingsOf } from "./quiet-lan.ts";

describe("what discovery says and what people decide", () => {
  it("says when another device answers at an address, and not when a device only moved", async () => {
    const { clock, lan } = emptyLan();
    const device = (serial: string) => agentOf({ name: `sw-${serial}`, serials: [serial], bridge: mac(1, serial.length) });
    const first = lan.add({ address: "10.20.0.5", ...access, agent: device("A") });
    lan.resolve("10.20.0.5");
    const { discovery, events } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false }) });
    const swaps = () => events.filter(({ type }) => type === "discovery.swapped");
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    // DHCP: A goes to .6, B comes to .5.
    first.agent = device("BB");
    first.mac = mac(1, 77);
    lan.add({ address: "10.20.0.6", ...access, agent: device("A") });
    for (const address of ["10.20.0.6", "10.20.0.5"]) lan.resolve(address);
    await clock.advance(hourMs);
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(swaps()).toEqual([]);
    expect(discovery.status().devices).toBe(2);
    // A real swap: C where B was, and B is nowhere.
    first.agent = device("CCC");
    first.mac = mac(1, 78);
    lan.resolve("10.20.0.5");
    await clock.advance(hourMs);
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(swaps()).toHaveLength(1);
    expect(swaps()[0]).toMatchObject({
      severity: "warning",
      attributes: { address: "10.20.0.5", before: { label: "sw-BB", identity: "serial number bb" }, after: { label: "sw-CCC" } },
    });
  });

  it("does not take the failover of a virtual router for a swap", async () => {
    const { clock, lan } = emptyLan();
    const agents = [1, 2].map((side) =>
      agentOf({
        name: `fw-${side}`,
        serials: [`F${side}`],
        ports: [{ name: "lan", mac: mac(2, side) }],
        addresses: ["10.20.0.20", `10.20.0.2${side}`],
      }),
    );
    for (const [index, agent] of agents.entries())
      lan.add({ address: `10.20.0.2${index + 1}`, mac: mac(2, index + 1), agent, key: "v2c-key" });
    const virtual = lan.add({ address: "10.20.0.20", mac: "00:00:5e:00:01:14", key: "v2c-key" });
    if (agents[0] !== undefined) virtual.agent = agents[0];
    for (const last of [21, 22, 20]) lan.resolve(`10.20.0.${last}`);
    const { discovery, events } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false }) });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    if (agents[1] !== undefined) virtual.agent = agents[1];
    for (const last of [21, 22, 20]) lan.resolve(`10.20.0.${last}`);
    await clock.advance(25 * hourMs);
    for (const last of [21, 22, 20]) lan.resolve(`10.20.0.${last}`);
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(events.filter(({ type }) => type === "discovery.swapped")).toEqual([]);
    expect(discovery.status().devices).toBe(2);
    expect(
      discovery
        .proposals()
        .map(({ sysName }) => sysName)
        .sort(),
    ).toEqual(["fw-1", "fw-2"]);
  });

  it("takes nobody new beyond the cap of devices, and counts it", async () => {
    const { clock, lan } = emptyLan();
    for (let index = 1; index <= 30; index++)
      lan.add({
        address: `10.20.0.${20 + index}`,
        mac: mac(1, index),
        agent: agentOf({ name: `sw-${index}`, serials: [`S${index}`] }),
        key: "v2c-key",
      });
    const { discovery } = discoveryOn({ clock, lan }, { settings: { ...settingsOf({}), maxDevices: 10 } });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(discovery.status().devices).toBe(10);
    expect(discovery.proposals()).toHaveLength(10);
    expect(discovery.status().overflow).toBeLessThanOrEqual(16);
  });

  it("suggests the whole address of equipment that calls itself by one, not its first number", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", ...access, agent: agentOf({ name: "10.20.0.5", serials: ["S1"] }) });
    lan.resolve("10.20.0.5");
    const { discovery } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false }) });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(discovery.proposals().map(({ suggestedId }) => suggestedId)).toEqual(["10-20-0-5"]);
  });

  it("turns an accepted proposal into equipment to poll, and keeps the decision over a restart", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.5", ...access, agent: agentOf({ name: "Core.Example", serials: ["S1"] }) });
    lan.add({ address: "10.20.0.6", mac: mac(1, 2), key: "v2c-key", agent: agentOf({ name: "Core.Example", serials: ["S2"] }) });
    for (const last of [5, 6]) lan.resolve(`10.20.0.${last}`);
    const state = new MemoryState();
    const settings = settingsOf({ activeSweep: false });
    const { discovery, events } = discoveryOn({ clock, lan }, { settings, state });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    const [first, second] = discovery.proposals();
    expect([first?.suggestedId, second?.suggestedId, first?.state]).toEqual(["core", "core-2", "open"]);
    expect(discovery.acceptedEquipment()).toEqual([]);
    const equipment = discovery.accept(first?.id ?? "");
    discovery.refuse(second?.id ?? "");
    expect(equipment).toMatchObject({ id: "core", address: "10.20.0.5", driver: "snmp", credential: "lan-v2c", pollIntervalMs: 60_000 });
    expect(events.map(({ type }) => type).slice(-2)).toEqual(["discovery.accepted", "discovery.refused"]);
    const again = discoveryOn({ clock, lan }, { settings, state });
    await clock.runUntil(again.discovery.scan(subnet.cidr, never));
    expect(again.discovery.acceptedEquipment()).toEqual([equipment]);
    const configured = [{ id: equipment.id, address: "10.20.0.99", port: 161 }];
    expect(discoveryOn({ clock, lan }, { settings, state, equipment: () => configured }).discovery.acceptedEquipment()).toEqual([]);
    expect(discoveryOn({ clock, lan }, { settings, state, credential: () => undefined }).discovery.acceptedEquipment()).toEqual([]);
    expect(again.discovery.proposals().map((one) => one.state)).toEqual(["accepted", "refused"]);
    expect(again.events.filter(({ type }) => type === "discovery.proposal")).toEqual([]);
  });

  it("accepts by itself only the classes of site policy", async () => {
    const { clock, lan } = emptyLan();
    const ups = agentOf({ name: "ups", serials: ["U1"] })
      .text("1.3.6.1.2.1.33.1.1.1.0", "Example")
      .text("1.3.6.1.2.1.33.1.1.2.0", "UPS 1000");
    for (let object = 1; object <= 7; object++) ups.set(`1.3.6.1.2.1.33.1.2.${object}.0`, "integer", 2);
    lan.add({ address: "10.20.0.5", ...access, agent: ups });
    lan.add({ address: "10.20.0.6", mac: mac(1, 2), key: "v2c-key", agent: agentOf({ name: "sw", serials: ["S2"] }) });
    for (const last of [5, 6]) lan.resolve(`10.20.0.${last}`);
    const { discovery } = discoveryOn({ clock, lan }, { settings: { ...settingsOf({ activeSweep: false }), autoAccept: ["ups"] } });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    const decided = new Map(discovery.proposals().map(({ sysName, state, decidedBy }) => [sysName, [state, decidedBy]]));
    expect(decided.get("ups")).toEqual(["accepted", "policy"]);
    expect(decided.get("sw")).toEqual(["open", undefined]);
  });

  it("refuses to accept what answers no credential, and what is not there", async () => {
    const { clock, lan } = emptyLan();
    lan.add({ address: "10.20.0.7", mac: mac(8, 1), ports: [9100] });
    const { discovery } = discoveryOn({ clock, lan });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    const [printer] = discovery.proposals();
    expect(printer?.deviceClass).toBe("printer");
    expect(() => discovery.accept(printer?.id ?? "")).toThrowError(/answers SNMP with none/);
    expect(() => discovery.accept("p99")).toThrowError(/no such proposal/);
  });

  it("turns a host into a device when it answers SNMP later, without a second proposal", async () => {
    const { clock, lan } = emptyLan();
    const host = lan.add({ address: "10.20.0.7", mac: mac(8, 1), ports: [9100], key: "v2c-key" });
    const { discovery } = discoveryOn({ clock, lan });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    host.agent = agentOf({ name: "printer", ports: [{ name: "eth", mac: mac(8, 1) }] });
    await clock.advance(25 * hourMs);
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    expect(discovery.proposals().map(({ credential }) => credential)).toEqual(["lan-v2c"]);
  });

  it("tells of a link that went away and of the one that came", async () => {
    const { clock, lan } = emptyLan();
    const ports = [1, 2].map((port) => ({ name: `p${port}`, mac: mac(2, port) }));
    const core = agentOf({ name: "core", bridge: mac(1, 1), ports });
    lan.add({ address: "10.20.0.5", ...access, agent: core });
    lan.resolve("10.20.0.5");
    hear(core, { port: 0, chassis: mac(1, 50), remotePort: "up", sysName: "old" });
    const { discovery, events } = discoveryOn({ clock, lan }, { settings: settingsOf({ activeSweep: false }) });
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    core.remove("1.0.8802.1.1.2.1.4.1.1");
    hear(core, { port: 1, chassis: mac(1, 51), remotePort: "up", sysName: "new" });
    await clock.advance(hourMs);
    await clock.runUntil(discovery.scan(subnet.cidr, never));
    const changes = events.filter(({ type }) => type === "discovery.topology-changed").map(({ attributes }) => attributes);
    expect(changes).toMatchObject([
      { first: true, added: ["core p1 - old up (lldp)"] },
      { first: false, added: ["core p2 - new up (lldp)"], removed: ["core p1 - old up (lldp)"] },
    ]);
  });
});
