import { MemoryAgent } from "../../drivers/snmp/support/memory-agent.ts";

export interface AgentOptions {
  readonly name: string;
  /** Hexadecimal. */
  readonly engineId?: string;
  readonly descr?: string;
  /** Serial numbers of chassis rows. */
  readonly serials?: readonly string[];
  /** dot1dBaseBridgeAddress. */
  readonly bridge?: string;
  readonly ports?: readonly { readonly name: string; readonly mac: string }[];
  readonly addresses?: readonly string[];
  readonly arp?: readonly { readonly address: string; readonly mac: string }[];
  readonly upTimeTicks?: number;
}

export function octets(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(":").map((part) => Number.parseInt(part, 16)));
}

/** An agent with the tables that discovery reads. ifIndex is 100 + position; bridge ports are 1 + position; LLDP port numbers are 500 + position. */
export function agentOf(options: AgentOptions): MemoryAgent {
  const { name, engineId, serials = [], bridge, ports = [], addresses = [], arp = [] } = options;
  const agent = new MemoryAgent();
  agent.text("1.3.6.1.2.1.1.1.0", options.descr ?? "Example device");
  agent.set("1.3.6.1.2.1.1.2.0", "oid", "1.3.6.1.4.1.32473.1.1");
  agent.set("1.3.6.1.2.1.1.3.0", "timeticks", options.upTimeTicks ?? 123_456);
  agent.text("1.3.6.1.2.1.1.5.0", name);
  if (engineId !== undefined) agent.set("1.3.6.1.6.3.10.2.1.1.0", "octet-string", Uint8Array.from(Buffer.from(engineId, "hex")));
  for (const [position, serial] of serials.entries()) {
    const row = position + 1;
    agent.set(`1.3.6.1.2.1.47.1.1.1.1.5.${row}`, "integer", 3);
    agent.text(`1.3.6.1.2.1.47.1.1.1.1.2.${row}`, `Chassis ${row}`);
    agent.text(`1.3.6.1.2.1.47.1.1.1.1.11.${row}`, serial);
    agent.text(`1.3.6.1.2.1.47.1.1.1.1.13.${row}`, "EX-1");
  }
  if (bridge !== undefined) agent.set("1.3.6.1.2.1.17.1.1.0", "octet-string", octets(bridge));
  for (const [position, port] of ports.entries()) {
    const ifIndex = 100 + position;
    agent.text(`1.3.6.1.2.1.2.2.1.2.${ifIndex}`, `port ${position + 1}`);
    agent.set(`1.3.6.1.2.1.2.2.1.3.${ifIndex}`, "integer", 6);
    agent.set(`1.3.6.1.2.1.2.2.1.6.${ifIndex}`, "octet-string", octets(port.mac));
    agent.text(`1.3.6.1.2.1.31.1.1.1.1.${ifIndex}`, port.name);
    if (bridge === undefined) continue;
    agent.set(`1.3.6.1.2.1.17.1.4.1.2.${position + 1}`, "integer", ifIndex);
    agent.text(`1.0.8802.1.1.2.1.3.7.1.3.${500 + position}`, port.name);
    agent.set(`1.0.8802.1.1.2.1.3.7.1.2.${500 + position}`, "integer", 5);
  }
  for (const address of addresses) agent.set(`1.3.6.1.2.1.4.20.1.2.${address}`, "integer", 100);
  for (const entry of arp) agent.set(`1.3.6.1.2.1.4.22.1.2.100.${entry.address}`, "octet-string", octets(entry.mac));
  return agent;
}

export interface HeardNeighbour {
  /** Position of the own port. */
  readonly port: number;
  readonly chassis: string;
  readonly remotePort: string;
  readonly sysName: string;
  readonly management?: string;
  /** TimeMark and RemIndex. */
  readonly remIndex?: number;
}

export function hear(agent: MemoryAgent, { port, chassis, remotePort, sysName, management, remIndex = 1 }: HeardNeighbour): void {
  const row = `7.${500 + port}.${remIndex}`;
  const entry = "1.0.8802.1.1.2.1.4.1.1";
  agent.set(`${entry}.4.${row}`, "integer", 4).set(`${entry}.5.${row}`, "octet-string", octets(chassis));
  agent.set(`${entry}.6.${row}`, "integer", 5).text(`${entry}.7.${row}`, remotePort).text(`${entry}.9.${row}`, sysName);
  if (management !== undefined) agent.set(`1.0.8802.1.1.2.1.4.2.1.3.${row}.1.4.${management}`, "integer", 2);
}

/** Learnt on the port at this position, in Q-BRIDGE. */
export function learn(agent: MemoryAgent, port: number, macs: readonly string[]): void {
  for (const mac of macs) {
    const index = `9.${[...octets(mac)].join(".")}`;
    agent.set(`1.3.6.1.2.1.17.7.1.2.2.1.2.${index}`, "integer", port + 1);
    agent.set(`1.3.6.1.2.1.17.7.1.2.2.1.3.${index}`, "integer", 3);
  }
}
