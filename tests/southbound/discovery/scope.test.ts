import { describe, expect, it } from "vitest";
import type { ConnectedNetwork } from "../../../runtime/ports/discovery.ts";
import { proposedSubnets, Scope } from "../../../runtime/southbound/discovery/scope.ts";
import type { DiscoverySubnet } from "../../../runtime/southbound/discovery/settings.ts";
import { subnet } from "./office-lan.ts";

const lan: ConnectedNetwork = { interfaceName: "eth0", address: "192.168.1.7", prefixLength: 24, kind: "lan" };

function scope(more: Partial<DiscoverySubnet>, networks: readonly ConnectedNetwork[] = [lan]): Scope {
  return new Scope({ ...subnet, exclude: [], ...more }, { networks });
}

describe("the addresses of a subnet", () => {
  it("leave out network, broadcast and own address, and the excluded ones", () => {
    const { size, cidr } = scope({ cidr: "192.168.1.99/24", exclude: ["192.168.1.128/25", "192.168.1.1"] });
    expect([cidr, size]).toEqual(["192.168.1.0/24", 254 - 127 - 1 - 1]);
    expect(scope({ cidr: "192.168.1.0/24", exclude: ["192.168.1.1"] }).includes("192.168.1.1")).toBe(false);
    expect(scope({ cidr: "192.168.1.0/24" }).includes("192.168.2.1")).toBe(false);
  });

  it("leave out the ends of a smaller network that this machine is in", () => {
    const inside = scope({ cidr: "192.168.1.0/24" }, [{ ...lan, address: "192.168.1.70", prefixLength: 26 }]);
    expect(["192.168.1.64", "192.168.1.127", "192.168.1.70", "192.168.1.65"].map((one) => inside.includes(one))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it.each([
    ["8.8.8.0/24", /not inside/],
    ["127.0.0.0/24", /not inside/],
    ["169.254.0.0/24", /not inside/],
    ["224.0.0.0/24", /not inside/],
    ["100.64.0.0/24", /not inside/],
    ["192.168.0.0/15", /not inside/],
    ["10.0.0.0/8", /a \/16 is the most/],
    ["10.0.0.0/21", /needs confirmation/],
    ["10.0.0.0/33", /not an IPv4 network/],
    ["10.0.0.256/24", /not an IPv4 network/],
    ["fd00::/64", /not an IPv4 network/],
  ])("of %s are none: refused", (cidr, sentence) => {
    expect(() => scope({ cidr })).toThrowError(sentence);
  });

  it("are cut into /24s when a large subnet is confirmed", () => {
    const large = scope({ cidr: "10.0.0.0/20", confirmLarge: true });
    expect([[...large.parts()].length, large.size]).toEqual([16, 4_094]);
    expect(Math.max(...[...large.parts()].map((part) => part.length))).toBe(256);
  });

  it("behind tunnels and in containers are refused as a whole", () => {
    for (const kind of ["tunnel", "container"] as const)
      expect(() => scope({ cidr: "10.8.0.0/24" }, [{ interfaceName: "x0", address: "10.8.0.2", prefixLength: 24, kind }])).toThrowError(
        /no LAN/,
      );
  });

  it("take five credentials at most", () => {
    expect(() => scope({ cidr: "192.168.1.0/24", credentials: ["a", "b", "c", "d", "e", "f"] })).toThrowError(/5 are the most/);
  });

  it("are proposed only for private LANs this machine is in", () => {
    const others = [
      { ...lan, address: "203.0.113.5" },
      { ...lan, address: "10.8.0.2", kind: "tunnel" as const },
      { ...lan, address: "172.17.0.1", prefixLength: 16, kind: "container" as const },
    ];
    expect(proposedSubnets([lan, ...others, lan])).toEqual(["192.168.1.0/24"]);
  });
});
