import type { Event } from "#model/observation.ts";
import type { Instant } from "#model/time.ts";
import type { Swap } from "./device-book.ts";
import { strongestKey } from "./identity.ts";
import type { Proposal } from "./proposals.ts";
import type { TopologyEdge } from "./topology-graph.ts";
import type { TopologyChange } from "./topology-keeper.ts";

/** Edges named in one event; the map itself holds all. */
const maxNamedEdges = 25;

export function proposalEvent(proposal: Proposal, observedAt: Instant): Event {
  const what = [proposal.vendor, proposal.model].filter((part) => part !== undefined).join(" ") || proposal.deviceClass;
  const isAccepted = proposal.state === "accepted";
  const text = isAccepted ? "found and accepted by site policy" : "found; wants a decision";
  return gatewayEvent("discovery.proposal", `${what} at ${proposal.address} ${text}`, observedAt, attributesOf(proposal));
}

export function acceptedEvent(proposal: Proposal, observedAt: Instant): Event {
  return gatewayEvent(
    "discovery.accepted",
    `${proposal.address} was accepted as ${proposal.suggestedId}`,
    observedAt,
    attributesOf(proposal),
  );
}

export function refusedEvent(proposal: Proposal, observedAt: Instant): Event {
  return gatewayEvent("discovery.refused", `${proposal.address} was refused`, observedAt, attributesOf(proposal));
}

export function swappedEvent({ address, before, after }: Swap, observedAt: Instant): Event {
  const attributes = {
    address,
    before: { device: before.id, label: before.label, identity: strongestKey(before.keys) ?? "" },
    after: { device: after.id, label: after.label, identity: strongestKey(after.keys) ?? "" },
  };
  const event = gatewayEvent("discovery.swapped", `another device answers at ${address}`, observedAt, attributes);
  const equipment = before.equipment ?? after.equipment;
  return { ...event, severity: "warning", ...(equipment === undefined ? {} : { equipment }) };
}

export function topologyEvent({ added, removed, edges, isFirst }: TopologyChange, observedAt: Instant): Event {
  const named = (list: readonly TopologyEdge[]): readonly string[] => list.slice(0, maxNamedEdges).map(edgeText);
  const text = isFirst
    ? `the network was mapped: ${edges} links`
    : `the network changed: ${added.length} links appeared, ${removed.length} went away`;
  return gatewayEvent("discovery.topology-changed", text, observedAt, {
    edges,
    first: isFirst,
    addedCount: added.length,
    removedCount: removed.length,
    added: named(added),
    removed: named(removed),
  });
}

export function edgeText({ a, b, source }: TopologyEdge): string {
  const end = ({ label, port }: TopologyEdge["a"]): string => (port === undefined ? label : `${label} ${port}`).slice(0, 120);
  return `${end(a)} - ${end(b)} (${source})`;
}

function attributesOf(proposal: Proposal): Event["attributes"] {
  const { id, address, addresses, deviceClass, vendor, model, serial, sysName, mac, credential, suggestedId, state, evidence } = proposal;
  const known = { vendor, model, serial, sysName, mac, credential };
  return {
    proposal: id,
    address,
    addresses,
    deviceClass,
    suggestedId,
    state,
    evidence,
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
  };
}

function gatewayEvent(type: string, text: string, observedAt: Instant, attributes: Event["attributes"]): Event {
  return { kind: "event", type, source: "gateway", severity: "indeterminate", text, observedAt, attributes };
}
