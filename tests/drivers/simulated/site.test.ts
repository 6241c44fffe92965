import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningSite, read, snmp, snmpTools, startSite, until, v2c, v3 } from "./running-site.ts";

const sysUpTime = ".1.3.6.1.2.1.1.3.0";
const oidsOf = (lines: readonly string[]) => lines.filter((line) => line.startsWith(".1")).map((line) => line.split(" ")[0]);

describe.skipIf(!snmpTools)("the simulated site under Debian's SNMP tools (skipped: snmp is not installed)", () => {
  let running: RunningSite;
  const control = (path: string, body?: unknown) =>
    fetch(
      `http://127.0.0.1:${running.controlPort}${path}`,
      body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
    );
  const fault = async (order: Record<string, unknown>) => {
    const response = await control("/faults", order);
    expect(response.status).toBe(200);
  };

  beforeAll(async () => {
    running = await startSite();
  });
  afterAll(() => running.stop());

  it.each(["sw-1", "ups-1", "printer-1", "nas-1", "ap-1", "cam-1"])("gives %s's objects alike to GETNEXT and GETBULK", async (id) => {
    const port = running.portOf(id);
    const bulk = oidsOf(await snmp("snmpbulkwalk", port, [...v2c, "-Cr20"], [".1"]));
    const next = oidsOf(await snmp("snmpwalk", port, v2c, [".1"]));
    expect(bulk.length).toBeGreaterThan(40);
    expect(bulk).toEqual(next);
  });

  it("leaves Counter64 out for an SNMPv1 manager and ends its walk with noSuchName", async () => {
    const lines = await snmp("snmpwalk", running.portOf("sw-1"), ["-v1", "-c", "public"], [".1.3.6.1.2.1.31"]);
    expect(lines.some((line) => line.includes("Counter64"))).toBe(false);
    expect(lines.length).toBeGreaterThan(100);
  });

  it("fills a GETBULK with rows up to an Ethernet frame", async () => {
    const oids = Array.from({ length: 12 }, (_, i) => `.1.3.6.1.2.1.2.2.1.${i + 1}`);
    const lines = await snmp("snmpbulkget", running.portOf("sw-1"), [...v2c, "-Cr24"], oids);
    expect(lines.length).toBeGreaterThan(48);
    expect(lines.length).toBeLessThan(100);
  });

  it("answers tooBig to a GET that does not fit, and noSuch exceptions to what is not there", async () => {
    const many = Array.from({ length: 100 }, () => ".1.3.6.1.2.1.1.1.0");
    await expect(snmp("snmpget", running.portOf("sw-1"), [...v2c, "-Cf"], many)).rejects.toThrow(/tooBig/);
    const [object, instance] = await snmp("snmpget", running.portOf("sw-1"), v2c, [".1.3.6.1.2.1.99999.0", ".1.3.6.1.2.1.2.2.1.10.77"]);
    expect(object).toContain("No Such Object");
    expect(instance).toContain("No Such Instance");
  });

  it("speaks v3 authPriv on the firewall and resynchronises a manager whose time is off", async () => {
    const port = running.portOf("fw-1");
    const lines = await snmp("snmpbulkwalk", port, v3, [".1.3.6.1.2.1"]);
    expect(lines.length).toBeGreaterThan(80);
    const engine = (await snmp("snmpget", port, [...v3, "-Oqv"], [".1.3.6.1.6.3.10.2.1.1.0"])).join("").replaceAll(/[" ]/g, "");
    const stale = [...v3, "-e", `0x${engine}`, "-Z", "1,1"];
    expect(Number(await read(port, ".1.3.6.1.6.3.10.2.1.2.0", stale))).toBeGreaterThan(1);
    expect(running.site.counts()["fw-1"]?.reports).toBeGreaterThan(0);
  });

  it("has counters and an uptime that move", async () => {
    const port = running.portOf("sw-1");
    const first = [await read(port, ".1.3.6.1.2.1.31.1.1.1.6.22"), await read(port, sysUpTime)].map(ticksOrCount);
    await until(async () => {
      const second = [await read(port, ".1.3.6.1.2.1.31.1.1.1.6.22"), await read(port, sysUpTime)].map(ticksOrCount);
      return second.every((value, i) => value > (first[i] ?? 0n));
    });
  });

  it("counts what it answered exactly, per column", async () => {
    const before = running.site.counts()["ups-1"];
    await snmp("snmpbulkwalk", running.portOf("ups-1"), v2c, [".1.3.6.1.2.1.33.1.2"]);
    await snmp("snmpget", running.portOf("ups-1"), v2c, [sysUpTime, ".1.3.6.1.2.1.33.1.2.3.0"]);
    const body: unknown = await (await control("/counts")).json();
    const after = running.site.counts()["ups-1"];
    const charge = "1.3.6.1.2.1.33.1.2.4";
    expect((after?.valuesByColumn[charge] ?? 0) - (before?.valuesByColumn[charge] ?? 0)).toBe(1);
    expect((after?.upTimeReads ?? 0) - (before?.upTimeReads ?? 0)).toBe(1);
    expect(body).toMatchObject({ devices: { "ups-1": { upTimeReads: after?.upTimeReads } } });
    expect(running.site.requests("ups-1").at(-1)).toMatchObject({ operation: "get", values: 2 });
  });

  it("takes SET with the write community only", async () => {
    const port = running.portOf("sw-1");
    const alias = ".1.3.6.1.2.1.31.1.1.1.18.7";
    await expect(snmp("snmpset", port, v2c, [alias, "s", "lab"])).rejects.toThrow(/noAccess/);
    await expect(snmp("snmpset", port, ["-v2c", "-c", "private"], [".1.3.6.1.2.1.1.1.0", "s", "x"])).rejects.toThrow(/notWritable/);
    await expect(snmp("snmpset", port, ["-v2c", "-c", "private"], [".1.3.6.1.2.1.2.2.1.7.7", "i", "9"])).rejects.toThrow(/wrongValue/);
    await snmp("snmpset", port, ["-v2c", "-c", "private"], [alias, "s", "lab"]);
    expect(await read(port, alias)).toBe('"lab"');
  });

  it("does what the control interface orders, and takes it back", async () => {
    const ups = running.portOf("ups-1");
    await fault({ device: "ups-1", fault: "on-battery", percent: 40 });
    expect(await read(ups, ".1.3.6.1.2.1.33.1.4.1.0")).toBe("5");
    await fault({ device: "ups-1", fault: "on-battery", on: false });
    expect(await read(ups, ".1.3.6.1.2.1.33.1.4.1.0")).toBe("3");

    const nas = running.portOf("nas-1");
    await fault({ device: "nas-1", fault: "disk-failed", disk: 3 });
    expect([await read(nas, ".1.3.6.1.4.1.6574.2.1.1.5.2"), await read(nas, ".1.3.6.1.4.1.6574.3.1.1.3.0")]).toEqual(["5", "11"]);
    await fault({ device: "nas-1", fault: "disk-failed", disk: 3, on: false });

    const printer = running.portOf("printer-1");
    await fault({ device: "printer-1", fault: "toner-low", percent: 5 });
    expect(Number(await read(printer, ".1.3.6.1.2.1.43.11.1.1.9.1.1"))).toBeLessThanOrEqual(600);

    const ap = running.portOf("ap-1");
    const before = await read(ap, ".1.3.6.1.2.1.47.1.1.1.1.11.1");
    await fault({ device: "ap-1", fault: "serial-swap" });
    expect(await read(ap, ".1.3.6.1.2.1.47.1.1.1.1.11.1")).not.toBe(before);
    expect(ticksOrCount(await read(ap, sysUpTime))).toBeLessThan(1_000n);

    await fault({ device: "ap-1", fault: "uptime-wrap", delayMs: 300 });
    expect(ticksOrCount(await read(ap, sysUpTime))).toBeGreaterThan(4_294_900_000n);
    await until(async () => ticksOrCount(await read(ap, sysUpTime)) < 1_000n);
  });

  it("is silent without power, late when slow, and deaf to a wrong community", async () => {
    const port = running.portOf("cam-1");
    const quick = ["-t", "0.3", "-r", "0"];
    await fault({ device: "cam-1", fault: "power-off" });
    await expect(snmp("snmpget", port, v2c, [sysUpTime], quick)).rejects.toThrow(/Timeout/);
    await fault({ device: "cam-1", fault: "power-off", on: false });
    await fault({ device: "cam-1", fault: "slow", delayMs: 600 });
    await expect(snmp("snmpget", port, v2c, [sysUpTime], quick)).rejects.toThrow(/Timeout/);
    expect((await snmp("snmpget", port, v2c, [sysUpTime], ["-t", "2", "-r", "0"])).length).toBe(1);
    await fault({ device: "cam-1", fault: "slow", on: false });
    await expect(snmp("snmpget", port, ["-v2c", "-c", "wrong"], [sysUpTime], quick)).rejects.toThrow(/Timeout/);
    await fault({ device: "fw-1", fault: "wrong-community" });
    await expect(snmp("snmpget", running.portOf("fw-1"), v3, [sysUpTime])).rejects.toThrow(/[Aa]uthentication/);
    await fault({ device: "fw-1", fault: "wrong-community", on: false });
  });

  it("refuses orders that make no sense, with a sentence", async () => {
    for (const order of [
      {},
      [],
      { device: "sw-1", fault: "nope" },
      { device: "x", fault: "reboot" },
      { device: "sw-1", fault: "port-down", port: 99 },
    ]) {
      const response = await control("/faults", order);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: "command.refused" });
    }
    const foreign = await fetch(`http://127.0.0.1:${running.controlPort}/faults`, { method: "POST", body: "{}" });
    expect(foreign.status).toBe(400);
  });

  it("survives datagrams that its library chokes on", async () => {
    const sender = createSocket("udp4");
    const ports = running.devices.map(({ port }) => port);
    const valid = Buffer.from("302902010104067075626c6963a51c02040001e24002010002010a300e300c06082b060102010101000500", "hex");
    let state = 12_345;
    const next = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 3_000; i++) {
      const mutant = Buffer.from(valid.subarray(0, next(4) === 0 ? next(valid.length) : valid.length));
      for (let flips = 1 + next(3); flips > 0 && mutant.length > 0; flips--) mutant[next(mutant.length)] = next(256);
      sender.send(mutant, ports[i % ports.length] ?? 0, "127.0.0.1");
      if (i % 200 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => Object.values(running.site.counts()).reduce((sum, { refused }) => sum + refused, 0) > 100);
    sender.close();
    for (const id of ["sw-1", "ups-1", "printer-1"]) expect(await read(running.portOf(id), ".1.3.6.1.2.1.1.5.0")).toBe(`"${id}"`);
  });
});

