import type { SnmpCredential } from "../../../runtime/model/equipment.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import type {
  ArpEntry,
  ConnectedNetwork,
  DhcpLease,
  DiscoveryNetwork,
  EchoAnswer,
  EchoMethod,
  HostHint,
} from "../../../runtime/ports/discovery.ts";
import type { SnmpEngine, SnmpSession, SnmpTarget } from "../../../runtime/ports/snmp.ts";
import type { MemoryAgent } from "../../drivers/snmp/support/memory-agent.ts";
import type { VirtualClock } from "../../sim/virtual-clock.ts";

export interface VirtualHost {
  readonly address: string;
  mac: string;
  /** Answers ICMP; false = a firewall on the host, though ARP resolves. Default true. */
  readonly echoes?: boolean;
  /** Nobody there at all: it only stands in somebody's table. */
  down?: boolean;
  readonly ports?: readonly number[];
  agent?: MemoryAgent;
  /** Community (v2c) or user (v3) that the agent answers. */
  readonly key?: string;
  /** Nobody listens on the SNMP port, and the host says so. */
  readonly refuses?: boolean;
  readonly announces?: Omit<HostHint, "address">;
  readonly netbios?: string;
}

export interface SentPacket {
  readonly atMs: number;
  readonly kind: "echo" | "snmp" | "connect" | "netbios" | "dns" | "multicast";
  readonly address: string;
  /** For snmp: community or user. */
  readonly key?: string;
}

const answerMs = 4;

/** A LAN in memory behind the ports of discovery and SNMP: every packet is written down with its virtual time. */
export class VirtualLan implements DiscoveryNetwork, SnmpEngine {
  readonly hosts = new Map<string, VirtualHost>();
  readonly sent: SentPacket[] = [];
  readonly packetsPerEcho = { icmp: 1, tcp: 2 } as const;
  method: EchoMethod = "icmp";
  interfaces: readonly ConnectedNetwork[];
  leaseList: readonly DhcpLease[] = [];
  /** Chance that a request or its answer is lost. */
  lossOf: (address: string) => boolean = () => false;
  maxOutstandingPerDevice = 0;
  maxTargets = 0;
  readonly #clock: VirtualClock;
  readonly #resolved = new Map<string, ArpEntry>();
  readonly #outstanding = new Map<string, number>();
  #listener: ((hint: HostHint) => void) | undefined;

  constructor(clock: VirtualClock, interfaces: readonly ConnectedNetwork[]) {
    this.#clock = clock;
    this.interfaces = interfaces;
  }

  add(host: VirtualHost): VirtualHost {
    this.hosts.set(host.address, host);
    return host;
  }

  /** The host spoke to this machine: the kernel knows it without discovery doing anything. */
  resolve(address: string): void {
    const host = this.hosts.get(address);
    if (host !== undefined && host.down !== true) this.#resolved.set(address, { address, mac: host.mac });
  }

  announce(hint: HostHint): void {
    this.#listener?.(hint);
  }

  networks(): readonly ConnectedNetwork[] {
    return this.interfaces;
  }

