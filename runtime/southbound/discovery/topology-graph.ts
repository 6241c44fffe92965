import type { DevicePort, LinkFacts } from "#ports/discovery.ts";
import { isBurntIn } from "./identity.ts";

/** A device as topology sees it. */
export interface TopologyDevice {
  readonly id: string;
  readonly label: string;
  readonly addresses: readonly string[];
  readonly serials: readonly string[];
  readonly links: LinkFacts;
}

export interface TopologyHost {
  readonly address: string;
  readonly mac: string;
}

/** `d3`: a device; `host:ADDRESS` or `host:MAC`; `foreign:NAME`: heard of, not met; `segment:d3/PORT`: an unmanaged switch, inferred. */
export interface EdgeEnd {
  readonly node: string;
  readonly label: string;
  readonly port?: string;
}

export type EdgeSource = "lldp-both" | "lldp" | "cdp" | "forwarding" | "inferred";

export interface TopologyEdge {
  readonly a: EdgeEnd;
  readonly b: EdgeEnd;
  readonly source: EdgeSource;
  /** In words, for people. */
  readonly evidence: string;
}

/** The same link has the same key, whichever end told of it. */
export function edgeKey({ a, b }: TopologyEdge): string {
  return [`${a.node} ${a.port ?? ""}`, `${b.node} ${b.port ?? ""}`].sort().join(" - ");
}

export function portKey(device: string, ifIndex: number | undefined): string | undefined {
  return ifIndex === undefined ? undefined : `${device}/${ifIndex}`;
}

export function portLabel(port: DevicePort): string {
  return port.name || port.descr || port.alias || String(port.ifIndex);
}

/** Addresses that belong to one device only. */
export function macsOf({ links }: TopologyDevice): readonly string[] {
  const chassis = links.chassis?.kind === "mac" ? [links.chassis.value] : [];
  const all = [links.bridgeAddress ?? "", ...chassis, ...links.ports.flatMap((port) => port.mac ?? [])];
  return [...new Set(all)].filter((mac) => mac !== "" && isBurntIn(mac));
}

export function unique(
  devices: readonly TopologyDevice[],
  keysOf: (device: TopologyDevice) => readonly string[],
): ReadonlyMap<string, TopologyDevice | undefined> {
  const found = new Map<string, TopologyDevice | undefined>();
  for (const device of devices) for (const key of keysOf(device)) if (key !== "") found.set(key, found.has(key) ? undefined : device);
  return found;
}
