import { describe, expect, it } from "vitest";
import type { LinkFacts, LinkNeighbour } from "../../../runtime/ports/discovery.ts";
import { deriveTopology, topologySteps } from "../../../runtime/southbound/discovery/topology.ts";
import { edgeKey, type TopologyDevice } from "../../../runtime/southbound/discovery/topology-graph.ts";
import { seeded } from "../../drivers/snmp/engine/mutating.ts";
import { mac } from "./office-lan.ts";
import { randomSite, randomTree } from "./random-site.ts";

function device(number: number, more: Partial<LinkFacts> = {}): TopologyDevice {
  const ports = [1, 2, 3, 4].map((port) => ({ ifIndex: port, name: `p${port}`, descr: "", alias: "", mac: mac(number, port) }));
  const links = { bridgeAddress: mac(number, 0), addresses: [], ports, neighbours: [], learnt: [], arp: [], notes: [], ...more };
  return { id: `d${number}`, label: `sw-${number}`, addresses: [`10.0.0.${number}`], serials: [], links };
}

const neighbour = (far: number, local: number, remote: string, more: Partial<LinkNeighbour> = {}): LinkNeighbour => ({
  protocol: "lldp",
  localIfIndex: local,
  localPort: `p${local}`,
  chassis: { kind: "mac", value: mac(far, 0) },
  port: { kind: "text", value: remote },
  portDescr: "",
  sysName: "",
  sysDescr: "",
  addresses: [],
  ...more,
});

const learnt = (ifIndex: number, ...macs: readonly string[]) => macs.map((one) => ({ mac: one, ifIndex, bridgePort: ifIndex }));

const drawn = (devices: readonly TopologyDevice[], hosts = [] as { address: string; mac: string }[]): readonly string[] =>
  deriveTopology(devices, hosts)
    .map(
      ({ a, b, source }) =>
        `${a.node}${a.port === undefined ? "" : `:${a.port}`} ${b.node}${b.port === undefined ? "" : `:${b.port}`} ${source}`,
    )
    .sort();

describe("the map of a site", () => {
  it("joins what both ends say by LLDP to one link, two cables to two", () => {
    const one = device(1, { neighbours: [neighbour(2, 1, "p3"), neighbour(2, 2, "p4")] });
    const two = device(2, { neighbours: [neighbour(1, 3, "p1"), neighbour(1, 4, "p2")] });
    expect(drawn([one, two])).toEqual(["d1:p1 d2:p3 lldp-both", "d1:p2 d2:p4 lldp-both"]);
  });

  it("finds the far port by its MAC address and the far device by address or name", () => {
    const byMac = device(1, { neighbours: [neighbour(2, 1, "", { port: { kind: "mac", value: mac(2, 3) } })] });
    expect(drawn([byMac, device(2)])).toEqual(["d1:p1 d2:p3 lldp"]);
    for (const chassis of [
      { kind: "address", value: "10.0.0.2" },
      { kind: "text", value: "SW-2.example.net" },
    ] as const) {
      expect(drawn([device(1, { neighbours: [neighbour(9, 1, "p3", { chassis })] }), device(2)])).toEqual(["d1:p1 d2:p3 lldp"]);
    }
  });

  it("does not guess between two devices of one name", () => {
    const asked = device(1, { neighbours: [neighbour(9, 1, "p3", { chassis: { kind: "text", value: "twin" } })] });
    const twins = [2, 3].map((number) => ({ ...device(number), label: "twin" }));
    expect(drawn([asked, ...twins])).toEqual(["d1:p1 foreign:twin:p3 lldp"]);
  });

  it("says nothing twice: CDP only where LLDP is silent, forwarding only where both are", () => {
    const one = device(1, {
      neighbours: [neighbour(2, 1, "p3"), neighbour(2, 1, "p3", { protocol: "cdp" }), neighbour(3, 2, "p1", { protocol: "cdp" })],
      learnt: [...learnt(1, mac(2, 0)), ...learnt(2, mac(3, 0)), ...learnt(3, mac(4, 0))],
    });
    expect(drawn([one, device(2), device(3), device(4)])).toEqual(["d1:p1 d2:p3 lldp", "d1:p2 d3:p1 cdp", "d1:p3 d4 forwarding"]);
  });

  it("finds the nearest bridge of a chain by forwarding tables", () => {
    const one = device(1, { learnt: learnt(1, mac(2, 0), mac(3, 0), mac(7, 1)) });
    const two = device(2, { rootIfIndex: 1, learnt: [...learnt(1, mac(1, 0)), ...learnt(2, mac(3, 0), mac(7, 1))] });
    const three = device(3, { rootIfIndex: 1, learnt: [...learnt(1, mac(1, 0), mac(2, 0)), ...learnt(4, mac(7, 1))] });
    expect(drawn([one, two, three], [{ address: "10.0.0.70", mac: mac(7, 1) }])).toEqual([
      "d1:p1 d2:p1 forwarding",
      "d2:p2 d3:p1 forwarding",
      "d3:p4 host:10.0.0.70 forwarding",
    ]);
  });

  it("infers an unmanaged switch from several strangers on a port, and says inferred", () => {
    const edges = deriveTopology([device(1, { learnt: learnt(1, mac(7, 1), mac(7, 2), mac(7, 3)) })], []);
    expect(edges).toHaveLength(4);
    for (const edge of edges) {
      expect(edge.source).toBe("inferred");
      expect(edge.evidence).toContain("inferred");
    }
    expect(edges[0]?.b.label).toContain("(inferred)");
  });

  it("does not take a host with virtual machines, a virtual router or an access point's clients for a switch", () => {
    const machines = device(1, { learnt: learnt(1, mac(7, 1), "00:50:56:00:00:01", "52:54:00:00:00:02") });
    expect(drawn([machines])).toEqual([`d1:p1 host:${mac(7, 1)} forwarding`]);
    const virtual = device(1, { learnt: learnt(1, mac(7, 1), "00:00:5e:00:01:01") });
    expect(drawn([virtual])).toEqual([`d1:p1 host:${mac(7, 1)} forwarding`]);
    const radio = device(2, { ports: [{ ifIndex: 1, name: "wlan0", descr: "", alias: "", mac: mac(2, 1), type: 71 }] });
    expect(drawn([device(1, { learnt: learnt(1, mac(2, 0), mac(7, 1), mac(7, 2)) }), radio])).toEqual(["d1:p1 d2 forwarding"]);
  });

  it("says nothing of uplinks: the root port, and ports with more than 32 addresses", () => {
    const many = Array.from({ length: 33 }, (_, index) => mac(7, index));
    expect(drawn([device(1, { learnt: learnt(1, ...many) })])).toEqual([]);
    expect(drawn([device(1, { rootIfIndex: 1, learnt: learnt(1, mac(7, 1)) })])).toEqual([]);
  });

  it("draws no device beside itself, whatever it hears", () => {
    expect(drawn([device(1, { neighbours: [neighbour(1, 1, "p2")], learnt: learnt(2, mac(1, 3)) })])).toEqual([]);
  });

  it("says that an unmanaged switch lies between when a port hears several", () => {
    const edges = deriveTopology([device(1, { neighbours: [neighbour(2, 1, "p1"), neighbour(3, 1, "p1")] }), device(2), device(3)], []);
    expect(edges.map(({ evidence }) => evidence.includes("unmanaged switch lies between (inferred)"))).toEqual([true, true]);
  });
});

