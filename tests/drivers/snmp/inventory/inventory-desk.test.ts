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
