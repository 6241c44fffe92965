import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Equipment, EquipmentId, SnmpCredential } from "#model/equipment.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { DeviceReader, LinkFacts } from "#ports/discovery.ts";
import type { Logger } from "#ports/logger.ts";
import type { SnmpEngine } from "#ports/snmp.ts";
import type { State } from "#ports/state.ts";
import type { SiteLink, SiteTopology } from "#ports/topology.ts";
import type { Unit } from "#ports/unit.ts";
import { topologySteps } from "./discovery/topology.ts";
import { type EdgeEnd, type TopologyDevice, type TopologyEdge, type TopologyLinks, withoutSurplus } from "./discovery/topology-graph.ts";

const stateKey = "topology/site";
/** Time for the first polls; then each equipment in turn, and again every six hours. */
const firstMs = 20_000;
const roundMs = 6 * 3_600_000;
/** Whoever was silent in the round is asked again. */
const retryMs = 600_000;
const betweenMs = 250;
/** Reading one takes some 4 ms of CPU: four a second were a fifth of what all polls of 1,000 switches take. The map is the same half an hour later, and kept for the next start. */
const largeSite = 250;
const betweenAtLargeMs = 2_000;
const readDeadlineMs = 20_000;
const timeoutMs = 2_000;
const maxStoredEdges = 2_000;
const maxSteps = 32;
/** The map is made in pieces of so long; between them others have their turn. */
const pieceMs = 4;

export interface SiteTopologyParts {
  readonly equipment: () => readonly Equipment[];
  readonly credential: (name: string) => SnmpCredential | undefined;
  readonly engine: SnmpEngine;
  readonly reader: DeviceReader;
  readonly state: State;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Address of this machine's default gateway, if it is known. */
  readonly defaultGateway: () => Promise<string | undefined>;
}

/**
 * Who hangs on whom among the monitored equipment: configured parents first, then what neighbours tell (LLDP, CDP) and forwarding tables
 * imply. Reads each equipment once in six hours; the map survives restarts.
 */
export class SiteTopologyReader implements SiteTopology, Unit {
  readonly name = "site-topology";
  readonly #parts: SiteTopologyParts;
  /** Of each equipment what was read of it, as compressed JSON: looked at one after the other after each round, and a tenth as large. */
  readonly #read = new Map<EquipmentId, Uint8Array>();
  #edges: readonly TopologyEdge[];
  #links = new Map<EquipmentId, readonly SiteLink[]>();
  #parents = new Map<EquipmentId, EquipmentId>();
  #gateway: string | undefined;

  constructor(parts: SiteTopologyParts) {
    this.#parts = parts;
    const text = parts.state.getText(stateKey);
    this.#edges = text === undefined ? [] : (JSON.parse(text) as TopologyEdge[]);
  }

  links(equipment: EquipmentId): readonly SiteLink[] {
    return this.#links.get(equipment) ?? [];
  }

  parent(equipment: EquipmentId): EquipmentId | undefined {
    return this.#parents.get(equipment);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    try {
      this.#rebuild();
      await clock.sleep(firstMs, signal);
      while (!signal.aborted) {
        this.#gateway = await this.#parts.defaultGateway();
        const missing = await this.#round(this.#parts.equipment(), signal);
        for (let waitedMs = 0; waitedMs < roundMs; waitedMs += retryMs) {
          await clock.sleep(retryMs, signal);
          if (missing.size > 0) for (const id of await this.#retry(missing, signal)) missing.delete(id);
        }
      }
    } catch (reason) {
      if (!signal.aborted) throw reason;
    }
  }

  /** @returns those that did not answer */
  async #round(equipment: readonly Equipment[], signal: AbortSignal): Promise<Set<EquipmentId>> {
    const missing = new Set<EquipmentId>();
    let isNew = false;
    const restMs = equipment.length > largeSite ? betweenAtLargeMs : betweenMs;
    for (const one of equipment) {
      if (one.driver !== "snmp") continue;
      if (await this.#readOne(one, signal)) isNew = true;
      else missing.add(one.id);
      await this.#parts.clock.sleep(restMs, signal);
    }
    if (isNew) await this.#derive(signal);
    this.#rebuild();
    return missing;
  }

