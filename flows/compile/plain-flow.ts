import { createHash } from "node:crypto";
import { type FlowNode, tabOf } from "../protocol.ts";

const plainId = /^[a-z0-9_-]{1,40}$/;
/** Properties that are text for people, whatever stands in them. */
const textKeys = new Set([
  "name",
  "label",
  "info",
  "func",
  "initialize",
  "finalize",
  "template",
  "comment",
  "text",
  "title",
  "payload",
  "topic",
]);

/**
 * Moves a Node-RED export into the namespace of its document: the first tab becomes `s_ID`, everything else `s_ID__OLD`. Nodes that lie on no tab
 * get one. Ids are unique and well-formed: linted before.
 */
export function namespaced(id: string, label: string, exported: readonly FlowNode[]): readonly FlowNode[] {
  const tabs = exported.filter(({ type }) => type === "tab");
  const ids = new Map<string, string>();
  for (const node of exported) ids.set(node.id, node === tabs[0] ? tabOf(id) : `${tabOf(id)}__${shortId(node.id)}`);
  const nodes = exported.map((node) => moved(node, ids, tabOf(id)));
  const hasTab = tabs.length > 0;
  return hasTab
    ? nodes.map((node) => (node.type === "tab" ? { ...node, locked: true } : node))
    : [{ id: tabOf(id), type: "tab", label, locked: true, disabled: false, info: "", env: [] }, ...nodes];
}

function shortId(id: string): string {
  return plainId.test(id) ? id : createHash("sha256").update(id).digest("hex").slice(0, 12);
}

function moved(node: FlowNode, ids: ReadonlyMap<string, string>, tab: string): FlowNode {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) result[key] = textKeys.has(key) ? value : replaced(value, ids);
  const type = /^subflow:(.+)$/.exec(node.type)?.[1];
  const lies = node.type !== "tab" && node.type !== "subflow" && isPlaced(node);
  return {
    ...result,
    id: ids.get(node.id) ?? node.id,
    type: type === undefined ? node.type : `subflow:${ids.get(type) ?? type}`,
    ...(lies && node.z === undefined ? { z: tab } : {}),
  };
}

/** Configuration nodes have no place on a tab. */
function isPlaced(node: FlowNode): boolean {
  return typeof node["x"] === "number" || node.wires !== undefined;
}

function replaced(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return ids.get(value) ?? value;
  if (Array.isArray(value)) return value.map((entry) => replaced(entry, ids));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, ids)]));
}
