import type { Device } from "../device.ts";
import type { Direction } from "../load.ts";
import type { Port } from "../port.ts";

const up = 1;
const down = 2;

/** IF-MIB ifTable and ifXTable (RFC 2863), EtherLike-MIB dot3StatsTable (RFC 3635). */
export function addInterfaces(device: Device, setAdminStatus: (port: Port, adminUp: boolean) => void): void {
  const { tree, ports } = device;
  const index = (port: Port) => port.index;
  const c32 = (side: "in" | "out", what: keyof Direction) => (port: Port) => Number(BigInt.asUintN(32, port.counter(side, what)));
  const c64 = (side: "in" | "out", what: keyof Direction) => (port: Port) => port.counter(side, what);
  tree.scalars("1.3.6.1.2.1.2", [[1, "integer", () => ports.length]]);
  tree.table("1.3.6.1.2.1.2.2.1", ports, index, [
    [1, "integer", index],
    [2, "octet-string", (port) => port.options.descr],
    [3, "integer", (port) => port.options.type],
    [4, "integer", () => 1_500],
    [5, "gauge32", (port) => Math.min(4_294_967_295, port.options.speedMbit * 1_000_000)],
    [6, "octet-string", (port) => port.options.mac],
    [7, "integer", (port) => (port.adminUp ? up : down), adminStatusOf(setAdminStatus)],
    [8, "integer", (port) => (port.up ? up : down)],
    [9, "timeticks", (port) => port.lastChangeTicks],
    [10, "counter32", c32("in", "octets")],
    [11, "counter32", c32("in", "unicast")],
    [13, "counter32", () => 0],
    [14, "counter32", c32("in", "errors")],
    [16, "counter32", c32("out", "octets")],
    [17, "counter32", c32("out", "unicast")],
    [19, "counter32", () => 0],
    [20, "counter32", c32("out", "errors")],
  ]);
  tree.scalars("1.3.6.1.2.1.31.1", [[5, "timeticks", () => 0]]);
  tree.table("1.3.6.1.2.1.31.1.1.1", ports, index, [
    [1, "octet-string", (port) => port.options.name],
    [6, "counter64", c64("in", "octets")],
    [7, "counter64", c64("in", "unicast")],
    [8, "counter64", c64("in", "multicast")],
    [9, "counter64", c64("in", "broadcast")],
    [10, "counter64", c64("out", "octets")],
    [11, "counter64", c64("out", "unicast")],
    [12, "counter64", c64("out", "multicast")],
    [13, "counter64", c64("out", "broadcast")],
    [15, "gauge32", (port) => port.options.speedMbit],
    [17, "integer", (port) => (port.options.type === 6 ? 1 : 2)],
    [18, "octet-string", (port) => port.alias, setAlias],
    [19, "timeticks", (port) => port.discontinuityTicks],
  ]);
  const wired = ports.filter((port) => port.options.type === 6);
  tree.table("1.3.6.1.2.1.10.7.2.1", wired, index, [
    [2, "counter32", () => 0],
    [3, "counter32", c32("in", "errors")],
    [19, "integer", (port) => (port.up ? (port.fullDuplex ? 3 : 2) : 1)],
  ]);
}

function adminStatusOf(setAdminStatus: (port: Port, adminUp: boolean) => void): (port: Port, value: number | Buffer) => boolean {
  return (port, value) => {
    if (value !== up && value !== down) return false;
    setAdminStatus(port, value === up);
    return true;
  };
}

function setAlias(port: Port, value: number | Buffer): boolean {
  if (typeof value === "number" || value.length > 64) return false;
  port.alias = value.toString("utf8");
  return true;
}
