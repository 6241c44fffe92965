import { type FlowNode, isReservedId } from "../protocol.ts";
import { OrderError } from "./line.ts";

/** Keys that an editor may change on a locked node without meaning anything by it. */
const layoutKeys = new Set(["x", "y", "w", "h", "nodes", "locked", "info", "wires_", "credentials"]);

/** What the editor shows when a technician touched what is the NOC's. */
export class ManagedFlowError extends Error {
  readonly status = 403;
  readonly code = "managed_flow";
}

/** What the editor shows when a technician's flow was refused. */
export class RefusedFlowError extends Error {
  readonly status = 400;
  readonly code = "refused_flow";
}

/**
 * The technician's nodes of a deployed set, after seeing that the NOC's are as they were. Only keys that the editor sent are compared: it drops
 * those that it does not know.
 * @throws ManagedFlowError naming the node
 */
export function localNodesOf(sent: readonly FlowNode[], managed: readonly FlowNode[]): readonly FlowNode[] {
  const known = new Map(managed.map((node) => [node.id, node]));
  const seen = new Set<string>();
  const local: FlowNode[] = [];
  for (const node of sent) {
    const stored = known.get(node.id);
    if (stored !== undefined) {
      seen.add(node.id);
      refuseChange(node, stored);
    } else if (isReservedId(node.id))
      throw new ManagedFlowError(`"${nameOf(node)}" has an id that belongs to services of the NOC; copy it to a tab of your own`);
    else if (node.z !== undefined && isReservedId(node.z))
      throw new ManagedFlowError(
        `"${nameOf(node)}" lies on a tab of the NOC ("${nameOf(known.get(node.z))}"), which is locked; put it on a tab of your own`,
      );
    else local.push(node);
  }
  const gone = managed.find(({ id }) => !seen.has(id));
  if (gone !== undefined)
    throw new ManagedFlowError(
      `"${nameOf(gone)}" belongs to a service of the NOC and cannot be deleted here; ask the NOC to deactivate the service`,
    );
  return local;
}

function refuseChange(sent: FlowNode, stored: FlowNode): void {
  for (const [key, value] of Object.entries(sent)) {
    if (layoutKeys.has(key)) {
      if (key === "credentials" && value !== undefined) throw new ManagedFlowError(`credentials of "${nameOf(stored)}" belong to the NOC`);
      continue;
    }
    if (canonical(value) !== canonical(stored[key]))
      throw new ManagedFlowError(
        `"${nameOf(stored)}" belongs to a service of the NOC and is locked (${key} was changed); copy it to a tab of your own`,
      );
  }
}

function nameOf(node: FlowNode | undefined): string {
  if (node === undefined) return "a tab";
  const name = node["label"] ?? node["name"];
  return typeof name === "string" && name !== "" ? name : `${node.type} ${node.id}`;
}

/** JSON with sorted keys; what is empty counts as absent, as the editor fills in defaults. */
function canonical(value: unknown): string {
  if (value === undefined || value === null || value === "" || value === false) return "";
  if (Array.isArray(value)) return value.length === 0 ? "" : `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).filter(([, inner]) => canonical(inner) !== "");
    return entries.length === 0
      ? ""
      : `{${entries
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, inner]) => `${key}:${canonical(inner)}`)
          .join(",")}}`;
  }
  return JSON.stringify(value);
}

export function refusalOf(error: unknown): RefusedFlowError {
  return new RefusedFlowError(error instanceof OrderError || error instanceof Error ? error.message : String(error));
}
