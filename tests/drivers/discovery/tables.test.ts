import { describe, expect, it } from "vitest";
import { parseFping } from "../../../drivers/discovery/lan/echo.ts";
import { connectedNetworks } from "../../../drivers/discovery/lan/interfaces.ts";
import {
  parseDefaultGateways,
  parseIpNeigh,
  parseLeases,
  parseNameServers,
  parseProcArp,
} from "../../../drivers/discovery/lan/neighbour-tables.ts";
import { readLinks } from "../../../drivers/discovery/snmp/device-reader.ts";
import { lldpId } from "../../../drivers/discovery/snmp/link-id.ts";
import type { SnmpSession } from "../../../runtime/ports/snmp.ts";
import { MemoryAgent } from "../snmp/support/memory-agent.ts";

const text = (value: string) => new TextEncoder().encode(value);
const printer = "00:1b:21:aa:bb:cc";

describe("tables of this machine", () => {
  it("give complete ARP entries only", () => {
    const arp = `IP address       HW type     Flags       HW address            Mask     Device
192.168.1.1      0x1         0x2         00:1B:21:AA:BB:CC     *        eth0
192.168.1.2      0x1         0x0         00:00:00:00:00:00     *        eth0
192.168.1.3      0x1         0x2         00:00:00:00:00:00     *        eth0
`;
    expect(parseProcArp(arp)).toEqual([{ address: "192.168.1.1", mac: printer }]);
  });

  it("leave out neighbours that failed, IPv6 and what is no JSON", () => {
    const neigh = JSON.stringify([
      { dst: "192.168.1.1", lladdr: printer, state: ["STALE"] },
      { dst: "192.168.1.2", lladdr: printer, state: ["FAILED"] },
      { dst: "192.168.1.4", state: ["INCOMPLETE"] },
      { dst: "fe80::1", lladdr: printer, state: ["REACHABLE"] },
      null,
    ]);
    expect(parseIpNeigh(neigh)).toEqual([{ address: "192.168.1.1", mac: printer }]);
    expect(parseIpNeigh("Object is not JSON")).toEqual([]);
  });

  it("read leases of dnsmasq, Kea and ISC, the last word of each address", () => {
    const dnsmasq = `1893456000 ${printer} 192.168.1.5 laser 01:${printer}\n1893456000 ${printer} 192.168.1.6 * *\n`;
    expect(parseLeases(dnsmasq)).toEqual([
      { address: "192.168.1.5", mac: printer, hostName: "laser" },
      { address: "192.168.1.6", mac: printer },
    ]);
    const head = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id";
    const kea = `${head}\n192.168.1.5,${printer},,600,1,1,0,0,old,0,,0\n192.168.1.5,${printer},,600,2,1,0,0,laser,0,,0\n192.168.1.6,${printer},,600,2,1,0,0,gone,2,,0\n`;
    expect(parseLeases(kea)).toEqual([{ address: "192.168.1.5", mac: printer, hostName: "laser" }]);
    const isc = `lease 192.168.1.5 {\n  binding state active;\n  hardware ethernet ${printer};\n  client-hostname "laser";\n}\nlease 192.168.1.6 {\n  binding state free;\n  hardware ethernet ${printer};\n}\n`;
    expect(parseLeases(isc)).toEqual([{ address: "192.168.1.5", mac: printer, hostName: "laser" }]);
  });

  it("read gateways, name servers and what fping prints", () => {
    expect(parseDefaultGateways('[{"dst":"default","gateway":"192.168.1.1","dev":"eth0"}]')).toEqual(["192.168.1.1"]);
    expect(parseNameServers("# nameserver 1.2.3.4\nnameserver 192.168.1.1\nnameserver fe80::1\n")).toEqual(["192.168.1.1"]);
    const fping = "ICMP Host Unreachable from 192.168.1.9 for ICMP Echo sent to 192.168.1.3\n192.168.1.1 : 0.35\n192.168.1.10 : -\n";
    expect(parseFping(fping)).toEqual(["192.168.1.1"]);
  });

  it("tell a LAN from tunnels, containers and loopback", () => {
    const one = (cidr: string, internal = false) => [
      { address: cidr.split("/")[0] ?? "", netmask: "", family: "IPv4" as const, mac: "", internal, cidr },
    ];
    const kinds = connectedNetworks({
      eth0: one("192.168.1.7/24"),
      "br-lan": one("192.168.2.1/24"),
      docker0: one("172.17.0.1/16"),
      "br-0123456789ab": one("172.18.0.1/16"),
      wg0: one("10.8.0.2/24"),
      lo: one("127.0.0.1/8", true),
    }).map(({ interfaceName, kind }) => `${interfaceName} ${kind}`);
    expect(kinds).toEqual(["eth0 lan", "br-lan lan", "docker0 container", "br-0123456789ab container", "wg0 tunnel", "lo loopback"]);
  });
});

