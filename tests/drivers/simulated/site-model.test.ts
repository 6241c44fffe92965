import { describe, expect, it } from "vitest";
import type { ObjectTree } from "../../../drivers/simulated/object-tree.ts";
import { createOffice, type Office } from "../../../drivers/simulated/office.ts";

const noonMs = Date.UTC(2026, 2, 3, 11);
const inOctets = "1.3.6.1.2.1.31.1.1.1.6";
const outOctets = "1.3.6.1.2.1.31.1.1.1.10";
const hourMs = 3_600_000;

function office(seed = 1): { office: Office; to: (ms: number) => void } {
  let nowMs = 0;
  const made = createOffice(seed, () => nowMs, noonMs);
  const to = (ms: number) => {
    nowMs = ms;
    made.model.settle();
  };
  return { office: made, to };
}

function counter(tree: ObjectTree, column: string, index: number): bigint {
  const value = tree.exact(`${column}.${index}`)?.read();
  if (typeof value !== "bigint") throw new Error(`${column}.${index} is no Counter64`);
  return value;
}

function snapshot(tree: ObjectTree): string {
  const lines: string[] = [];
  for (let i = 0; i < tree.size; i++) lines.push(`${tree.at(i)?.oid}=${String(tree.at(i)?.read())}`);
  return lines.join("\n");
}

describe("the simulated site's time line", () => {
  it("gives the same values for the same seed and clock, however often it was read in between", () => {
    const first = office();
    const second = office();
    for (let ms = 0; ms <= hourMs; ms += 137_003) first.to(ms);
    first.to(hourMs);
    second.to(hourMs);
    for (const [index, device] of first.office.model.devices.entries()) {
      const other = second.office.model.devices[index];
      // Sums of parts round differently in the last bit of a double; the integers on the wire may then differ by one.
      const a = snapshot(device.tree).split("\n");
      const b = snapshot(other?.tree ?? device.tree).split("\n");
      expect(a.length).toBe(b.length);
      const differing = a.filter((line, i) => !nearlyEqual(line, b[i] ?? ""));
      expect(differing).toEqual([]);
    }
  });

  it("gives other values for another seed", () => {
    expect(snapshot(office(1).office.switch.device.tree)).not.toBe(snapshot(office(2).office.switch.device.tree));
  });

  it("counts monotonically, with packets between 64 and 1518 octets on average", () => {
    const { office: site, to } = office();
    const { tree } = site.switch.device;
    let before = counter(tree, inOctets, 2);
    let packetsBefore = counter(tree, "1.3.6.1.2.1.31.1.1.1.7", 2);
    for (let ms = 7_000; ms < 600_000; ms += 7_000) {
      to(ms);
      const octets = counter(tree, inOctets, 2) - before;
      const packets = counter(tree, "1.3.6.1.2.1.31.1.1.1.7", 2) - packetsBefore;
      expect(octets > 0n).toBe(true);
      expect(Number(octets) / Number(packets)).toBeGreaterThan(64);
      expect(Number(octets) / Number(packets)).toBeLessThan(1_518);
      before += octets;
      packetsBefore += packets;
    }
  });

  it("shows on the uplink what the ports behind it carry, and the same on the firewall", () => {
    const { office: site, to } = office();
    const { tree } = site.switch.device;
    const fw = site.router.device.tree;
    const read = () => ({
      ports: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 17, 18, 20].map((port) => counter(tree, inOctets, port)).reduce((a, b) => a + b),
      uplink: counter(tree, outOctets, 1),
      wan: counter(fw, outOctets, 2),
    });
    const start = read();
    to(hourMs);
    const end = read();
    expect(Math.abs(Number(end.uplink - start.uplink - (end.ports - start.ports)))).toBeLessThan(32);
    expect(Math.abs(Number(end.wan - start.wan - (end.uplink - start.uplink)))).toBeLessThan(4);
  });

  it("carries more by day than by night", () => {
    const { office: site, to } = office();
    const { tree } = site.switch.device;
    const day0 = counter(tree, outOctets, 1);
    to(2 * hourMs);
    const day = counter(tree, outOctets, 1) - day0;
    to(14 * hourMs);
    const night0 = counter(tree, outOctets, 1);
    to(16 * hourMs);
    const night = counter(tree, outOctets, 1) - night0;
    expect(Number(day)).toBeGreaterThan(2 * Number(night));
  });

  it("uses toner for each page and follows a day in which pages are printed", () => {
    const { office: site, to } = office();
    const { state } = site.printer;
    const pages = state.pages;
    const toner = state.tonerLevel;
    to(4 * hourMs);
    expect(state.pages).toBeGreaterThan(pages);
    expect(toner - state.tonerLevel).toBe(state.pages - pages);
  });
});