describe("the map of a site without neighbour protocols and with more hosts than it has room for", () => {
  const maxEdges = 4_000;
  const busy = 45;
  const hostMac = (number: number, port: number, host: number) => `00:1b:${[number, port, host, 1].map(hex).join(":")}`;
  const hex = (value: number) => value.toString(16).padStart(2, "0");

  /** Switches full of hosts, `perPort` on each of 100 ports; then a chain of as many, each of which learnt the next one. */
  function site(perPort: number): readonly TopologyDevice[] {
    const ports = Array.from({ length: 100 }, (_, index) => index + 10);
    const full = Array.from({ length: busy }, (_, place) => {
      const hosts = ports.flatMap((port) => Array.from({ length: perPort }, (_one, host) => learnt(port, hostMac(place + 1, port, host))));
      return device(place + 1, { learnt: hosts.flat() });
    });
    const chain = Array.from({ length: busy }, (_, place) => {
      const number = busy + 1 + place;
      return device(number, { learnt: place === busy - 1 ? [] : learnt(1, mac(number + 1, 0)) });
    });
    return [...full, ...chain];
  }

  it("has every link between equipment, and hosts in the places that are left", () => {
    for (const perPort of [1, 3]) {
      const edges = deriveTopology(site(perPort), []);
      expect(edges).toHaveLength(maxEdges);
      const links = edges.filter(({ a, b }) => [a, b].every(({ node }) => /^d\d+$/.test(node)));
      expect(links.map(({ a, b }) => `${a.node} ${b.node}`)).toEqual(
        Array.from({ length: busy - 1 }, (_, place) => `d${busy + 1 + place} d${busy + 2 + place}`),
      );
      // The first hosts as ever, in the order of the switches.
      expect(edges[0]?.a.node).toBe("d1");
      expect(new Set(edges.map(edgeKey)).size).toBe(maxEdges);
    }
  });
});

describe("the map of a site made up by chance", () => {
  it("draws by neighbour protocols only cables that are there, and each once (seeds 1 to 60)", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const shape = { switches: 40, ports: 12, hosts: 60, twinsPercent: 0 };
      const parents = randomTree(seeded(seed), shape.switches);
      const site = randomSite(seeded(seed), shape);
      const edges = deriveTopology(site, []);
      const drawnCables = edges.filter(({ source, b }) => /^(lldp|cdp)/.test(source) && b.node.startsWith("d"));
      expect(drawnCables.length).toBeGreaterThan(5);
      for (const { a, b } of drawnCables) {
        const [one, other] = [Number(a.node.slice(1)), Number(b.node.slice(1))];
        expect(parents[one] === other || parents[other] === one, `seed ${seed}: ${a.node} ${b.node}`).toBe(true);
      }
      expect(new Set(edges.map(edgeKey)).size).toBe(edges.length);
    }
  });

  it("reads each device three times at most, one after the other", () => {
    const site = randomSite(seeded(7), { switches: 50, ports: 12, hosts: 60, twinsPercent: 5 });
    const read: number[] = [];
    let sinceStep = 0;
    const device = (place: number) => {
      read.push(place);
      sinceStep += 1;
      return site[place] ?? raise();
    };
    for (const _ of topologySteps({ count: site.length, device }, "arp")) {
      expect(sinceStep).toBeLessThanOrEqual(1);
      sinceStep = 0;
    }
    for (let place = 0; place < site.length; place++) expect(read.filter((one) => one === place).length).toBeLessThanOrEqual(3);
  });
});

function raise(): never {
  throw new Error("no such device");
}