describe("an LLDP identifier", () => {
  it.each([
    ["a MAC address", "chassis", 4, Uint8Array.of(0, 0x1b, 0x21, 1, 2, 3), "mac 00:1b:21:01:02:03"],
    ["a MAC address as text", "chassis", 4, text("00-1B-21-01-02-03"), "mac 00:1b:21:01:02:03"],
    ["a MAC address under subtype 0", "chassis", 0, Uint8Array.of(0, 0x1b, 0x21, 1, 2, 3), "mac 00:1b:21:01:02:03"],
    ["a network address with its family", "chassis", 5, Uint8Array.of(1, 10, 0, 0, 1), "address 10.0.0.1"],
    ["a network address without family", "chassis", 5, Uint8Array.of(10, 0, 0, 1), "address 10.0.0.1"],
    ["a local name", "chassis", 7, text("switch-1"), "text switch-1"],
    ["a name that ends with C's zero", "chassis", 7, text("switch-1\0"), "text switch-1"],
    ["a serial number of twelve digits", "chassis", 7, text("001B21010203"), "text 001B21010203"],
    ["a port by MAC address", "port", 3, Uint8Array.of(0, 0x1b, 0x21, 1, 2, 3), "mac 00:1b:21:01:02:03"],
    ["a port by name", "port", 5, text("ge-0/0/1"), "text ge-0/0/1"],
    ["bytes that are nothing", "port", 7, Uint8Array.of(1, 2), "text 0102"],
  ] as const)("of %s is read by its bytes where the subtype lies", (_what, kind, subtype, bytes, expected) => {
    const { kind: found, value } = lldpId(kind, subtype, bytes);
    expect(`${found} ${value}`).toBe(expected);
  });
});

