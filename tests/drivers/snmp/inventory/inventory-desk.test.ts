import { describe, expect, it } from "vitest";
import type { Inventory } from "#model/observation.ts";
import { Bench } from "../support/fixtures.ts";
import type { MemoryAgent } from "../support/memory-agent.ts";
import { setInterface, smallSwitch } from "../support/switch-agent.ts";

const entPhysical = "1.3.6.1.2.1.47.1.1.1.1";

function chassis(serial: string, firmware: string): MemoryAgent {
  const agent = smallSwitch();
  agent.set(`${entPhysical}.5.1`, "integer", 3).text(`${entPhysical}.2.1`, "Chassis").text(`${entPhysical}.7.1`, "Unit 1");
  agent
    .text(`${entPhysical}.11.1`, serial)
    .text(`${entPhysical}.10.1`, firmware)
    .text(`${entPhysical}.12.1`, "ACME")
    .text(`${entPhysical}.13.1`, "X-2");
  agent.set("1.3.6.1.6.3.10.2.1.1.0", "octet-string", Uint8Array.of(0x80, 0, 0x1f, 0x88, 4));
  return agent;
}

async function settle(bench: Bench, polls = 4): Promise<Inventory> {
  let last: Inventory | undefined;
  for (let poll = 0; poll < polls; poll++) last = (await bench.next()).inventory ?? last;
  if (last === undefined) throw new Error("no inventory");
  return last;
}

