import { describe, expect, it } from "vitest";
import { identifyDevice } from "../../../../drivers/snmp/profiles/identify-device.ts";
import { ProfileBook } from "../../../../drivers/snmp/profiles/profile-book.ts";
import { ManualClock } from "../support/fixtures.ts";
import { MemoryAgent } from "../support/memory-agent.ts";

const ifEntry = "1.3.6.1.2.1.2.2.1";

interface Interface {
  readonly name: string;
  readonly bitPerS: number;
  readonly mac?: readonly number[];
  /** ifType; absent: ethernetCsmacd */
  readonly type?: number;
}

/** Names of those interfaces that count as ports; all of them call themselves ethernet. */
async function portsOf(interfaces: readonly Interface[]): Promise<readonly string[]> {
  const agent = new MemoryAgent();
  for (const [at, { name, bitPerS, mac, type = 6 }] of interfaces.entries()) {
    const index = at + 1;
    agent.text(`${ifEntry}.2.${index}`, name).set(`${ifEntry}.3.${index}`, "integer", type);
    agent.set(`${ifEntry}.5.${index}`, "gauge32", bitPerS).set(`${ifEntry}.6.${index}`, "octet-string", Uint8Array.from(mac ?? []));
  }
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const found = await identifyDevice(agent.open(), {
    book: new ProfileBook([], [], undefined),
    clock,
    deadlineMs: clock.monotonicMs() + 60_000,
    signal,
  });
  return found.interfaces.filter(({ isPort }) => isPort).map(({ name }) => name);
}

const mac = [2, 0, 0, 0, 0, 1];

describe("the ports of a device", () => {
  it("are not its radios, which run at speeds that Ethernet does not have", async () => {
    const radios = [72_000_000, 144_000_000, 433_000_000, 866_000_000].map((bitPerS) => ({ name: `radio at ${bitPerS}`, bitPerS, mac }));
    expect(await portsOf([{ name: "card", bitPerS: 100_000_000, mac }, ...radios])).toEqual(["card"]);
  });

  it("are those whose speed is not known, beyond what ifSpeed can say, or counted in 2^20", async () => {
    const speeds = [0, 4_294_967_295, 1_048_576_000, 2_500_000_000, 10_000_000];
    expect(await portsOf(speeds.map((bitPerS, at) => ({ name: `slot ${at}`, bitPerS, mac })))).toHaveLength(speeds.length);
  });

  it("are not their groups and roles, where the agent calls its sockets ports and the others have no address", async () => {
    const zero = [0, 0, 0, 0, 0, 0];
    const sockets = [1, 2, 3].map((number) => ({ name: `INSIDE_PORT${number}`, bitPerS: 1e9, mac: zero }));
    const roles = ["INSIDE", "OUTSIDE1", "OUTSIDE2"].map((name) => ({ name, bitPerS: 1e9 }));
    expect(await portsOf([...roles, ...sockets])).toEqual(["INSIDE_PORT1", "INSIDE_PORT2", "INSIDE_PORT3"]);
  });

  it("are all there where no name says port, with addresses or without", async () => {
    const plain = ["a1", "a2", "a3"].map((name) => ({ name, bitPerS: 1e9 }));
    expect(await portsOf([...plain, { name: "a4", bitPerS: 1e9, mac }])).toHaveLength(4);
  });

  it.each([
    [
      "GigabitEthernet1/0/1",
      "TenGigabitEthernet1/1/4",
      "mgmt0",
      "ge-0/0/1",
      "Ethernet1",
      "swp1",
      "eth0",
      "igb0",
      "vmnic3",
      "dp0p1s1",
      "me0",
    ],
    [
      "Broadcom NetXtreme Gigabit Ethernet",
      "Microsoft Hyper-V Network Adapter",
      "ether1",
      "sfp-sfpplus2",
      "LAN1",
      "lan-eth2",
      "1/1/24",
      "A1",
    ],
    ["xe-0/0/1:0", "xe-0/0/1:1", "ethernet1/1/25:1", "1:1", "port1.0.1", "Alcatel-Lucent 1/1/1"],
  ])("are sockets by all their names: %s ...", async (...names) => {
    expect(await portsOf(names.map((name) => ({ name, bitPerS: 1e9, mac })))).toEqual(names);
  });

  it.each([
    [
      "AppGigabitEthernet1/0/1",
      "Backplane-GigabitEthernet0/3",
      "Embedded-Service-Engine0/0",
      "Bluetooth0/4",
      "Vlan1",
      "Port-channel1",
      "NVI0",
    ],
    [
      "ge-0/0/1.0",
      "eth0.10",
      "eth0:1",
      "igb0_vlan20",
      "irb",
      "vcp-255/2/0",
      "bme0",
      "dp0",
      " Link Aggregate 1",
      "CPU Interface",
      "switch0",
    ],
    [
      "ovs_eth0",
      "docker0",
      "fwbr100i0",
      "tailscale0",
      "wg0",
      "veth12ab",
      "vxlan5",
      "honeypot0",
      "InLoopBack0",
      "Register-Tunnel0",
      "lagg0",
    ],
    [
      "Microsoft Kernel Debug Network Adapter",
      "vEthernet (Default Switch)",
      "VMware Virtual Ethernet Adapter for VMnet8",
      "Wi-Fi",
      "cellular0",
    ],
    [
      "xe-0/0/1:0.0",
      "eth0:1",
      "Eth-Trunk1",
      "Console9/0/0",
      "DEFAULT_VLAN",
      "Alcatel-Lucent VLAN 1",
      "fortilink",
      "X0:V10",
      "W0 (WLAN)",
      "vmbr0",
    ],
  ])("are nothing that no cable goes into: %s ...", async (...names) => {
    expect(await portsOf([{ name: "eth7", bitPerS: 1e9, mac }, ...names.map((name) => ({ name, bitPerS: 1e9, mac }))])).toEqual(["eth7"]);
  });

  it("are not the networks LAN1 and LAN2, where the sockets have names of their own", async () => {
    const networks = ["lan1", "LAN 2"].map((name) => ({ name, bitPerS: 1e9, mac }));
    const sockets = ["ge1", "ge2", "ge3"].map((name) => ({ name, bitPerS: 1e9, mac }));
    expect(await portsOf([...networks, ...sockets])).toEqual(["ge1", "ge2", "ge3"]);
    expect(await portsOf([...networks, { name: "wan", bitPerS: 1e9, mac }])).toEqual(["lan1", "LAN 2", "wan"]);
  });

  it("are those of Fibre Channel, at its speeds", async () => {
    expect(await portsOf([{ name: "FC port 0/1", bitPerS: 8_500_000_000, type: 56 }])).toEqual(["FC port 0/1"]);
  });

  it("are told by their names where the agent knows no types", async () => {
    const untold = ["Port 1", "Port 2", "CPU", "eth3", "vlan4"].map((name) => ({ name, bitPerS: 1e9, type: 1 }));
    expect(await portsOf(untold)).toEqual(["Port 1", "Port 2", "eth3"]);
    expect(await portsOf([{ name: "a1", bitPerS: 1e9 }, ...untold])).toEqual(["a1"]);
  });
});
