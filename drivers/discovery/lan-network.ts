import { reverse } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { type GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { ArpEntry, ConnectedNetwork, DhcpLease, DiscoveryNetwork, EchoAnswer, EchoMethod, HostHint } from "#ports/discovery.ts";
import type { Entropy } from "#ports/entropy.ts";
import { fpingArguments, parseFping, runProgram } from "./lan/echo.ts";
import { connectedNetworks } from "./lan/interfaces.ts";
import { Multicast, type MulticastPlaces, standardPlaces } from "./lan/multicast.ts";
import { parseDefaultGateways, parseIpNeigh, parseLeases, parseNameServers, parseProcArp } from "./lan/neighbour-tables.ts";
import { encodeNodeStatus, netbiosPort, readNodeStatus } from "./lan/netbios.ts";
import { said } from "./lan/said.ts";
import { tcpConnect } from "./lan/tcp-connect.ts";
import { openUdp, sendUdp } from "./lan/udp.ts";
import { after } from "./lan/within.ts";

export interface LanParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Lease files of a DHCP server on this machine; the usual places of dnsmasq, Kea and ISC if absent. */
  readonly leaseFiles?: readonly string[];
  /** For tests, which stay on loopback. */
  readonly places?: MulticastPlaces;
  readonly netbiosPort?: number;
  readonly fping?: string;
  readonly networks?: () => readonly ConnectedNetwork[];
  /** false: the DNS is not asked, so that a trial on loopback stays there. */
  readonly reverseDns?: boolean;
}

const usualLeaseFiles = [
  "/var/lib/misc/dnsmasq.leases",
  "/tmp/dhcp.leases",
  "/var/lib/kea/kea-leases4.csv",
  "/var/lib/dhcp/dhcpd.leases",
] as const;
/** Answered by nearly everything that has a web page, a shell or a Windows behind it; a refusal is an answer too. */
const signOfLifePorts = [443, 22] as const;
const programMs = 5_000;
const maxFileCharacters = 4 * 1024 * 1024;

/** The network of this machine (Linux): ARP and routes of the kernel, fping, UDP and TCP without rights of root. */
export class LanNetwork implements DiscoveryNetwork {
  readonly packetsPerEcho = { icmp: 1, tcp: signOfLifePorts.length } as const;
  readonly #parts: LanParts;
  readonly #multicast: Multicast;
  #method: EchoMethod | undefined;

  constructor(parts: LanParts) {
    this.#parts = parts;
    this.#multicast = new Multicast(parts.clock, parts.places ?? standardPlaces, () => this.networks());
  }

