import type { Equipment, SnmpCredential } from "#model/equipment.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Event } from "#model/observation.ts";
import type { Clock } from "#ports/clock.ts";
import type { DeviceReader, DiscoveryNetwork } from "#ports/discovery.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { Logger } from "#ports/logger.ts";
import type { SnmpEngine } from "#ports/snmp.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { Permits } from "../../concurrency/permits.ts";
import { CredentialMemory } from "./credential-memory.ts";
import { DeviceBook } from "./device-book.ts";
import { acceptedEvent, proposalEvent, refusedEvent, swappedEvent, topologyEvent } from "./events.ts";
import { findingOfDevice, findingOfHost } from "./findings.ts";
import { Pace } from "./pace.ts";
import type { SiteParts } from "./parts.ts";
import { type DiscoveryPreview, previewOf } from "./preview.ts";
import { equipmentOf, type Proposal, Proposals } from "./proposals.ts";
import { proposedSubnets, Scope } from "./scope.ts";
import { type DiscoverySettings, type DiscoverySubnet, gentle, type KnownEquipment } from "./settings.ts";
import { Sightings } from "./sightings.ts";
import { type SubnetStatus, SubnetWatch } from "./subnet-watch.ts";
import type { TopologyEdge } from "./topology-graph.ts";
import { TopologyKeeper } from "./topology-keeper.ts";

export interface DiscoveryParts {
  readonly settings: DiscoverySettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly network: DiscoveryNetwork;
  readonly snmp: SnmpEngine;
  readonly reader: DeviceReader;
  readonly state: State;
  readonly sink: EventSink;
  /** undefined = no such credential, or none for SNMP. */
  readonly credential: (name: string) => SnmpCredential | undefined;
  /** What is polled already; asked for again each time, since it changes. */
  readonly equipment: () => readonly KnownEquipment[];
  /** For trials on one machine. */
  readonly permitLoopback?: boolean;
}

export interface DiscoveryStatus {
  readonly subnets: readonly SubnetStatus[];
  readonly addresses: number;
  readonly devices: number;
  readonly openProposals: number;
  readonly packets: number;
  /** Share of lost packets among those that should have been answered, and the factor that all rates are slowed by. */
  readonly loss: number;
  readonly paceFactor: number;
  /** Over a bound: addresses forgotten, devices and proposals not taken. */
  readonly overflow: number;
}

/** One address somebody was seen at. */
export interface SeenHost {
  readonly address: string;
  readonly mac?: string;
  readonly hostName?: string;
  /** How, in words. */
  readonly seen: string;
}

/**
 * Finds out what there is on the subnets that a person enabled, and proposes it. Sends nothing anywhere else; adds nothing to monitoring by
 * itself except the classes that site policy accepts.
 */
export class Discovery implements Unit {
  readonly name = "discovery";
  readonly #parts: DiscoveryParts;
  readonly #site: SiteParts;
  readonly #watches: readonly SubnetWatch[];
  readonly #proposals: Proposals;
  readonly #topology: TopologyKeeper;

