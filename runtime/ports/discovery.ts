import type { DeviceIdentity } from "#model/observation.ts";
import type { SnmpSession } from "./snmp.ts";

/** A network this machine is directly in. IPv4 only: nobody sweeps a /64. */
export interface ConnectedNetwork {
  readonly interfaceName: string;
  /** This machine's own address in it, dotted. */
  readonly address: string;
  readonly prefixLength: number;
  /** Discovery keeps to `lan`. */
  readonly kind: "lan" | "tunnel" | "container" | "loopback";
}

/** One resolved neighbour. `mac` is `00:1a:2b:3c:4d:5e`, lower case, everywhere in this port. */
export interface ArpEntry {
  readonly address: string;
  readonly mac: string;
}

export interface DhcpLease extends ArpEntry {
  readonly hostName?: string;
}

/** What a host said of itself without SNMP. Texts are cleaned of control characters and cut to 128 characters; at most 16 services. */
export interface HostHint {
  readonly address: string;
  readonly source: "mdns" | "ssdp" | "netbios" | "dhcp" | "dns";
  readonly hostName?: string;
  readonly model?: string;
  readonly vendor?: string;
  readonly mac?: string;
  /** DNS-SD service types (`_ipp._tcp`), UPnP device and service types, NetBIOS roles (`file-server`). */
  readonly services: readonly string[];
}

/** How a sweep asks; `tcp` where no ICMP can be had. It is part of every result, since a silent host means less with `tcp`. */
export type EchoMethod = "icmp" | "tcp";

export interface EchoAnswer {
  readonly method: EchoMethod;
  readonly alive: readonly string[];
}

/**
 * The network as discovery sees it: packets only. When and how many is policy's business (southbound/discovery), so nothing here repeats,
 * paces or remembers. All of it may fail with GatewayError driver.unsupported where the machine cannot do it.
 */
export interface DiscoveryNetwork {
  networks(): readonly ConnectedNetwork[];
  /** The kernel's complete neighbour entries; no packet is sent. At most 8,192. */
  arp(signal: AbortSignal): Promise<readonly ArpEntry[]>;
  /** Leases of a DHCP server on this machine; no packet is sent. At most 8,192. */
  leases(signal: AbortSignal): Promise<readonly DhcpLease[]>;
  /** Default gateway and name servers of this machine; no packet is sent. */
  ownServers(signal: AbortSignal): Promise<readonly { readonly address: string; readonly role: "gateway" | "dns" }[]>;
  echoMethod(signal: AbortSignal): Promise<EchoMethod>;
  /** Packets that one address costs at most in `echo`, by method. */
  readonly packetsPerEcho: Readonly<Record<EchoMethod, number>>;
  /** One try each, all at once: at most 16 addresses. */
  echo(addresses: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<EchoAnswer>;
  /** One TCP connection, closed at once. `refused` is a sign of life as well. */
  connect(address: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<"open" | "refused" | "silent">;
  /** Listens to mDNS and SSDP announcements until the signal aborts; sends nothing but the membership report. `take` never throws. */
  listen(take: (hint: HostHint) => void, signal: AbortSignal): Promise<void>;
  /** One mDNS question with several service types, out of the interface with this address; takes answers for 1.5 s. */
  askMdns(interfaceAddress: string, services: readonly string[], take: (hint: HostHint) => void, signal: AbortSignal): Promise<void>;
  /** One M-SEARCH, answers for MX + 1 s. */
  searchSsdp(interfaceAddress: string, mxS: number, take: (hint: HostHint) => void, signal: AbortSignal): Promise<void>;
  /** NetBIOS node status; undefined = silence. */
  nodeStatus(address: string, timeoutMs: number, signal: AbortSignal): Promise<HostHint | undefined>;
  /** Reverse DNS; undefined = no name. */
  hostName(address: string, timeoutMs: number, signal: AbortSignal): Promise<string | undefined>;
}

/** What the first GET of a device says. */
export interface AgentGreeting {
  readonly sysDescr: string;
  readonly sysObjectId: string;
  readonly sysName: string;
  /** Hundredths of a second (RFC 3418). */
  readonly sysUpTimeTicks?: number;
  /** Lower-case hex; authenticated for v3, the device's word for v1 and v2c. */
  readonly engineId?: string;
}

/** One chassis of a device that may be a stack of several. */
export interface ChassisMember {
  readonly serial: string;
  readonly model: string;
}

export interface DeviceDescription {
  readonly identity: DeviceIdentity;
  /** Rows of class chassis with a serial number; more than one = a stack: one device with members. */
  readonly members: readonly ChassisMember[];
}

/** An interface of a device, as far as topology needs it. */
export interface DevicePort {
  readonly ifIndex: number;
  readonly name: string;
  readonly descr: string;
  readonly alias: string;
  readonly mac?: string;
  /** IANAifType. */
  readonly type?: number;
}

/** How far an identifier can be compared: MAC with MAC, address with address, name with name. */
export type LinkId = { readonly kind: "mac" | "address" | "text"; readonly value: string };

/** One row of lldpRemTable or cdpCacheTable with everything resolved that the device itself can resolve. */
export interface LinkNeighbour {
  readonly protocol: "lldp" | "cdp";
  /** The device's own port; absent = it could not be mapped to an interface. */
  readonly localIfIndex?: number;
  /** ifName, else what the device calls the port. */
  readonly localPort: string;
  readonly chassis: LinkId;
  readonly port: LinkId;
  readonly portDescr: string;
  readonly sysName: string;
  readonly sysDescr: string;
  /** Management addresses, dotted IPv4 only. */
  readonly addresses: readonly string[];
}

/** One learnt address of a bridge. */
export interface LearntMac {
  readonly mac: string;
  /** undefined = the bridge port has no interface. */
  readonly ifIndex?: number;
  readonly bridgePort: number;
  readonly vlan?: number;
}

/** Everything that one device says about who it is on the network and who is beside it. */
export interface LinkFacts {
  /** dot1dBaseBridgeAddress. */
  readonly bridgeAddress?: string;
  readonly chassis?: LinkId;
  readonly lldpSysName?: string;
  /** Its own IPv4 addresses. */
  readonly addresses: readonly string[];
  readonly ports: readonly DevicePort[];
  readonly neighbours: readonly LinkNeighbour[];
  readonly learnt: readonly LearntMac[];
  readonly arp: readonly ArpEntry[];
  /** The port towards the spanning tree's root. */
  readonly rootIfIndex?: number;
  /** What could not be read, and assumptions made, in words; at most 16. */
  readonly notes: readonly string[];
}

export interface LinkRequest {
  readonly session: SnmpSession;
  /** Monotonic milliseconds. */
  readonly deadlineMs: number;
  /** Opens the view of one VLAN, for agents that keep a forwarding table per VLAN (community@vlan, context vlan-N). The reader closes it. */
  readonly inVlan?: (vlan: number) => SnmpSession;
}

/** Reads what discovery wants to know of a device over a session that policy paces. @throws GatewayError driver.* */
export interface DeviceReader {
  greet(session: SnmpSession, signal: AbortSignal): Promise<AgentGreeting>;
  describe(session: SnmpSession, deadlineMs: number, signal: AbortSignal): Promise<DeviceDescription>;
  links(request: LinkRequest, signal: AbortSignal): Promise<LinkFacts>;
}
