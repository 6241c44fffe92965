import { spawnSync } from "node:child_process";
import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, it } from "vitest";
import { currentRoute, routeOf } from "../../runtime/host/route.ts";
import { peer } from "../peers.ts";

const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const viaCable = `${head}eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\neth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n`;
const viaModem = viaCable.replaceAll("eth0", "wwan0").replace("0101A8C0", "0102A8C0");

function up(name: string, address: string): Record<string, NetworkInterfaceInfo[]> {
  const netmask = "255.255.255.0";
  return { [name]: [{ address, netmask, family: "IPv4", mac: "02:00:00:00:00:01", internal: name === "lo", cidr: `${address}/24` }] };
}

const hasNamespaces = process.getuid?.() === 0 && peer("ip").available && spawnSync("unshare", ["--net", "true"]).status === 0;

describe("the way out", () => {
  it("changes with the interface, the gateway and the address", () => {
    const ways = [
      routeOf(viaCable, up("eth0", "192.168.1.7")),
      routeOf(viaModem, up("wwan0", "192.168.1.7")),
      routeOf(viaCable.replace("0101A8C0", "FE01A8C0"), up("eth0", "192.168.1.7")),
      routeOf(viaCable, up("eth0", "192.168.1.8")),
      routeOf(head, up("eth0", "192.168.1.7")),
    ];
    expect(new Set(ways).size).toBe(ways.length);
  });

  it("does not change with counters, the loopback or a route that is down", () => {
    const before = routeOf(viaCable, up("eth0", "192.168.1.7"));
    expect(routeOf(viaCable.replaceAll("\t0\t0\t100", "\t7\t99\t100"), up("eth0", "192.168.1.7"))).toBe(before);
    expect(routeOf(viaCable, { ...up("eth0", "192.168.1.7"), ...up("lo", "127.0.0.1") })).toBe(before);
    expect(routeOf(`${viaCable}wwan0\t00000000\t0102A8C0\t0002\t0\t0\t700\t00000000\t0\t0\t0\n`, up("eth0", "192.168.1.7"))).toBe(before);
  });

  it("is the same twice on a machine to which nothing happens", () => {
    expect(currentRoute()).toBe(currentRoute());
  });

  it.skipIf(!hasNamespaces)("is another one when a carrier comes (needs root, unshare and ip)", () => {
    const module = JSON.stringify(new URL("../../runtime/host/route.ts", import.meta.url).href);
    const say = `${process.execPath} --input-type=module -e 'import { currentRoute } from ${module}; console.log("[" + currentRoute() + "]")'`;
    const script = [
      say,
      "ip link add way0 type veth peer name way1 && ip addr add 192.0.2.7/24 dev way0 && ip link set way1 up && ip link set way0 up && ip route add default via 192.0.2.1",
      say,
    ].join("\n");
    const { stdout, stderr } = spawnSync("unshare", ["--net", "sh", "-e", "-c", script], { encoding: "utf8" });
    expect(stderr).toBe("");
    const [before, after] = stdout.trim().split("\n");
    expect(before).toBe("[]");
    expect(after).toMatch(/^\[way0>010200C0 way0=192\.0\.2\.7[ \]]/);
  });
});