  networks(): readonly ConnectedNetwork[] {
    return (this.#parts.networks ?? connectedNetworks)();
  }

  async arp(signal: AbortSignal): Promise<readonly ArpEntry[]> {
    const kernel = parseProcArp(await textOf("/proc/net/arp", signal));
    const found = new Map(kernel.map((entry) => [entry.address, entry]));
    // `ip` also knows what is stale; /proc/net/arp alone will do where there is no `ip`.
    for (const entry of parseIpNeigh(await outputOf("ip", ["-j", "-4", "neigh"], signal))) found.set(entry.address, entry);
    return [...found.values()];
  }

  async leases(signal: AbortSignal): Promise<readonly DhcpLease[]> {
    const files = await Promise.all((this.#parts.leaseFiles ?? usualLeaseFiles).map((file) => textOf(file, signal)));
    return files.flatMap((text) => parseLeases(text));
  }

  async ownServers(signal: AbortSignal): ReturnType<DiscoveryNetwork["ownServers"]> {
    const gateways = parseDefaultGateways(await outputOf("ip", ["-j", "-4", "route", "show", "default"], signal));
    const servers = parseNameServers(await textOf("/etc/resolv.conf", signal));
    return [
      ...gateways.map((address) => ({ address, role: "gateway" as const })),
      ...servers.map((address) => ({ address, role: "dns" as const })),
    ];
  }

  /** Tried once on loopback: fping may be there without the right to open its socket. */
  async echoMethod(signal: AbortSignal): Promise<EchoMethod> {
    this.#method ??= (await this.#fping(["127.0.0.1"], 200, signal)) === undefined ? "tcp" : "icmp";
    return this.#method;
  }

  async echo(addresses: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<EchoAnswer> {
    if (addresses.length > 16) throw new RangeError("more than 16 addresses in one echo");
    const method = await this.echoMethod(signal);
    if (method === "icmp") return { method, alive: (await this.#fping(addresses, timeoutMs, signal)) ?? [] };
    const answers = await Promise.all(
      addresses.map(async (address) => {
        const states = await Promise.all(signOfLifePorts.map((port) => this.connect(address, port, timeoutMs, signal)));
        return states.some((state) => state !== "silent") ? [address] : [];
      }),
    );
    return { method, alive: answers.flat() };
  }

  connect(address: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<"open" | "refused" | "silent"> {
    return tcpConnect({ address, port }, timeoutMs, this.#parts.clock, signal);
  }

  listen(take: (hint: HostHint) => void, signal: AbortSignal): Promise<void> {
    return this.#multicast.listen(take, signal);
  }

  askMdns(interfaceAddress: string, services: readonly string[], take: (hint: HostHint) => void, signal: AbortSignal): Promise<void> {
    return this.#multicast.askMdns(interfaceAddress, services, take, signal);
  }

  searchSsdp(interfaceAddress: string, mxS: number, take: (hint: HostHint) => void, signal: AbortSignal): Promise<void> {
    return this.#multicast.searchSsdp(interfaceAddress, mxS, take, signal);
  }

  async nodeStatus(address: string, timeoutMs: number, signal: AbortSignal): Promise<HostHint | undefined> {
    const [high = 0, low = 0] = this.#parts.entropy.bytes(2);
    const id = (high << 8) | low;
    const port = this.#parts.netbiosPort ?? netbiosPort;
    const done = new AbortController();
    let hint: HostHint | undefined;
    const end = await openUdp({ port: 0, shared: false }, (bytes, from, fromPort) => {
      if (from !== address || fromPort !== port) return;
      hint = readNodeStatus(bytes, id, address);
      done.abort();
    });
    try {
      await sendUdp(end, encodeNodeStatus(id), address, port);
      await after(this.#parts.clock, timeoutMs, signal, done.signal);
    } finally {
      await end.close();
    }
    return hint;
  }

  async hostName(address: string, timeoutMs: number, signal: AbortSignal): Promise<string | undefined> {
    if (this.#parts.reverseDns === false) return undefined;
    const done = new AbortController();
    let name: string | undefined;
    // No name and no server are the same to us: a name less.
    const asked = reverse(address).then(
      ([first]) => {
        name = first === undefined ? undefined : said(first);
        done.abort();
      },
      () => done.abort(),
    );
    await Promise.race([asked, after(this.#parts.clock, timeoutMs, signal, done.signal)]);
    done.abort();
    return name;
  }

  /** undefined = this machine cannot: no fping, or no right to open its socket (exit code 4). */
  async #fping(addresses: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<readonly string[] | undefined> {
    try {
      const args = fpingArguments(addresses, timeoutMs);
      const { exitCode, stderr } = await runProgram(this.#parts.fping ?? "fping", args, timeoutMs + programMs, signal);
      return exitCode <= 2 ? parseFping(stderr) : undefined;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefinedIfUnsupported(error);
    }
  }
}

function undefinedIfUnsupported(error: GatewayError): undefined {
  if (error.code !== "driver.unsupported") throw error;
  return undefined;
}

/** A file that is not there is an empty one: most machines have none of these. */
async function textOf(file: string, signal: AbortSignal): Promise<string> {
  const text = await readFile(file, { encoding: "utf8", signal }).catch(() => "");
  signal.throwIfAborted();
  return text.slice(0, maxFileCharacters);
}

async function outputOf(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    return (await runProgram(program, args, programMs, signal)).stdout;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return "";
  }
}
