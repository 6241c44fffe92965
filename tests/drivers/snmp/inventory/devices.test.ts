import { describe, expect, it } from "vitest";
import { identityOf, type Walk } from "./synthetic-agent.ts";

const entity = "1.3.6.1.2.1.47.1.1.1.1";
const lldpMed = "1.0.8802.1.1.2.1.5.4795.1.2";

interface Row {
  readonly class?: number;
  readonly descr?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly software?: string;
  readonly firmware?: string;
}

/** Rows of entPhysicalTable by index. */
function entities(rows: Readonly<Record<number, Row>>): Walk {
  const columns = { class: 5, descr: 2, model: 13, serial: 11, software: 10, firmware: 9 } as const;
  return Object.fromEntries(
    Object.entries(rows).flatMap(([index, row]) =>
      Object.entries(row).map(([name, value]) => [`${entity}.${columns[name as keyof typeof columns]}.${index}`, value]),
    ),
  );
}

const [chassis, module, powerSupply, stack] = [3, 9, 6, 11];

describe("devices by the standards that they follow", () => {
  it("are their chassis, not the power supply that has a serial number, too", async () => {
    const walk = entities({
      1: { class: powerSupply, descr: "PSU 1", model: "PWR-1", serial: "PSU0001" },
      2: { class: chassis, descr: "Chassis", model: "X-48", serial: "CHS0001", software: "7.1.2", firmware: "boot 1.0" },
      3: { class: module, descr: "SFP+ transceiver", model: "10G-SR", serial: "OPT0001" },
    });
    expect(await identityOf(".99998.1", "box", walk)).toMatchObject({ model: "X-48", serial: "CHS0001", firmware: "7.1.2" });
  });

  it("are no transceiver, where the chassis has no serial number but a board has one", async () => {
    const walk = entities({
      1: { class: chassis, descr: "Chassis", model: "X-24" },
      2: { class: module, descr: "10GBASE-LR SFP+", model: "10G-LR", serial: "OPT0002" },
      3: { class: module, descr: "Main board", model: "X-24-MB", serial: "BRD0002" },
    });
    expect(await identityOf(".99998.1", "box", walk)).toMatchObject({ model: "X-24", serial: "BRD0002" });
  });

  it("are what nothing contains, not an extender that is listed first; and never a power supply's frame", async () => {
    const walk = {
      ...entities({
        3: { class: chassis, descr: "Fabric extender", model: "EXT-1", serial: "EXT0001" },
        149: {
          class: chassis,
          descr: "Main",
          model: "X-96",
          serial: "CHS0010",
          software: "Acme OS, Version 7.2.1, RELEASE SOFTWARE (fc1)",
        },
      }),
      [`${entity}.4.3`]: 100,
      [`${entity}.4.149`]: 0,
    };
    expect(await identityOf(".99998.1", "box", walk)).toMatchObject({ model: "X-96", serial: "CHS0010", firmware: "7.2.1" });
    const rack = entities({
      1: { class: chassis, descr: "Rack", model: "R-1" },
      2: { class: chassis, descr: "Power supply chassis", model: "PSC", serial: "PSC0001" },
    });
    expect((await identityOf(".99998.1", "box", rack)).model).toBe("R-1");
  });

  it("are the printer among the devices of a printer", async () => {
    const walk = {
      "1.3.6.1.2.1.25.3.2.1.3.1": "Processor 500 MHz",
      "1.3.6.1.2.1.25.3.2.1.3.7": "Acme LaserBox 9300",
      "1.3.6.1.2.1.25.3.5.1.1.7": 3,
      "1.3.6.1.2.1.43.5.1.1.17.1": "PRN0001",
      "1.3.6.1.2.1.43.10.2.1.4.1.1": 5,
    };
    expect(await identityOf(".99998.1", "Acme print system", walk)).toMatchObject({ model: "Acme LaserBox 9300", serial: "PRN0001" });
  });

  it("are no line card, however many there are, and no uplink module", async () => {
    const modular = entities({
      1: { class: chassis, descr: "Chassis", model: "X-10" },
      3: { class: module, descr: "48-port line card", model: "LC-48", serial: "LCD0001" },
      5: { class: module, descr: "48-port line card", model: "LC-48", serial: "LCD0002" },
    });
    const found = await identityOf(".99998.1", "box", modular);
    expect(found).toMatchObject({ model: "X-10" });
    expect(found.serial).toBeUndefined();
    const withUplink = entities({
      1: { class: chassis, descr: "X-2400 24-port switch chassis", serial: "CHS0007" },
      2: { class: module, descr: "Uplink expansion", model: "UP-2", serial: "UPL0001" },
    });
    expect(await identityOf(".99998.1", "box", withUplink)).toMatchObject({ model: "X-2400 24-port switch", serial: "CHS0007" });
  });

  it("have no address as their serial number, and what stands behind a NUL or was never written does not count", async () => {
    const odd = async (serial: string) =>
      (await identityOf(".99998.1", "box", entities({ 1: { class: chassis, model: "X-1", serial } }))).serial;
    expect(await odd("00:1B:22:33:44:55")).toBeUndefined();
    expect(await odd("CHS0008\u0000\u0007old")).toBe("CHS0008");
    expect(await odd("CHS0009\u00ff\u00ff")).toBe("CHS0009");
    expect(await odd("000123456 ")).toBe("000123456");
  });

  it("are a stack's first member; what the boot loader runs is said only where nothing better is", async () => {
    const walk = entities({
      1: { class: stack, descr: "Stack" },
      2: { class: chassis, descr: "Unit 1", model: "Y-48", serial: "MEM0001", firmware: "1.0.0.3" },
      3: { class: chassis, descr: "Unit 2", model: "Y-24", serial: "MEM0002" },
    });
    expect(await identityOf(".99998.1", "Acme switch, Firmware Version 4.2.1", walk)).toMatchObject({
      ...{ model: "Y-48", serial: "MEM0001", firmware: "4.2.1" },
    });
    expect(await identityOf(".99998.1", "Acme switch", walk)).toMatchObject({ firmware: "1.0.0.3" });
  });

  it("say to their neighbours what they are (LLDP-MED)", async () => {
    const walk = {
      "1.0.8802.1.1.2.1.3.2.0": "x",
      "1.0.8802.1.1.2.1.4.1.1.9.0.1.1": "neighbour",
      [`${lldpMed}.4.0`]: "5.5.1",
      [`${lldpMed}.5.0`]: "MED12345",
      [`${lldpMed}.6.0`]: "Acme",
      [`${lldpMed}.7.0`]: "Z-8",
    };
    expect(await identityOf(".99998.1", "box", walk)).toMatchObject({
      vendor: "Acme",
      model: "Z-8",
      serial: "MED12345",
      firmware: "5.5.1",
    });
  });
});

