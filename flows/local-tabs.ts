import { createHash } from "node:crypto";
import { lint } from "./compile/lint.ts";
import type { Capability } from "./compile/unit.ts";
import type { FlowSet } from "./flow-set.ts";
import { OrderRefused } from "./order-refused.ts";
import { type FlowNode, isReservedId } from "./protocol.ts";
import type { FlowSettings } from "./settings.ts";

const baseCapabilities: readonly Capability[] = ["snmp.get", "probe", "notify", "http", "command"];

export function localCapabilities(settings: FlowSettings): readonly Capability[] {
  return settings.localSnmpSet ? [...baseCapabilities, "snmp.set"] : baseCapabilities;
}

/** Looks through what a technician wants to deploy. @returns the nodes @throws OrderRefused naming the node */
export function checkedLocal(
  value: unknown,
  rules: { readonly settings: FlowSettings; readonly registry: ReadonlySet<string> | undefined },
): readonly FlowNode[] {
  if (!rules.settings.localEditing)
    throw new OrderRefused("E_LOCAL", "flows of technicians are switched off on this gateway (flows.localEditing)");
  if (!Array.isArray(value) || value.some((node) => typeof node !== "object" || node === null))
    throw new OrderRefused("E_SCHEMA", "not a list of nodes");
  const nodes = value as readonly FlowNode[];
  const foreign = nodes.find((node) => typeof node.id === "string" && isReservedId(node.id));
  if (foreign !== undefined) throw new OrderRefused("E_NAMESPACE", `the id ${foreign.id} belongs to the NOC`);
  const problems = lint(nodes, {
    pathOf: (index) => nameOf(nodes[index], index),
    registry: rules.registry,
    capabilities: localCapabilities(rules.settings),
    maxFunctionNodes: rules.settings.localFunctionNodes,
    mayCarryCredentials: true,
  });
  const first = problems[0];
  if (first !== undefined)
    throw new OrderRefused(first.code, `${first.path}: ${first.message}${problems.length > 1 ? ` (and ${problems.length - 1} more)` : ""}`);
  return nodes;
}

function nameOf(node: FlowNode | undefined, index: number): string {
  const name = node?.["name"] ?? node?.["label"];
  return typeof name === "string" && name !== "" ? `"${name}"` : `${node?.type ?? "node"} ${node?.id ?? index}`;
}

/** Without what Node-RED keeps encrypted elsewhere. */
export function withoutCredentials(nodes: readonly FlowNode[]): readonly FlowNode[] {
  return nodes.map((node) => {
    const { credentials: _secret, ...rest } = node;
    return rest as FlowNode;
  });
}

/** One technician's tab as the NOC sees it. */
export interface LocalTab {
  readonly id: string;
  readonly label: string;
  readonly nodes: number;
  /** Of the tab and its nodes, sorted by id, secrets masked: a hash over a short password would tell it. */
  readonly sha256: string;
}

export function localTabs(set: FlowSet): readonly LocalTab[] {
  const local = set.masked.nodes;
  return local
    .filter(({ type }) => type === "tab")
    .map((tab) => {
      const nodes = nodesOfTab(local, tab.id);
      const label = typeof tab["label"] === "string" ? tab["label"] : tab.id;
      const sorted = nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      return { id: tab.id, label, nodes: nodes.length - 1, sha256: createHash("sha256").update(JSON.stringify(sorted)).digest("hex") };
    });
}

/** A tab as an export that can be pushed as a document of kind `flow` (adoption), with the subflows and configuration nodes it uses. */
export function nodesOfTab(nodes: readonly FlowNode[], tab: string): readonly FlowNode[] {
  const wanted = new Set(nodes.filter(({ id, z }) => id === tab || z === tab).map(({ id }) => id));
  for (let grown = -1; grown !== wanted.size; ) {
    grown = wanted.size;
    const text = JSON.stringify(nodes.filter(({ id }) => wanted.has(id)));
    for (const node of nodes) {
      const isShared = node.type === "subflow" || (node.z === undefined && node.type !== "tab");
      if ((isShared && text.includes(`"${node.id}"`)) || text.includes(`"subflow:${node.id}"`)) wanted.add(node.id);
      if (node.z !== undefined && node.z !== tab && wanted.has(node.z)) wanted.add(node.id);
    }
  }
  return nodes.filter(({ id }) => wanted.has(id));
}

/** All but one tab and what lies on it. Shared nodes stay: another tab may use them. */
export function withoutTab(nodes: readonly FlowNode[], tab: string): readonly FlowNode[] {
  return nodes.filter(({ id, z }) => id !== tab && z !== tab);
}
