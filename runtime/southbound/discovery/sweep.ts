import { isGatewayError } from "#model/errors.ts";
import { isInIpv4Network, parseIpv4 } from "#model/ipv4.ts";
import type { EchoMethod, HostHint } from "#ports/discovery.ts";
import type { SiteParts } from "./parts.ts";
import type { Scope } from "./scope.ts";
import { gentle } from "./settings.ts";
import type { Sighting } from "./sightings.ts";

/** Seen without sending anything: neighbours of the kernel, leases, this machine's own gateway and name servers. */
export async function lookAround(scope: Scope, { network, sightings, clock }: SiteParts, signal: AbortSignal): Promise<void> {
  const nowMs = clock.monotonicMs();
  for (const { address, mac } of await network.arp(signal))
    if (scope.includes(address)) sightings.see(address, "in the ARP table", nowMs, { mac });
  for (const { address, mac, hostName } of await network.leases(signal)) {
    if (!scope.includes(address)) continue;
    // A lease is no sign of life; it only names who is there.
    const sighting = sightings.get(address);
    if (sighting === undefined || (sighting.mac !== undefined && sighting.mac !== mac)) continue;
    sighting.hostName ||= hostName ?? "";
  }
  for (const { address, role } of await network.ownServers(signal))
    if (scope.includes(address))
      sightings.see(address, role === "gateway" ? "the default gateway" : "a name server of this machine", nowMs);
}

/** What a sweep is held and watched by: `gate` holds it while it is paused, `note` is told how many addresses were sent an echo. */
export interface SweepControl {
  readonly gate: () => Promise<void>;
  readonly note: (done: number, total: number) => void;
}

/** One echo to each address of the subnet, and one question to all that announce themselves. */
export async function sweep(scope: Scope, site: SiteParts, control: SweepControl, signal: AbortSignal): Promise<EchoMethod> {
  const { network, pace, sightings, clock } = site;
  const method = await network.echoMethod(signal);
  const cost = network.packetsPerEcho[method];
  const perBatch = Math.max(1, Math.floor(gentle.echoBurst / cost));
  const word = method === "icmp" ? "answers ICMP echo" : "answers TCP (no ICMP on this machine)";
  const running = new Set<Promise<void>>();
  const total = scope.size;
  let sent = 0;
  for (const part of scope.parts()) {
    for (let first = 0; first < part.length; first += perBatch) {
      const batch = part.slice(first, first + perBatch);
      await control.gate();
      await pace.echo(batch.length * cost, signal);
      const asked = network.echo(batch, gentle.echoTimeoutMs, signal).then(({ alive }) => {
        const answered = new Set(alive);
        for (const address of batch) {
          if (answered.has(address)) sightings.see(address, word, clock.monotonicMs());
          if (isSteady(address, site)) pace.loss.note(answered.has(address));
        }
      });
      sent += batch.length;
      control.note(sent, total);
      const tracked: Promise<void> = asked.finally(() => running.delete(tracked));
      // Awaited with its part; a sweep that is ended before must not leave a rejection that nobody hears.
      tracked.catch(() => undefined);
      running.add(tracked);
    }
    await Promise.all(running);
  }
  await askEverybody(scope, site, signal);
  return method;
}

/** Devices answer always; that a laptop left is no loss. */
function isSteady(address: string, { book, sightings }: SiteParts): boolean {
  const evidence = sightings.get(address)?.evidence;
  return book.byAddress(address)?.greetedAtMs !== undefined && evidence?.has("answers ICMP echo") === true;
}

async function askEverybody(scope: Scope, site: SiteParts, signal: AbortSignal): Promise<void> {
  const { network, pace, sightings, clock, logger } = site;
  const take = (hint: HostHint): void => {
    if (scope.includes(hint.address)) sightings.hear(hint, clock.monotonicMs());
  };
  const own = network.networks().filter(({ address, kind }) => {
    const number = parseIpv4(address);
    return kind === "lan" && number !== undefined && isInIpv4Network(number, scope.network);
  });
  for (const { address } of own) {
    try {
      await pace.packet(signal);
      await network.askMdns(address, gentle.mdnsServices, take, signal);
      await pace.packet(signal);
      await network.searchSsdp(address, gentle.ssdpMxS, take, signal);
    } catch (error) {
      if (!isGatewayError(error) || signal.aborted) throw error;
      logger.debug({ address, code: error.code }, "cannot ask by multicast");
    }
  }
}

/** What a live host without SNMP offers: nine ports, its NetBIOS name if it looks like Windows, its name in the DNS. Once a day. */
export async function lookAtHost(sighting: Sighting, { network, pace, clock, sightings }: SiteParts, signal: AbortSignal): Promise<void> {
  const { address } = sighting;
  sighting.lookedAtMs = clock.monotonicMs();
  const open: number[] = [];
  for (const port of gentle.connectPorts) {
    await pace.connect(signal);
    if ((await network.connect(address, port, gentle.connectTimeoutMs, signal)) === "open") open.push(port);
  }
  sighting.openPorts = open;
  try {
    if (open.includes(445) || open.includes(3389)) {
      await pace.packet(signal);
      const hint = await network.nodeStatus(address, gentle.snmpTimeoutMs, signal);
      if (hint !== undefined) sightings.hear(hint, clock.monotonicMs());
    }
    if ((sighting.hostName ?? "") !== "") return;
    await pace.packet(signal);
    const name = await network.hostName(address, gentle.snmpTimeoutMs, signal);
    if (name !== undefined) sighting.hostName = name;
  } catch (error) {
    if (!isGatewayError(error) || signal.aborted) throw error;
  }
}