describe("wires and power", () => {
  it("takes the link of a switch port down when its device loses power, and boots the device when it returns", () => {
    const { office: site, to } = office();
    const { model } = site;
    const traps: string[] = [];
    site.switch.device.emitTrap = ({ oid }) => traps.push(oid);
    to(60_000);
    model.change(() => model.setPower(site.nas.device, false));
    expect(site.switch.device.tree.exact("1.3.6.1.2.1.2.2.1.8.22")?.read()).toBe(2);
    to(120_000);
    model.change(() => model.setPower(site.nas.device, true));
    expect(site.nas.device.upTimeTicks).toBe(0);
    expect(counter(site.nas.device.tree, inOctets, 2)).toBe(0n);
    expect(traps).toEqual(["1.3.6.1.6.3.1.1.5.3", "1.3.6.1.6.3.1.1.5.4"]);
  });

  it("goes dark behind an empty UPS, and only what was dark by it comes back with mains", () => {
    const { office: site, to } = office();
    const { model } = site;
    const dark = () => model.devices.filter((device) => model.isDark(device)).map(({ identity }) => identity.id);
    const traps: string[] = [];
    site.ups.device.emitTrap = ({ oid }) => traps.push(oid);
    to(1_000);
    model.change(() => model.setPower(site.nas.device, false));
    model.change(() => site.ups.setOnBattery(true, 10));
    to(4 * 60_000);
    expect(dark()).toEqual(["nas-1"]);
    to(10 * 60_000);
    expect(dark()).toEqual(["sw-1", "ups-1", "nas-1", "ap-1", "fw-1", "cam-1"]);
    expect(traps.filter((oid) => oid === "1.3.6.1.2.1.33.2.1").length).toBeGreaterThan(3);
    to(20 * 60_000);
    model.change(() => site.ups.setOnBattery(false));
    expect(dark()).toEqual(["nas-1"]);
    expect(site.switch.device.upTimeS).toBe(0);
    expect(counter(site.switch.device.tree, inOctets, 2)).toBe(0n);
  });

  it("stops traffic where the link is down and only there", () => {
    const { office: site, to } = office();
    const { tree } = site.switch.device;
    const cable = site.model.cables.find(({ near }) => near.index === 5 && near === site.switch.device.port(5));
    site.model.change(() => {
      if (cable) cable.plugged = false;
    });
    const [stopped, runs] = [counter(tree, inOctets, 5), counter(tree, inOctets, 6)];
    to(60_000);
    expect(counter(tree, inOctets, 5)).toBe(stopped);
    expect(counter(tree, inOctets, 6)).toBeGreaterThan(runs);
  });

  it("heals a hanging camera by a power cycle of its PoE port through SET", () => {
    const { office: site, to } = office();
    const { model } = site;
    const { tree } = site.switch.device;
    const camera = model.devices.find(({ identity }) => identity.id === "cam-1");
    if (camera === undefined) throw new Error("no camera");
    const enable = tree.exact("1.3.6.1.2.1.105.1.1.1.3.1.12");
    const traffic = () => counter(tree, inOctets, 12);
    model.change(() => {
      const cable = model.cableOf(site.switch.device.ports[11] ?? camera.ports[0] ?? failed());
      if (cable) cable.silent = true;
    });
    const silentAt = traffic();
    to(60_000);
    expect(traffic()).toBe(silentAt);
    expect(model.isDark(camera)).toBe(true);
    expect(tree.exact("1.3.6.1.2.1.2.2.1.8.12")?.read()).toBe(1);
    expect(tree.exact("1.3.6.1.2.1.105.1.1.1.6.1.12")?.read()).toBe(3);
    expect(enable?.write?.(2)).toBe(true);
    expect(tree.exact("1.3.6.1.2.1.2.2.1.8.12")?.read()).toBe(2);
    to(65_000);
    expect(enable?.write?.(1)).toBe(true);
    to(120_000);
    expect(model.isDark(camera)).toBe(false);
    expect(traffic()).toBeGreaterThan(silentAt);
    expect(camera.upTimeS).toBeLessThan(60);
  });
});

function failed(): never {
  throw new Error("not there");
}

function nearlyEqual(a: string, b: string): boolean {
  if (a === b) return true;
  const [oidA, valueA] = a.split("=");
  const [oidB, valueB] = b.split("=");
  return oidA === oidB && Math.abs(Number(valueA) - Number(valueB)) <= 1;
}
