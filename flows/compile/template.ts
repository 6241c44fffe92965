import type { ServiceTemplate, TemplateNode } from "../generated/template.ts";
import { type FlowNode, tabOf } from "../protocol.ts";

const maxNodes = 500;
const reference = /\$?\$\{([A-Za-z$][A-Za-z0-9.$]{0,79})\}/g;
const wholeReference = /^\$\{([A-Za-z$][A-Za-z0-9.$]{0,79})\}$/;
/** Properties that hold ids of nodes of the same template. */
const idLists = new Set(["scope", "links"]);
const columnWidth = 200;
const rowHeight = 60;

type Values = Readonly<Record<string, unknown>>;

interface Copy {
  readonly node: TemplateNode;
  readonly id: string;
  /** Entry of the list of `$each`, if there is one. */
  readonly index?: number;
  readonly item?: unknown;
}

export interface CompiledTemplate {
  readonly nodes: readonly FlowNode[];
  /** Index of each node's template node, for messages: nodes[i] came from template.flow.nodes[origin[i]]. */
  readonly origin: readonly number[];
}

/**
 * Puts parameters into a template: one locked tab and its nodes, all ids in the instance's namespace. Pure; what it makes is linted afterwards.
 * @throws RangeError more than 500 nodes
 */
export function compileTemplate(
  template: ServiceTemplate,
  instance: { readonly id: string; readonly label: string; readonly gateway: string; readonly values: Values },
): CompiledTemplate {
  const scope: Values = { ...instance.values, $service: instance.id, $label: instance.label, $gateway: instance.gateway };
  const copies = template.flow.nodes.flatMap((node) => copiesOf(node, scope));
  if (copies.length > maxNodes) throw new RangeError(`${copies.length} nodes; at most ${maxNodes}`);
  const byTemplateId = new Map<string, Copy[]>();
  for (const copy of copies) byTemplateId.set(copy.node.id, [...(byTemplateId.get(copy.node.id) ?? []), copy]);
  const tab = tabOf(instance.id);
  const idOf = (copy: Copy) => `${tab}__${copy.id}`;
  const targets = (id: string, from: Copy): readonly string[] => {
    const all = byTemplateId.get(id);
    if (all === undefined) return knows(template, id) ? [] : [`${tab}__${id}`];
    const isSameList = from.node.$each !== undefined && all[0]?.node.$each === from.node.$each;
    return all.filter((copy) => !isSameList || copy.index === from.index).map(idOf);
  };
  const nodes = copies.map((copy, row) => {
    const { $each: _each, $if: _if, wires, ...rest } = copy.node;
    const local = copy.index === undefined ? scope : { ...scope, item: copy.item, index: copy.index };
    const properties = substituted(rest, local) as Record<string, unknown>;
    for (const key of idLists)
      if (Array.isArray(properties[key]))
        properties[key] = (properties[key] as unknown[]).flatMap((id) => (typeof id === "string" ? targets(id, copy) : []));
    return {
      x: 120 + (row % 6) * columnWidth,
      y: 80 + Math.floor(row / 6) * rowHeight,
      ...properties,
      ...(copy.index === undefined || typeof properties["y"] !== "number" ? {} : { y: properties["y"] + copy.index * rowHeight }),
      id: idOf(copy),
      type: copy.node.type,
      z: tab,
      wires: (wires ?? []).map((port) => port.flatMap((id) => targets(id, copy))),
    } satisfies FlowNode;
  });
  const indexes = new Map(template.flow.nodes.map((node, index) => [node, index]));
  return { nodes: [tabNode(template, instance), ...nodes], origin: [-1, ...copies.map(({ node }) => indexes.get(node) ?? -1)] };
}

function knows(template: ServiceTemplate, id: string): boolean {
  return template.flow.nodes.some((node) => node.id === id);
}

function tabNode(template: ServiceTemplate, instance: { readonly id: string; readonly label: string; readonly values: Values }): FlowNode {
  return {
    id: tabOf(instance.id),
    type: "tab",
    label: instance.label,
    locked: true,
    disabled: false,
    info: `${template.summary}\n\nService **${template.title}** ${template.version}. It belongs to the NOC: ask there to change it.`,
    env: Object.entries(instance.values).flatMap(([name, value]) => environmentEntry(name, value)),
  };
}

function environmentEntry(name: string, value: unknown): readonly object[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "number") return [{ name, value: String(value), type: "num" }];
  if (typeof value === "boolean") return [{ name, value: String(value), type: "bool" }];
  if (typeof value === "string") return [{ name, value, type: "str" }];
  return [{ name, value: JSON.stringify(value), type: "json" }];
}

function copiesOf(node: TemplateNode, scope: Values): readonly Copy[] {
  if (node.$if !== undefined && !holds(node.$if, scope)) return [];
  if (node.$each === undefined) return [{ node, id: node.id }];
  const list = lookUp(node.$each, scope);
  return Array.isArray(list) ? list.map((item: unknown, index) => ({ node, id: `${node.id}_${index}`, index, item })) : [];
}

function holds(condition: string, scope: Values): boolean {
  const isNegated = condition.startsWith("!");
  const value = lookUp(isNegated ? condition.slice(1) : condition, scope);
  const isEmpty =
    value === undefined || value === null || value === false || value === 0 || value === "" || (Array.isArray(value) && value.length === 0);
  return isEmpty === isNegated;
}

function lookUp(path: string, scope: Values): unknown {
  let value: unknown = scope;
  for (const part of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Values)[part];
  }
  return value;
}

function substituted(value: unknown, scope: Values): unknown {
  if (typeof value === "string") return substitutedText(value, scope);
  if (Array.isArray(value)) return value.map((entry) => substituted(entry, scope)).filter((entry) => entry !== undefined);
  if (typeof value !== "object" || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const replaced = substituted(inner, scope);
    if (replaced !== undefined) result[key] = replaced;
  }
  return result;
}

function substitutedText(text: string, scope: Values): unknown {
  const whole = wholeReference.exec(text)?.[1];
  if (whole !== undefined) return lookUp(whole, scope);
  return text.replaceAll(reference, (match, path: string) => {
    if (match.startsWith("$$")) return match.slice(1);
    const value = lookUp(path, scope);
    if (value === undefined || value === null) return "";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  });
}