  async #retry(missing: ReadonlySet<EquipmentId>, signal: AbortSignal): Promise<readonly EquipmentId[]> {
    const again = this.#parts.equipment().filter(({ id }) => missing.has(id));
    const still = await this.#round(again, signal);
    return again.map(({ id }) => id).filter((id) => !still.has(id));
  }

  async #readOne(equipment: Equipment, signal: AbortSignal): Promise<boolean> {
    const { credential, engine, reader, clock, logger } = this.#parts;
    const found = equipment.credential === undefined ? undefined : credential(equipment.credential);
    if (found === undefined) return true;
    const session = engine.open({ address: equipment.address, port: equipment.port, credential: found, timeoutMs, retries: 1 });
    try {
      const links = await reader.links({ session, deadlineMs: clock.monotonicMs() + readDeadlineMs }, signal);
      // Who is silent gives empty tables, not an error.
      if (links.ports.length === 0 && links.neighbours.length === 0) return false;
      const label = links.lldpSysName || equipment.name || equipment.id;
      this.#read.set(
        equipment.id,
        pack({ id: equipment.id, label, links: needed(links), serials: [], addresses: [equipment.address, ...links.addresses] }),
      );
      return true;
    } catch (error) {
      if (!isGatewayError(error) || signal.aborted) throw error;
      logger.debug({ equipment: equipment.id, code: error.code }, "neighbours could not be read");
      return false;
    } finally {
      session.close();
    }
  }

  async #derive(signal: AbortSignal): Promise<void> {
    if (this.#read.size === 0) return;
    const derived = await this.#derived([...this.#read.values()], signal);
    // What is not read in this run keeps what was known of it.
    const kept = this.#edges.filter(({ a, b }) => !this.#read.has(a.node as EquipmentId) && !this.#read.has(b.node as EquipmentId));
    const lasting = [...derived, ...kept].filter(({ a, b }) => !a.node.startsWith("host:") && !b.node.startsWith("host:"));
    this.#edges = withoutSurplus(lasting, maxStoredEdges);
    const text = JSON.stringify(this.#edges);
    if (text !== this.#parts.state.getText(stateKey) && text.length < 1_000_000) this.#parts.state.put({ [stateKey]: text });
  }

  /** Unpacked one after the other: all at once they were tens of megabytes, and a stall of some hundred milliseconds. */
  async #derived(packed: readonly Uint8Array[], signal: AbortSignal): Promise<readonly TopologyEdge[]> {
    const { clock } = this.#parts;
    const steps = topologySteps({ count: packed.length, device: (place) => unpack(packed[place] ?? new Uint8Array(0)) }, "arp");
    for (let sinceMs = clock.monotonicMs(); ; ) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (clock.monotonicMs() - sinceMs < pieceMs) continue;
      await clock.sleep(0, signal);
      sinceMs = clock.monotonicMs();
    }
  }

  #rebuild(): void {
    const equipment = this.#parts.equipment();
    const ids = new Map(equipment.map(({ id }) => [String(id), id]));
    const links = new Map<EquipmentId, SiteLink[]>();
    const add = (from: EdgeEnd, to: EdgeEnd, evidence: string) => {
      const own = ids.get(from.node);
      // Behind an unmanaged switch anything may hang.
      if (own === undefined || to.node.startsWith("segment:")) return;
      const link: SiteLink = { port: from.port, other: ids.get(to.node), otherPort: to.port, otherLabel: to.label, evidence };
      links.set(own, [...(links.get(own) ?? []), link]);
    };
    for (const { a, b, source } of this.#edges) {
      add(a, b, source);
      add(b, a, source);
    }
    this.#links = links;
    this.#parents = this.#parentsOf(equipment, links);
  }

  /** Configured ones first; else the way to the middle of the site: the default gateway if it is monitored, else who has most neighbours. */
  #parentsOf(equipment: readonly Equipment[], links: ReadonlyMap<EquipmentId, readonly SiteLink[]>): Map<EquipmentId, EquipmentId> {
    const parents = new Map<EquipmentId, EquipmentId>();
    const middle = middleOf(equipment, links, this.#gateway);
    const queue = middle === undefined ? [] : [middle];
    const seen = new Set(queue);
    for (let step = 0; step < queue.length; step++) {
      const above = queue[step];
      for (const { other } of above === undefined ? [] : (links.get(above) ?? [])) {
        if (other === undefined || above === undefined || seen.has(other)) continue;
        seen.add(other);
        parents.set(other, above);
        queue.push(other);
      }
    }
    for (const { id, parent } of equipment) {
      if (parent === undefined) continue;
      parents.set(id, parent);
      // A configured parent turns the way round where the map had it the other way.
      if (isAbove(parents, id, parent)) parents.delete(parent);
    }
    return parents;
  }
}

function middleOf(
  equipment: readonly Equipment[],
  links: ReadonlyMap<EquipmentId, readonly SiteLink[]>,
  gateway: string | undefined,
): EquipmentId | undefined {
  const degree = (id: EquipmentId) => new Set((links.get(id) ?? []).flatMap(({ other }) => other ?? [])).size;
  const linked = equipment.filter(({ id }) => degree(id) > 0);
  const router = linked.find(({ address }) => address === gateway);
  return (router ?? linked.toSorted((a, b) => degree(b.id) - degree(a.id) || (a.id < b.id ? -1 : 1))[0])?.id;
}

function isAbove(parents: ReadonlyMap<EquipmentId, EquipmentId>, one: EquipmentId, other: EquipmentId): boolean {
  let at = parents.get(other);
  for (let step = 0; at !== undefined && step < maxSteps; step++) {
    if (at === one) return true;
    at = parents.get(at);
  }
  return false;
}

/** What a map is made of; descriptions of neighbours are longer than all else that is said of them. */
function needed({ neighbours, learnt, notes: _, ...links }: LinkFacts): TopologyLinks {
  return {
    ...links,
    neighbours: neighbours.map(({ sysDescr: _long, ...neighbour }) => neighbour),
    learnt: learnt.flatMap(({ mac, ifIndex }) => (ifIndex === undefined ? [] : [{ mac, ifIndex }])),
  };
}

/** A copy of its own: deflate hands out views of a large block. */
function pack(device: TopologyDevice): Uint8Array {
  return Uint8Array.from(deflateRawSync(JSON.stringify(device)));
}

function unpack(packed: Uint8Array): TopologyDevice {
  return JSON.parse(inflateRawSync(packed).toString("utf8")) as TopologyDevice;
}