describe("descriptions of unknown form", () => {
  it.each([
    ["Acme WG-300 router, firmware 4.2.1, S/N: ACM123456", { model: "Acme WG-300 router", serial: "ACM123456", firmware: "4.2.1" }],
    ["Model: AB-12 HW Ver: 1.0 SW Version: 2.3.4b1", { model: "AB-12", firmware: "2.3.4b1", hardware: "1.0" }],
    ["GW-24P", { model: "GW-24P" }],
    ["GW-9210-24P2S 24-Port 10/100/1000T PoE + 2-Port SFP Switch", { model: "GW-9210-24P2S" }],
    [
      "WR930 Dual Radio - Hardware revision J99:70-1159 - Serial number TEST0012",
      { model: "WR930 Dual Radio", hardware: "J99", serial: "TEST0012" },
    ],
    ["gw24.example.com", {}],
    ["Acme 3000\r\nSW version 4.5.6\r\nHW version B2", { model: "Acme 3000", firmware: "4.5.6", hardware: "B2" }],
    ["Model=AX-5; FW=1.2.3; HW=R2; SN=00123456", { model: "AX-5", firmware: "1.2.3", hardware: "R2", serial: "00123456" }],
    ["Bootloader 1.9.1, Hardware Version 2.0", { hardware: "2.0" }],
    ["Ethernet interface of 2 ports", {}],
    ["Main office, 2nd floor: ask for Bob", {}],
  ])("%s", async (sysDescr, expected) => {
    const { model, serial, firmware, hardware } = await identityOf(".99998.1", sysDescr, {});
    expect({ ...(model && { model }), ...(serial && { serial }), ...(firmware && { firmware }), ...(hardware && { hardware }) }).toEqual(
      expected,
    );
  });
});

describe("a UPS whose card says nothing of it", () => {
  it("has no serial number: the card's is another's", async () => {
    const card =
      "APC Web/SNMP Management Card (MB:v9.1.0 PF:v9.4.6 PN:x.bin AF1:v9.4.6 AN1:y.bin MN:AP9999 HR:05 SN: TESTCARD02 MD:01/01/2020)";
    expect((await identityOf(".318.1.3.27", card, {})).serial).toBeUndefined();
    const walk = { ".318.1.1.1.1.2.3.0": "TESTUPS002" };
    expect(await identityOf(".318.1.3.27", card, walk)).toMatchObject({ serial: "TESTUPS002", hardware: "AP9999", deviceClass: "ups" });
  });
});

describe("vendors probed for", () => {
  it("are no model and no hardware by an object that only tells that it is there", async () => {
    const airMax = await identityOf(".10002.1", "Linux 2.6.15", { ".41112.1.4.5.1.7.1": 991, "1.2.840.10036.3.1.2.1.3.5": "NanoTest M9" });
    expect(airMax).toMatchObject({ vendor: "Ubiquiti", model: "NanoTest M9", deviceClass: "wireless-bridge" });
    expect(airMax.hardware).toBeUndefined();
    const airFiber = await identityOf(".10002.1", "Linux 2.6.33", { ".41112.1.3.2.1.5.1": 380_000_000 });
    expect(airFiber.model).toBeUndefined();
  });
});