  constructor(parts: DiscoveryParts) {
    const { settings, clock, state } = parts;
    this.#parts = parts;
    this.#site = {
      ...parts,
      pace: new Pace(clock),
      permits: new Permits(gentle.snmpTargets),
      book: new DeviceBook(state, settings.maxDevices),
      sightings: new Sightings(),
      memory: new CredentialMemory(state),
      inScope: (address) => this.#watches.some((watch) => watch.scope.includes(address)),
    };
    const enabled = settings.subnets.filter((subnet) => subnet.enabled).slice(0, gentle.maxSubnets);
    this.#watches = enabled.flatMap((subnet) => this.#open(subnet));
    this.#proposals = new Proposals({
      state,
      autoAccept: settings.autoAccept,
      pollIntervalMs: settings.pollIntervalMs,
      takenIds: () => new Set(parts.equipment().map((one) => one.id)),
    });
    this.#topology = new TopologyKeeper(state);
  }

  /** Networks that a person could enable: the private ones this machine is directly in. */
  proposedSubnets(): readonly string[] {
    return proposedSubnets(this.#parts.network.networks());
  }

  /** What a scan would do; sends nothing. @throws GatewayError config.invalid when it may not be done */
  async preview(subnet: DiscoverySubnet, signal: AbortSignal): Promise<DiscoveryPreview> {
    const scope = this.#scope(subnet);
    const method = await this.#parts.network.echoMethod(signal);
    return previewOf(scope, subnet, method, this.#parts.network.packetsPerEcho[method]);
  }

  status(): DiscoveryStatus {
    const { book, sightings, pace } = this.#site;
    return {
      subnets: this.#watches.map((watch) => watch.status),
      addresses: sightings.size,
      devices: book.devices.length,
      openProposals: this.#proposals.list().filter((one) => one.state === "open").length,
      packets: pace.packets,
      loss: pace.loss.loss,
      paceFactor: pace.factor,
      overflow: sightings.forgotten + book.refused + this.#proposals.overflow,
    };
  }

  proposals(): readonly Proposal[] {
    return this.#proposals.list();
  }

  /** Everybody that was seen, devices included; what is no proposal is only listed. */
  hosts(): readonly SeenHost[] {
    return [...this.#site.sightings.all()].map(({ address, mac, hostName, evidence }) => ({
      address,
      ...(mac === undefined ? {} : { mac }),
      ...(hostName === undefined || hostName === "" ? {} : { hostName }),
      seen: [...evidence].join("; "),
    }));
  }

  topology(): readonly TopologyEdge[] {
    return this.#topology.edges;
  }

  /** Equipment that was accepted, to be polled besides what is configured: what is configured by now, or lost its credential, is left out. */
  acceptedEquipment(): readonly Equipment[] {
    const configured = this.#parts.equipment();
    return this.#proposals
      .acceptedEquipment()
      .filter(({ id, address, port }) => !configured.some((one) => one.id === id || (one.address === address && one.port === port)))
      .filter(({ credential }) => credential !== undefined && this.#parts.credential(credential) !== undefined);
  }

  /** A person wants it monitored. @returns the entry to poll @throws GatewayError command.refused */
  accept(id: string): Equipment {
    const proposal = this.#proposals.accept(id);
    const equipment = equipmentOf(proposal, this.#parts.settings.pollIntervalMs);
    if (equipment === undefined) throw new GatewayError("command.refused", { message: `${proposal.address} cannot be polled` });
    this.#emit(acceptedEvent(proposal, this.#parts.clock.now()));
    return equipment;
  }

  /** A person does not want it; it is not proposed again. @throws GatewayError command.refused */
  refuse(id: string): void {
    this.#emit(refusedEvent(this.#proposals.refuse(id), this.#parts.clock.now()));
  }

  /** @throws GatewayError command.refused when the subnet is not enabled */
  pause(cidr: string): void {
    this.#watch(cidr).pause();
  }

  /** @throws GatewayError command.refused when the subnet is not enabled */
  resume(cidr: string): void {
    this.#watch(cidr).resume();
  }

  /**
   * One whole round now, sweep included (if the subnet allows one); after the one under way, which may be past its sweep.
   * @throws GatewayError command.refused when the subnet is not enabled
   */
  async scan(cidr: string, signal: AbortSignal): Promise<void> {
    const watch = this.#watch(cidr);
    if (watch.status.phase !== "idle") await watch.round(signal, () => this.#publish());
    signal.throwIfAborted();
    watch.sweepNext();
    await watch.round(signal, () => this.#publish());
  }

  /** A trap or a syslog line came from there: a sign of life that cost nothing. */
  noteSource(address: string, how: "trap" | "syslog"): void {
    if (this.#site.inScope(address)) this.#site.sightings.see(address, `sent a ${how}`, this.#parts.clock.monotonicMs());
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const listening = this.#listen(either);
    const loops = this.#watches.map((watch) =>
      this.#loop(watch, either).catch((error: unknown) => {
        stop.abort(error);
        if (!signal.aborted) throw error;
      }),
    );
    await Promise.all([...loops, listening, idle(this.#parts.clock, either)]).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    this.#save();
  }

  async #loop(watch: SubnetWatch, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    while (!signal.aborted) {
      try {
        await watch.round(signal, () => this.#publish());
      } catch (error) {
        if (!isGatewayError(error) || signal.aborted) throw error;
        logger.warn({ cidr: watch.scope.cidr, code: error.code }, "a discovery round ended early");
      }
      await clock.sleep(gentle.arpIntervalMs, signal);
    }
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { network, clock, logger } = this.#parts;
    if (this.#watches.length === 0) return;
    try {
      await network.listen((hint) => {
        if (this.#site.inScope(hint.address)) this.#site.sightings.hear(hint, clock.monotonicMs());
      }, signal);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      logger.warn({ code: error.code }, "announcements on the network cannot be heard");
    }
  }

  /** Enters what was learnt into proposals and topology, and says what is new. */
  #publish(): void {
    const { clock, equipment } = this.#parts;
    const { book, sightings } = this.#site;
    const now = clock.now();
    for (const swap of book.takeSwaps()) this.#emit(swappedEvent(swap, now));
    const polled = new Set(equipment().map((one) => one.address));
    for (const device of book.devices) {
      if (device.addresses.some((address) => polled.has(address))) continue;
      const finding = findingOfDevice(device, sightings.get(device.addresses[0] ?? ""));
      const proposal = finding === undefined ? undefined : this.#proposals.offer(finding, now.wallMs);
      if (proposal !== undefined) this.#emit(proposalEvent(proposal, now));
    }
    for (const sighting of sightings.all()) {
      if (sighting.lookedAtMs === undefined || polled.has(sighting.address) || book.byAddress(sighting.address) !== undefined) continue;
      const finding = findingOfHost(sighting, 161);
      const proposal = finding === undefined ? undefined : this.#proposals.offer(finding, now.wallMs);
      if (proposal !== undefined) this.#emit(proposalEvent(proposal, now));
    }
    const change = this.#topology.update(book.devices, sightings.all());
    if (change !== undefined) this.#emit(topologyEvent(change, now));
    this.#save();
  }

  #save(): void {
    this.#site.memory.save();
    this.#site.book.save();
    this.#proposals.save();
  }

  #emit(event: Event): void {
    this.#parts.sink.offer(event);
  }

  /** A subnet that may not be scanned (behind a tunnel, say) costs itself only: the gateway polls without it. */
  #open(subnet: DiscoverySubnet): readonly SubnetWatch[] {
    try {
      return [new SubnetWatch(subnet, this.#scope(subnet), this.#site)];
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#parts.logger.warn({ cidr: subnet.cidr, reason: error.message }, "a subnet is not looked at");
      return [];
    }
  }

  #scope(subnet: DiscoverySubnet): Scope {
    const { network, permitLoopback } = this.#parts;
    return new Scope(subnet, { networks: network.networks(), ...(permitLoopback === undefined ? {} : { permitLoopback }) });
  }

  #watch(cidr: string): SubnetWatch {
    const watch = this.#watches.find((one) => one.scope.cidr === cidr || one.subnet.cidr === cidr);
    if (watch === undefined) throw new GatewayError("command.refused", { message: `discovery is not enabled for ${cidr.slice(0, 40)}` });
    return watch;
  }
}

/** A gateway without enabled subnets has nothing to do, and a unit that returns early has crashed. */
async function idle(clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) await clock.sleep(3_600_000, signal);
}