  async arp(): Promise<readonly ArpEntry[]> {
    return [...this.#resolved.values()];
  }

  async leases(): Promise<readonly DhcpLease[]> {
    return this.leaseList;
  }

  async ownServers(): Promise<[]> {
    return [];
  }

  async echoMethod(): Promise<EchoMethod> {
    return this.method;
  }

  async echo(addresses: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<EchoAnswer> {
    const alive: string[] = [];
    for (const address of addresses) {
      for (let packet = 0; packet < this.packetsPerEcho[this.method]; packet++) this.#note("echo", address);
      const host = this.#reach(address);
      if (host !== undefined && host.echoes !== false && !this.lossOf(address)) alive.push(address);
    }
    await this.#clock.sleep(alive.length === addresses.length ? answerMs : timeoutMs, signal);
    return { method: this.method, alive };
  }

  async connect(address: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<"open" | "refused" | "silent"> {
    this.#note("connect", address);
    const host = this.#reach(address);
    await this.#clock.sleep(host === undefined ? timeoutMs : answerMs, signal);
    if (host === undefined) return "silent";
    return host.ports?.includes(port) === true ? "open" : host.echoes === false ? "silent" : "refused";
  }

  async listen(take: (hint: HostHint) => void, signal: AbortSignal): Promise<void> {
    this.#listener = take;
    await this.#clock.sleep(Number.MAX_SAFE_INTEGER, signal).catch(() => undefined);
    this.#listener = undefined;
  }

  async askMdns(_from: string, _services: readonly string[], take: (hint: HostHint) => void, signal: AbortSignal): Promise<void> {
    this.#note("multicast", "224.0.0.251");
    for (const { address, announces } of this.hosts.values()) if (announces?.source === "mdns") take({ address, ...announces });
    await this.#clock.sleep(1_500, signal);
  }

  async searchSsdp(_from: string, mxS: number, take: (hint: HostHint) => void, signal: AbortSignal): Promise<void> {
    this.#note("multicast", "239.255.255.250");
    for (const { address, announces } of this.hosts.values()) if (announces?.source === "ssdp") take({ address, ...announces });
    await this.#clock.sleep(mxS * 1_000, signal);
  }

  async nodeStatus(address: string, timeoutMs: number, signal: AbortSignal): Promise<HostHint | undefined> {
    this.#note("netbios", address);
    const name = this.#reach(address)?.netbios;
    await this.#clock.sleep(name === undefined ? timeoutMs : answerMs, signal);
    return name === undefined ? undefined : { address, source: "netbios", hostName: name, services: [] };
  }

  async hostName(address: string, _timeoutMs: number, signal: AbortSignal): Promise<string | undefined> {
    this.#note("dns", address);
    await this.#clock.sleep(answerMs, signal);
    return undefined;
  }

  open({ address, credential, timeoutMs, retries }: SnmpTarget): SnmpSession {
    const key = keyOf(credential);
    const counts = { requests: 0, retries: 0, timeouts: 0, bytesIn: 0 };
    const ask = async <T>(signal: AbortSignal, answer: (agent: MemoryAgent) => Promise<T>): Promise<T> => {
      const outstanding = (this.#outstanding.get(address) ?? 0) + 1;
      this.#outstanding.set(address, outstanding);
      this.maxOutstandingPerDevice = Math.max(this.maxOutstandingPerDevice, outstanding);
      this.maxTargets = Math.max(this.maxTargets, this.#outstanding.size);
      try {
        counts.requests += 1;
        for (let attempt = 0; ; attempt++) {
          this.#note("snmp", address, key);
          const host = this.#reach(address);
          if (host?.agent !== undefined && host.key === key && !this.lossOf(address)) {
            await this.#clock.sleep(answerMs, signal);
            const answered = await answer(host.agent);
            counts.bytesIn += 100;
            return answered;
          }
          await this.#clock.sleep(host?.refuses === true ? answerMs : timeoutMs, signal);
          if (host?.refuses === true) throw new GatewayError("driver.unreachable", { fields: { address } });
          if (attempt === retries) throw new GatewayError("driver.timeout", { fields: { address } });
          counts.retries += 1;
        }
      } finally {
        if (outstanding <= 1) this.#outstanding.delete(address);
        else this.#outstanding.set(address, outstanding - 1);
      }
    };
    const session = (agent: MemoryAgent) => agent.open();
    return {
      get: (oids, signal) => ask(signal, (agent) => session(agent).get(oids, signal)),
      getNext: (oids, signal) => ask(signal, (agent) => session(agent).getNext(oids, signal)),
      readTable: (plan, deadlineMs, signal) => ask(signal, (agent) => session(agent).readTable(plan, deadlineMs, signal)),
      walk: async function* (root, limits, signal) {
        const batches = await ask(signal, async (agent) => {
          const found = [];
          for await (const batch of session(agent).walk(root, limits, signal)) found.push(batch);
          return found;
        });
        yield* batches;
      },
      set: () => Promise.reject(new Error("discovery wrote")),
      counters: () => ({
        ...counts,
        lateAnswers: 0,
        forgedAnswers: 0,
        malformedAnswers: 0,
        oidViolations: 0,
        reports: 0,
        maxRepetitions: 10,
        maxMessageBytes: 1472,
        roundTripMs: answerMs,
      }),
      engine: () => undefined,
      close: () => undefined,
    };
  }

  async close(): Promise<void> {}

  /** Most packets of one kind (or of all) in any window of this length. */
  busiest(windowMs: number, kind?: SentPacket["kind"]): number {
    const times = this.sent.filter((packet) => kind === undefined || packet.kind === kind).map(({ atMs }) => atMs);
    times.sort((left, right) => left - right);
    let most = 0;
    for (let first = 0, last = 0; last < times.length; last++) {
      while ((times[last] ?? 0) - (times[first] ?? 0) >= windowMs) first++;
      most = Math.max(most, last - first + 1);
    }
    return most;
  }

  #note(kind: SentPacket["kind"], address: string, key?: string): void {
    this.sent.push({ atMs: this.#clock.monotonicMs(), kind, address, ...(key === undefined ? {} : { key }) });
  }

  /** Sending resolves the address, whether or not the host answers. */
  #reach(address: string): VirtualHost | undefined {
    const host = this.hosts.get(address);
    if (host === undefined || host.down === true) return undefined;
    this.#resolved.set(address, { address, mac: host.mac });
    return host;
  }
}

export function keyOf(credential: SnmpCredential): string {
  return credential.version === "3" ? credential.user : credential.community;
}