describe("traps of the simulated site", () => {
  it("leave from the device's own port: coldStart at the start, linkDown when a cable is pulled", async () => {
    const receiver = createSocket("udp4");
    receiver.bind(0, "127.0.0.1");
    await once(receiver, "listening");
    const got: { readonly message: Buffer; readonly from: RemoteInfo }[] = [];
    receiver.on("message", (message, from) => got.push({ message, from }));
    const running = await startSite({ traps: { host: "127.0.0.1", port: receiver.address().port } });
    const trap = (oid: string) => Buffer.from(oid, "hex");
    const coldStart = trap("2b06010603010105" + "01");
    const linkDown = trap("2b06010603010105" + "03");
    try {
      await until(() => got.length >= 7);
      expect(got.every(({ message }) => message.includes(coldStart))).toBe(true);
      expect(new Set(got.map(({ from }) => from.port))).toEqual(new Set(running.devices.map(({ port }) => port)));
      running.site.applyFault({ device: "sw-1", fault: "port-down", port: 5 });
      await until(() => got.some(({ message, from }) => message.includes(linkDown) && from.port === running.portOf("sw-1")));
    } finally {
      await running.stop();
      receiver.close();
    }
  });
});

describe("starting the simulated site", () => {
  it("says which port is in use, and leaves nothing open", async () => {
    const occupied = createSocket("udp4");
    occupied.bind(0, "127.0.0.1");
    await once(occupied, "listening");
    await expect(startSite({ basePort: occupied.address().port })).rejects.toMatchObject({ code: "host.port-in-use" });
    occupied.close();
  });
});

function ticksOrCount(text: string): bigint {
  // Debian's tools print ticks as d:h:m:s.cc with -Oqv, hundredths last.
  if (!text.includes(":")) return BigInt(text);
  const [days = "0", hours = "0", minutes = "0", seconds = "0"] = text.split(":");
  return BigInt(Math.round(((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 6_000 + Number(seconds) * 100));
}
