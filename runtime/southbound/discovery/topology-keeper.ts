import type { State } from "#ports/state.ts";
import type { KnownDevice } from "./device-book.ts";
import type { Sighting } from "./sightings.ts";
import { readJson } from "./stored.ts";
import { deriveTopology, maxEdges } from "./topology.ts";
import { edgeKey, type TopologyDevice, type TopologyEdge, type TopologyHost, withoutSurplus } from "./topology-graph.ts";

export interface TopologyChange {
  readonly added: readonly TopologyEdge[];
  readonly removed: readonly TopologyEdge[];
  readonly edges: number;
  /** The first map of a site: everything is new, and nothing changed. */
  readonly isFirst: boolean;
}

const key = "discovery/topology";
/** What the state keeps: links between devices. Where hosts hang is learnt again in a minute. */
const maxStored = 2_000;

/** The last map of the site, and how the next one differs. */
export class TopologyKeeper {
  readonly #state: State;
  #edges: readonly TopologyEdge[];
  #known: boolean;

  constructor(state: State) {
    this.#state = state;
    const stored = readJson(state, key, isEdges);
    this.#edges = stored ?? [];
    this.#known = stored !== undefined;
  }

  get edges(): readonly TopologyEdge[] {
    return this.#edges;
  }

  /** A device that is silent keeps its links: the map shows cables, not who is up. After a start edges wait until both ends were read again. */
  update(devices: readonly KnownDevice[], sightings: Iterable<Sighting>): TopologyChange | undefined {
    const read = devices.flatMap((device): TopologyDevice[] => {
      const { id, label, addresses, keys, links } = device;
      return links === undefined ? [] : [{ id, label, addresses, serials: keys.serials, links }];
    });
    if (read.length === 0) return undefined;
    const hosts = [...sightings].flatMap(({ address, mac }): TopologyHost[] => (mac === undefined ? [] : [{ address, mac }]));
    const derived = deriveTopology(read, hosts);
    const unread = new Set(devices.filter((device) => device.links === undefined).map((device) => device.id));
    const kept = this.#edges.filter(
      ({ a, b }) => unread.has(a.node) || (a.node.startsWith("segment:") && unread.has(segmentOwner(a.node))) || unread.has(b.node),
    );
    const next = new Map(withoutSurplus([...kept, ...derived], maxEdges).map((edge) => [edgeKey(edge), edge]));
    return this.#replace(next);
  }

  #replace(next: ReadonlyMap<string, TopologyEdge>): TopologyChange | undefined {
    const before = new Map(this.#edges.map((edge) => [edgeKey(edge), edge]));
    // Hosts come and go; the network changed when a link between devices did.
    const added = [...next].filter(([id, edge]) => !before.has(id) && isLasting(edge)).map(([, edge]) => edge);
    const removed = [...before].filter(([id, edge]) => !next.has(id) && isLasting(edge)).map(([, edge]) => edge);
    this.#edges = [...next.values()];
    if (added.length === 0 && removed.length === 0) return undefined;
    const isFirst = !this.#known;
    this.#known = true;
    this.#state.put({ [key]: JSON.stringify(this.#edges.filter(isLasting).slice(0, maxStored).map(short)) });
    return { added, removed, edges: this.#edges.length, isFirst };
  }
}

/** At most some 400 bytes, whatever devices call themselves. */
function short({ a, b, source }: TopologyEdge): TopologyEdge {
  return { a, b, source, evidence: "known from before the start" };
}

function isLasting({ a, b }: TopologyEdge): boolean {
  return !a.node.startsWith("host:") && !b.node.startsWith("host:");
}

function segmentOwner(node: string): string {
  return node.slice("segment:".length).split("/")[0] ?? "";
}

function isEdges(value: unknown): value is TopologyEdge[] {
  return Array.isArray(value) && value.every((edge) => typeof edge?.a?.node === "string" && typeof edge?.b?.node === "string");
}