describe("the inventory of a device", () => {
  it("says what the values of its states are called, and says it once", async () => {
    const bench = new Bench(chassis("S1", "1.0"));
    const { inventory } = await bench.next();
    expect(inventory?.enumerations?.["ifOperStatus"]).toMatchObject({ "1": "up", "2": "down" });
    const later: unknown[] = [];
    for (let poll = 0; poll < 6; poll++) later.push((await bench.next()).inventory);
    expect(later.filter((one) => one !== undefined).length).toBeLessThanOrEqual(1);
  });

  it("comes with the first poll and holds identity and components", async () => {
    const { inventory } = await new Bench(chassis("S1", "1.0")).next();
    expect(inventory?.identity).toMatchObject({
      vendor: "ACME",
      model: "X-2",
      serial: "S1",
      firmware: "1.0",
      engineId: "80001f8804",
      sysDescr: "a small switch",
    });
    expect(inventory?.components.map((component) => [component.kind, component.name])).toEqual([
      ["interface", "Gi1/0/1"],
      ["interface", "Gi1/0/2"],
      ["entity", "Unit 1"],
    ]);
    expect(inventory?.components[0]?.attributes).toMatchObject({
      ifIndex: "1",
      ifPhysAddress: "00:1b:02:03:04:01",
      speedBitPerS: 1_000_000_000,
    });
    expect(inventory?.changes).toEqual([]);
  });

  it("says to which interface ports, transceivers and sensors belong, by the agent's own alias of the port", async () => {
    const agent = chassis("S1", "1.0");
    const entity = (index: number, type: number, containedIn: number, name: string): void => {
      agent.set(`${entPhysical}.5.${index}`, "integer", type).set(`${entPhysical}.4.${index}`, "integer", containedIn);
      agent.text(`${entPhysical}.7.${index}`, name);
    };
    entity(10, 9, 1, "Card");
    for (const port of [11, 12]) entity(port, 10, 10, `Port ${port}`);
    entity(20, 9, 12, "Transceiver");
    entity(21, 8, 20, "Transceiver temperature");
    entity(30, 9, 1, "Uplink module");
    entity(31, 10, 30, "Uplink");
    entity(40, 8, 1, "Inlet");
    for (const sensor of [21, 40]) {
      const values: readonly (readonly [number, number])[] = [
        [1, 8],
        [2, 9],
        [3, 0],
        [4, 40],
        [5, 1],
      ];
      for (const [column, value] of values) agent.set(`1.3.6.1.2.1.99.1.1.1.${column}.${sensor}`, "integer", value);
    }
    setInterface(agent, 4, "Te1/0/1");
    const alias = "1.3.6.1.2.1.47.1.3.2.1.2";
    agent.set(`${alias}.11.0`, "oid", "1.3.6.1.2.1.2.2.1.1.1").set(`${alias}.12.0`, "oid", "1.3.6.1.2.1.2.2.1.1.2");
    agent.set(`${alias}.31.0`, "oid", "1.3.6.1.2.1.2.2.1.1.4").set(`${alias}.1.0`, "oid", "1.3.6.1.2.1.17.1.4.1.2.7");
    const { components } = await settle(new Bench(agent));
    const belonging = components.filter(({ attributes }) => attributes.interface !== undefined);
    expect(Object.fromEntries(belonging.map(({ name, attributes }) => [name, attributes.interface]))).toEqual({
      "Transceiver temperature": "Gi1/0/2",
      Transceiver: "Gi1/0/2",
      "Uplink module": "Te1/0/1",
    });
  });

  it("reads those aliases again when the interfaces changed", async () => {
    const agent = chassis("S1", "1.0");
    agent.set(`${entPhysical}.5.20`, "integer", 9).text(`${entPhysical}.7.20`, "Transceiver");
    agent.set("1.3.6.1.2.1.47.1.3.2.1.2.20.0", "oid", "1.3.6.1.2.1.2.2.1.1.1");
    const bench = new Bench(agent, { rareIntervalMs: 60_000 });
    await settle(bench);
    for (let poll = 0; poll < 10; poll++) await bench.next();
    agent.remove("1.3.6.1.2.1.2.2.1").remove("1.3.6.1.2.1.31.1.1.1");
    setInterface(agent, 1, "Gi1/0/2");
    setInterface(agent, 2, "Gi1/0/1");
    agent.set("1.3.6.1.2.1.47.1.3.2.1.2.20.0", "oid", "1.3.6.1.2.1.2.2.1.1.2");
    agent.set("1.3.6.1.2.1.31.1.5.0", "timeticks", bench.uptimeTicks + 2_000);
    const { inventory } = await bench.next();
    const transceivers = (inventory?.components ?? []).filter(({ name }) => name === "Transceiver");
    expect(transceivers.map(({ attributes }) => attributes.interface)).not.toContain("Gi1/0/2");
  });

  it("is not sent again while nothing changes", async () => {
    const bench = new Bench(chassis("S1", "1.0"), { inventoryIntervalMs: 120_000 });
    await settle(bench);
    for (let poll = 0; poll < 10; poll++) expect((await bench.next()).inventory).toBeUndefined();
  });

  it("tells a swapped serial number after a restart, as a change and as an event", async () => {
    const agent = chassis("S1", "1.0");
    const bench = new Bench(agent);
    await settle(bench);
    agent.text(`${entPhysical}.11.1`, "S2");
    bench.restart();
    const { inventory, events } = await bench.next(30_000);
    expect(inventory?.changes).toEqual([
      { path: "identity/serial", before: "S1", after: "S2" },
      { path: "entity/entity-1/serial", before: "S1", after: "S2" },
    ]);
    expect(events.find((event) => event.type === "inventory.serial-changed")?.attributes).toMatchObject({ before: "S1", after: "S2" });
  });

  it("tells a changed firmware when the inventory is due", async () => {
    const agent = chassis("S1", "1.0");
    const bench = new Bench(agent, { inventoryIntervalMs: 300_000 });
    await settle(bench);
    agent.text(`${entPhysical}.10.1`, "1.1");
    const types: string[] = [];
    for (let poll = 0; poll < 6; poll++) types.push(...(await bench.next()).events.map((event) => event.type));
    expect(types).toEqual(["inventory.firmware-changed"]);
  });

  it("tells a new interface without reading the device's identity again", async () => {
    const agent = chassis("S1", "1.0");
    const bench = new Bench(agent);
    await settle(bench, 20);
    setInterface(agent, 9, "Gi1/0/9");
    let inventory: Inventory | undefined;
    for (let poll = 0; poll < 4 && inventory === undefined; poll++) inventory = (await bench.next()).inventory;
    expect(inventory?.changes).toEqual([{ path: "interface/Gi1/0/9", before: "", after: "Gi1/0/9" }]);
  });

  it("notices another kind of device at the same address", async () => {
    const agent = chassis("S1", "1.0");
    const bench = new Bench(agent);
    await settle(bench);
    agent.set("1.3.6.1.2.1.1.2.0", "oid", "1.3.6.1.4.1.99999.2");
    const { events } = await bench.next();
    expect(events.map((event) => event.type)).toContain("inventory.object-id-changed");
  });
});
