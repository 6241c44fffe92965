import { Script } from "node:vm";
import type { FlowNode } from "../protocol.ts";
import { mask } from "../secret-mask.ts";
import { allowedTypes, capabilityOfType, forbiddenTypes, listeningTypes } from "./node-types.ts";
import { maxProblems, type Problem, type ProblemCode, pointerPart } from "./problem.ts";
import type { Capability } from "./unit.ts";

const maxBytes = 256 * 1024;
const maxDepth = 24;
const maxNodes = 500;
const maxFunctionLength = 8_192;
const maxExpressionLength = 2_048;
const idPattern = /^[A-Za-z0-9_.-]{1,64}$/;
const poison = new Set(["__proto__", "constructor", "prototype"]);

/** Ways out of the function sandbox. A text search stops mistakes and the known tricks; the process' own walls stop the rest. */
const escapes: readonly (readonly [RegExp, string])[] = [
  [/\bconstructor\b/, "constructor"],
  [/__proto__|\bgetPrototypeOf\b|\bsetPrototypeOf\b/, "the prototype chain"],
  [/\beval\s*\(|\bnew\s+Function\b|\bFunction\s*\(/, "code made from text"],
  [/\bprocess\s*[.[]|\bglobalThis\b/, "process or globalThis"],
  [/\brequire\s*\(|\bimport\s*\(|^\s*import\s/m, "require or import"],
  [/\bWebAssembly\b|\bSharedArrayBuffer\b|\bAtomics\b/, "WebAssembly or shared memory"],
];

export interface LintRules {
  /** Where node `index` stands in the document. */
  readonly pathOf: (index: number) => string;
  /** Types of the running registry; undefined = not known yet. */
  readonly registry: ReadonlySet<string> | undefined;
  readonly capabilities: readonly Capability[];
  readonly maxFunctionNodes: number;
  /** A technician's own tabs may carry credentials. */
  readonly mayCarryCredentials: boolean;
}

/** Everything that is wrong with a set of nodes, before anything is touched. */
export function lint(nodes: readonly FlowNode[], rules: LintRules): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (index: number, code: ProblemCode, suffix: string, message: string) => {
    if (problems.length < maxProblems) problems.push({ code, path: `${rules.pathOf(index)}${suffix}`, message });
  };
  const shape = shapeProblem(nodes);
  if (shape !== undefined) return [shape];
  const ids = new Map<string, FlowNode>();
  for (const [index, node] of nodes.entries()) {
    if (typeof node.id !== "string" || !idPattern.test(node.id))
      add(index, "E_ID", "/id", "ids are 1 to 64 letters, digits, '_', '-', '.'");
    else if (ids.has(node.id)) add(index, "E_DUPLICATE_ID", "/id", `the id "${node.id}" is there twice`);
    else ids.set(node.id, node);
  }
  for (const [index, node] of nodes.entries()) {
    const at: Place = { index, node, ids, rules, add };
    checkType(at);
    checkPlace(at);
    checkProperties(at);
    checkFunction(at);
  }
  const functions = nodes.filter(({ type }) => type === "function").length;
  if (functions > rules.maxFunctionNodes) add(0, "E_LIMIT", "", `${functions} function nodes; at most ${rules.maxFunctionNodes}`);
  return problems;
}

interface Place {
  readonly index: number;
  readonly node: FlowNode;
  readonly ids: ReadonlyMap<string, FlowNode>;
  readonly rules: LintRules;
  readonly add: (index: number, code: ProblemCode, suffix: string, message: string) => void;
}

function shapeProblem(nodes: readonly FlowNode[]): Problem | undefined {
  if (nodes.length > maxNodes) return { code: "E_TOO_LARGE", path: "", message: `${nodes.length} nodes; at most ${maxNodes}` };
  const bad = badShape(nodes, "", 0);
  if (bad !== undefined) return bad;
  const bytes = JSON.stringify(nodes).length;
  return bytes > maxBytes ? { code: "E_TOO_LARGE", path: "", message: `${bytes} bytes; at most ${maxBytes}` } : undefined;
}

/** Too deep, or a key that would reach an object's prototype. Looked at before anything recurses without a bound. */
export function badShape(value: unknown, path: string, depth: number): Problem | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (depth > maxDepth) return { code: "E_TOO_DEEP", path, message: `deeper than ${maxDepth} levels` };
  for (const [key, inner] of Object.entries(value)) {
    const at = `${path}/${pointerPart(key)}`;
    if (!Array.isArray(value) && poison.has(key)) return { code: "E_PROTO", path: at, message: `a key must not be called "${key}"` };
    const bad = badShape(inner, at, depth + 1);
    if (bad !== undefined) return bad;
  }
  return undefined;
}

function checkType({ index, node, ids, rules, add }: Place): void {
  const { type } = node;
  if (type === "tab" || type === "group" || type === "subflow") return;
  const subflow = (typeof type === "string" ? /^subflow:(.+)$/.exec(type) : null)?.[1];
  if (subflow !== undefined) {
    if (ids.get(subflow)?.type !== "subflow") add(index, "E_UNKNOWN_TYPE", "/type", `there is no subflow "${subflow}" in this document`);
  } else if (typeof type !== "string") add(index, "E_UNKNOWN_TYPE", "/type", "a node has a type");
  else if (listeningTypes.has(type)) add(index, "E_LISTENS", "/type", `"${type}" listens on a port; flows never do`);
  else if (Object.hasOwn(forbiddenTypes, type)) add(index, "E_FORBIDDEN_TYPE", "/type", `"${type}" ${forbiddenTypes[type]}`);
  else if (!allowedTypes.has(type)) add(index, "E_UNKNOWN_TYPE", "/type", `there is no node "${type}" on this gateway`);
  else if (rules.registry !== undefined && !rules.registry.has(type))
    add(index, "E_UNKNOWN_TYPE", "/type", `the node "${type}" is not loaded`);
  const capability = typeof type === "string" ? capabilityOfType[type] : undefined;
  if (capability !== undefined && !rules.capabilities.includes(capability))
    add(index, "E_CAPABILITY", "/type", `"${type}" needs the capability ${capability}, which is not among those of this document`);
}

function checkPlace({ index, node, ids, add }: Place): void {
  const home = node.z === undefined ? undefined : ids.get(node.z);
  if (node.z !== undefined && home === undefined) add(index, "E_NAMESPACE", "/z", `there is no tab "${shown(node.z)}" in this document`);
  if (node.wires !== undefined && !Array.isArray(node.wires)) {
    add(index, "E_SCHEMA", "/wires", "wires is a list of lists of ids");
    return;
  }
  for (const [port, wires] of (node.wires ?? []).entries()) {
    if (!Array.isArray(wires)) add(index, "E_SCHEMA", `/wires/${port}`, "is a list of ids");
    else
      for (const [wire, id] of (wires as readonly string[]).entries()) {
        const target = ids.get(id);
        if (target === undefined) add(index, "E_DANGLING", `/wires/${port}/${wire}`, `there is no node "${shown(id)}" in this document`);
        else if (target.z !== node.z)
          add(index, "E_NAMESPACE", `/wires/${port}/${wire}`, `"${shown(id)}" lies on another tab; wires stay on their tab`);
      }
  }
  if (typeof node.type !== "string" || !node.type.startsWith("link ")) return;
  if (node["linkType"] === "dynamic") add(index, "E_NAMESPACE", "/linkType", "dynamic link calls can leave the tab");
  for (const [link, id] of asList(node["links"]).entries())
    if (typeof id !== "string" || ids.get(id)?.z !== node.z)
      add(index, "E_NAMESPACE", `/links/${link}`, `"${shown(id)}" is no link node of the same tab`);
}

function checkProperties({ index, node, rules, add }: Place): void {
  if (asList(node["libs"]).length > 0)
    add(index, "E_LIBRARY", "/libs", "function nodes cannot load modules: none can be installed on a gateway");
  if (!rules.mayCarryCredentials && node["credentials"] !== undefined)
    add(index, "E_CREDENTIALS", "/credentials", "name a secret instead: credentials never travel inside of flows");
  if (!rules.mayCarryCredentials && JSON.stringify(node).includes(mask))
    add(index, "E_CREDENTIALS", "", `${mask} stands where a technician's tab had a secret: name a secret of the service instead`);
  if (node.type === "inject") {
    const { repeat } = node as { readonly repeat?: unknown };
    const seconds = typeof repeat === "string" || typeof repeat === "number" ? Number(repeat) : Number.NaN;
    if (repeat !== undefined && repeat !== "" && !(seconds >= 1)) add(index, "E_INTERVAL", "/repeat", "at least 1 second");
  }
  for (const [key, value] of Object.entries(node))
    if (typeof value === "string" && value.length > maxExpressionLength && node[`${key}Type`] === "jsonata")
      add(index, "E_LIMIT", `/${pointerPart(key)}`, `an expression of more than ${maxExpressionLength} characters`);
}

function checkFunction({ index, node, add }: Place): void {
  if (node.type !== "function") return;
  for (const key of ["func", "initialize", "finalize"]) {
    const text = node[key];
    if (typeof text !== "string" || text === "") continue;
    if (text.length > maxFunctionLength) {
      add(index, "E_LIMIT", `/${key}`, `${text.length} characters; at most ${maxFunctionLength}`);
      continue;
    }
    for (const [pattern, name] of escapes) if (pattern.test(text)) add(index, "E_SANDBOX", `/${key}`, `a function must not use ${name}`);
    try {
      // Compiled, never run: a function with a syntax error would exist and do nothing.
      new Script(`(async function(msg,__send__,__done__){\n${text}\n})`);
    } catch (error) {
      // The engine's own words name line and mistake.
      const line = /evalmachine\.<anonymous>:(\d+)/.exec(error instanceof Error ? (error.stack ?? "") : "")?.[1];
      add(index, "E_SYNTAX", `/${key}`, `${String(error)}${line === undefined ? "" : ` in line ${Number(line) - 1}`}`);
    }
  }
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whatever a document has where a name should be: an object may have no text at all. */
function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "").slice(0, 80);
}