describe("tables of a device with quirks", () => {
  const never = new AbortController().signal;
  const read = (agent: MemoryAgent, inVlan?: (vlan: number) => SnmpSession) =>
    readLinks({ session: agent.open(), deadlineMs: 1e9, ...(inVlan === undefined ? {} : { inVlan }) }, never);
  const rem = "1.0.8802.1.1.2.1.4.1.1";
  const macBytes = Uint8Array.of(0, 0x1b, 0x21, 1, 2, 3);

  function withPorts(): MemoryAgent {
    const agent = new MemoryAgent();
    for (const [ifIndex, name] of [
      [10, "Gi1"],
      [11, "Gi2"],
      [2, "Vlan2"],
    ] as const)
      agent.text(`1.3.6.1.2.1.2.2.1.2.${ifIndex}`, `interface ${name}`).text(`1.3.6.1.2.1.31.1.1.1.1.${ifIndex}`, name);
    return agent;
  }

  it("maps a local port by its name before its number", async () => {
    const agent = withPorts();
    agent.text("1.0.8802.1.1.2.1.3.7.1.3.2", "Gi2").set("1.0.8802.1.1.2.1.3.7.1.2.2", "integer", 5);
    agent.set(`${rem}.4.0.2.1`, "integer", 4).set(`${rem}.5.0.2.1`, "octet-string", macBytes);
    expect((await read(agent)).neighbours[0]).toMatchObject({ localIfIndex: 11, localPort: "Gi2" });
  });

  it("maps a local port through the bridge's numbering where it has no name, and takes the number last", async () => {
    const agent = withPorts().set("1.3.6.1.2.1.17.1.4.1.2.2", "integer", 10);
    agent.set(`${rem}.5.0.2.1`, "octet-string", macBytes).set(`${rem}.5.0.11.1`, "octet-string", macBytes);
    expect((await read(agent)).neighbours.map(({ localIfIndex }) => localIfIndex)).toEqual([10, 11]);
  });

  it("reads rows whose index lacks the time mark, and addresses whose index lacks the length", async () => {
    const agent = withPorts().set(`${rem}.5.10.1`, "octet-string", macBytes);
    agent.set("1.0.8802.1.1.2.1.4.2.1.3.0.10.1.1.4.10.0.0.1", "integer", 2);
    agent.set("1.0.8802.1.1.2.1.4.2.1.3.0.10.1.1.10.0.0.2", "integer", 2);
    expect((await read(agent)).neighbours[0]).toMatchObject({ localIfIndex: 10, addresses: ["10.0.0.1", "10.0.0.2"] });
  });

  it("reads CDP with its raw address and the name without its serial number", async () => {
    const cdp = "1.3.6.1.4.1.9.9.23.1.2.1.1";
    const agent = withPorts().set(`${cdp}.4.10.1`, "octet-string", Uint8Array.of(10, 0, 0, 9));
    agent.text(`${cdp}.6.10.1`, "core(SER1)").text(`${cdp}.7.10.1`, "Gi9");
    expect((await read(agent)).neighbours[0]).toMatchObject({
      protocol: "cdp",
      sysName: "core",
      addresses: ["10.0.0.9"],
      localPort: "Gi1",
    });
  });

  it("takes BRIDGE where there is no Q-BRIDGE, leaves out port 0 and own addresses, and says what it assumed", async () => {
    const agent = withPorts();
    const fdb = "1.3.6.1.2.1.17.4.3.1";
    agent.set(`${fdb}.2.0.27.33.1.2.3`, "integer", 10).set(`${fdb}.3.0.27.33.1.2.3`, "integer", 3);
    agent
      .set(`${fdb}.2.0.27.33.1.2.4`, "integer", 0)
      .set(`${fdb}.2.0.27.33.1.2.5`, "integer", 11)
      .set(`${fdb}.3.0.27.33.1.2.5`, "integer", 4);
    const { learnt, notes } = await read(agent);
    expect(learnt).toEqual([{ mac: "00:1b:21:01:02:03", bridgePort: 10, ifIndex: 10 }]);
    expect(notes).toEqual(["bridge ports are not mapped to interfaces; their numbers were taken as ifIndex"]);
  });

  it("names the VLAN of a forwarding database, which has another number", async () => {
    const agent = withPorts().set("1.3.6.1.2.1.17.7.1.4.2.1.3.0.42", "gauge32", 7).set("1.3.6.1.2.1.17.1.4.1.2.1", "integer", 10);
    agent.set("1.3.6.1.2.1.17.7.1.2.2.1.2.7.0.27.33.1.2.3", "integer", 1);
    expect((await read(agent)).learnt).toEqual([{ mac: "00:1b:21:01:02:03", bridgePort: 1, ifIndex: 10, vlan: 42 }]);
  });

  it("reads one forwarding table per VLAN where the device keeps them so, and not the token-ring ones", async () => {
    const agent = withPorts();
    for (const vlan of [1, 20, 1002]) agent.set(`1.3.6.1.4.1.9.9.46.1.3.1.1.2.1.${vlan}`, "integer", 1);
    const asked: number[] = [];
    const { learnt } = await read(agent, (vlan) => {
      asked.push(vlan);
      const view = new MemoryAgent().set("1.3.6.1.2.1.17.1.4.1.2.5", "integer", 11);
      return view.set(`1.3.6.1.2.1.17.4.3.1.2.0.27.33.1.2.${vlan}`, "integer", 5).open();
    });
    expect(asked).toEqual([1, 20]);
    expect(learnt.map(({ vlan, ifIndex }) => [vlan, ifIndex])).toEqual([
      [1, 11],
      [20, 11],
    ]);
  });
});
