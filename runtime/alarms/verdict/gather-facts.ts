import type { EquipmentId } from "#model/equipment.ts";
import type { AlarmIdentity } from "#ports/alarms.ts";
import type { HostNetworkReading } from "#ports/host-network.ts";
import type { SiteTopology } from "#ports/topology.ts";
import type { AlarmList } from "../alarm-list.ts";
import type { CheckWatch } from "../watch/check-watch.ts";
import type { EquipmentFacts } from "../watch/equipment-facts.ts";
import type { ReachabilityWatch } from "../watch/reachability-watch.ts";
import type { SiteFacts, UplinkFact } from "./site-facts.ts";
import { readingOf } from "./target-class.ts";

const power: ReadonlySet<string> = new Set(["upsOnBattery", "upsBatteryLow"]);

/** Brings together what the watches know. */
export function siteFacts(parts: {
  readonly list: AlarmList;
  readonly reachability: ReachabilityWatch;
  readonly checks: CheckWatch;
  readonly facts: EquipmentFacts;
  readonly topology: SiteTopology;
  readonly uplink: UplinkFact;
  readonly host: HostNetworkReading | undefined;
  readonly nocHost: string | undefined;
}): SiteFacts {
  const { list, reachability, checks, facts, topology, uplink, host, nocHost } = parts;
  const active = [...list.instances.values()];
  return {
    host,
    uplink,
    ...reachability.facts(routerOf(facts, host), (id, state, sinceMs, complaint) => {
      const monitored = facts.all.get(id);
      const [name, address] = [monitored?.name ?? id, monitored?.address ?? ""];
      return { id, state, sinceMs, complaint, name, address, parent: topology.parent(id), deviceClass: facts.classOf(id) };
    }),
    checks: checks.facts().map((fact) => readingOf(fact, host, nocHost)),
    isPowerOut: active.some(({ identity }) => power.has(identity.type)),
    wanPortDown: active.find(({ identity }) => identity.type === "linkDown" && isWayOut(identity, facts, topology))?.condition.text,
  };
}

/** The equipment that this machine's way out leads over. */
function routerOf({ all }: EquipmentFacts, host: HostNetworkReading | undefined): EquipmentId | undefined {
  const gateway = host?.defaultRoute?.gateway;
  if (gateway === undefined) return undefined;
  let router: EquipmentId | undefined;
  // Every two seconds: going through a map's entries one by one would make two objects of each.
  all.forEach(({ id, address }) => {
    if (address === gateway) router ??= id;
  });
  return router;
}

/** A port of a router or firewall behind which nothing of the site is known. */
export function isWayOut({ equipment, path }: AlarmIdentity, facts: EquipmentFacts, topology: SiteTopology): boolean {
  if (equipment === undefined || !path.startsWith("interface/") || !["router", "firewall"].includes(facts.classOf(equipment))) return false;
  return !topology.links(equipment).some((link) => link.other !== undefined && path === `interface/${link.port}`);
}
