import { describe, expect, it } from "vitest";
import type { Equipment, EquipmentId } from "../../runtime/model/equipment.ts";
import { GatewayError } from "../../runtime/model/errors.ts";
import type { LinkFacts } from "../../runtime/ports/discovery.ts";
import { deriveTopology } from "../../runtime/southbound/discovery/topology.ts";
import type { TopologyEdge } from "../../runtime/southbound/discovery/topology-graph.ts";
import { SiteTopologyReader } from "../../runtime/southbound/site-topology.ts";
import { seeded } from "../drivers/snmp/engine/mutating.ts";
import { MemoryAgent } from "../drivers/snmp/support/memory-agent.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";
import { MemoryState } from "./discovery/memory-state.ts";
import { randomSite } from "./discovery/random-site.ts";

/** Every look at it takes a millisecond: what runs without giving way is seen. */
class TickingClock extends VirtualClock {
  gaveWay = 0;
  #looks = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + ++this.#looks;
  }

  override sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms === 0) this.gaveWay += 1;
    return super.sleep(ms, signal);
  }
}

interface Site {
  readonly clock: TickingClock;
  readonly state: MemoryState;
  readonly reader: SiteTopologyReader;
  /** Those that do not answer. */
  readonly silent: Set<string>;
}

function siteOf(all: ReadonlyMap<string, LinkFacts>): Site {
  const clock = new TickingClock();
  const state = new MemoryState();
  const silent = new Set<string>();
  const equipment = [...all.keys()].map(
    (id): Equipment => ({
      id: id as EquipmentId,
      address: `10.1.0.${id}`,
      port: 161,
      driver: "snmp",
      credential: "lan",
      pollIntervalMs: 5_000,
    }),
  );
  const asked: string[] = [];
  const engine = {
    open: ({ address }: { readonly address: string }) => {
      asked.push(address.slice("10.1.0.".length));
      return new MemoryAgent().open();
    },
    close: async () => undefined,
  };
  const links = async (): Promise<LinkFacts> => {
    const id = asked.at(-1) ?? "";
    const facts = all.get(id);
    if (facts === undefined || silent.has(id)) throw new GatewayError("driver.timeout");
    return facts;
  };
  const reader = new SiteTopologyReader({
    ...{ equipment: () => equipment, credential: () => ({ version: "2c", community: "public" }), engine, state, clock },
    reader: { links, greet: () => Promise.reject(new Error("not asked")), describe: () => Promise.reject(new Error("not asked")) },
    ...{ logger: silentLogger, defaultGateway: async () => undefined },
  });
  return { clock, state, reader, silent };
}

const stored = ({ state }: Site): readonly TopologyEdge[] => JSON.parse(state.getText("topology/site") ?? "[]");

async function run({ clock, reader }: Site, ms: number): Promise<void> {
  const ending = new AbortController();
  const running = reader.run(ending.signal);
  await clock.runUntil(VirtualClock.prototype.sleep.call(clock, ms, ending.signal));
  ending.abort();
  await running;
}

const shape = { switches: 60, ports: 12, hosts: 100, twinsPercent: 5 };

describe("the map of the monitored equipment", () => {
  it("is the same whether all are looked at together or one after the other (seeds 1 to 20)", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const all = new Map(randomSite(seeded(seed), shape).map(({ links }, place) => [String(place), links]));
      const site = siteOf(all);
      await run(site, 60_000);
      const devices = [...all].map(([id, links]) => {
        const label = links.lldpSysName || id;
        return { id, label, serials: [], addresses: [`10.1.0.${id}`, ...links.addresses], links };
      });
      const hosts = devices.flatMap(({ links }) => links.arp);
      const together = deriveTopology(devices, hosts).filter(({ a, b }) => ![a.node, b.node].some((node) => node.startsWith("host:")));
      expect(together.length).toBeGreaterThan(20);
      expect(stored(site), `seed ${seed}`).toEqual(together);
    }
  });

  it("is made in pieces, between which others have their turn", async () => {
    const all = new Map(randomSite(seeded(1), shape).map(({ links }, place) => [String(place), links]));
    const site = siteOf(all);
    await run(site, 60_000);
    // Three times through the devices and some more, four looks at the clock each.
    expect(site.clock.gaveWay).toBeGreaterThan((3 * shape.switches) / 5);
  });

  it("is not made again because somebody who was silent is silent still, and is when he answers", async () => {
    const all = new Map(randomSite(seeded(2), shape).map(({ links }, place) => [String(place), links]));
    const site = siteOf(all);
    site.silent.add("0");
    const ending = new AbortController();
    const running = site.reader.run(ending.signal);
    const pass = (ms: number): Promise<void> => site.clock.runUntil(VirtualClock.prototype.sleep.call(site.clock, ms, ending.signal));
    await pass(120_000);
    const first = site.clock.gaveWay;
    expect(first).toBeGreaterThan(0);
    expect(stored(site).some(({ a }) => a.node === "0")).toBe(false);
    await pass(1_300_000);
    expect(site.clock.gaveWay).toBe(first);
    site.silent.clear();
    await pass(700_000);
    expect(site.clock.gaveWay).toBeGreaterThan(first);
    expect(stored(site).some(({ a }) => a.node === "0")).toBe(true);
    ending.abort();
    await running;
  });
});
