import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { yamlExcess } from "#model/yaml-size.ts";
import { profileLimits } from "./limits.ts";
import type { FileProblems } from "./problem.ts";

/**
 * A YAML file as plain data with line numbers. Scalars keep the text as written: `yes`, `0x10` and `1.3.6.1` are what the author typed,
 * whatever a schema would make of them.
 */
export type YamlTree =
  | { readonly is: "scalar"; readonly text: string; readonly isNull: boolean; readonly line: number }
  | { readonly is: "list"; readonly items: readonly YamlTree[]; readonly line: number }
  | { readonly is: "map"; readonly entries: readonly YamlEntry[]; readonly line: number };

export interface YamlEntry {
  readonly key: string;
  readonly value: YamlTree;
  readonly line: number;
}

export type YamlMap = Extract<YamlTree, { readonly is: "map" }>;

interface Reading {
  readonly document: Document;
  readonly lines: LineCounter;
  nodes: number;
  aliases: number;
}

/** Reads a file; undefined = it cannot be used, and `problems` says why. */
export function readYaml(text: string, problems: FileProblems): YamlTree | undefined {
  const excess = yamlExcess(text);
  if (excess !== undefined) {
    problems.add("file", undefined, "", excess);
    return undefined;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, schema: "core" });
  for (const error of document.errors) {
    const position = error.linePos?.[0].line;
    if (error.code === "MULTIPLE_DOCS") {
      problems.add("row", position, "", "a second document begins here; only the first is read");
      continue;
    }
    problems.add("file", position, "", `is not YAML: ${error.message.split("\n")[0]?.slice(0, 200) ?? ""}`);
    return undefined;
  }
  for (const warning of document.warnings) {
    problems.add("note", warning.linePos?.[0].line, "", `${warning.message.split("\n")[0]?.slice(0, 200) ?? ""}; the tag is left out`);
  }
  const reading = { document, lines, nodes: 0, aliases: 0 };
  const tree = read(document.contents, reading, 0);
  if (typeof tree !== "string") return tree;
  problems.add("file", undefined, "", tree);
  return undefined;
}

/** @returns the tree, or the sentence of the limit that was exceeded */
function read(given: unknown, reading: Reading, depth: number): YamlTree | string {
  reading.nodes += 1;
  if (reading.nodes > profileLimits.nodes) return `has more than ${profileLimits.nodes} values`;
  if (depth > profileLimits.nodeDepth) return `has more than ${profileLimits.nodeDepth} levels`;
  const node = isAlias(given) ? follow(given, reading) : given;
  if (typeof node === "string") return node;
  if (isMap(node)) return readMap(node, reading, depth);
  if (isSeq(node)) {
    const items: YamlTree[] = [];
    for (const item of node.items) {
      const value = read(item, reading, depth + 1);
      if (typeof value === "string") return value;
      items.push(value);
    }
    return { is: "list", items, line: lineOf(node, reading) };
  }
  return { is: "scalar", ...scalarOf(node), line: lineOf(node, reading) };
}

function readMap(node: { readonly items: readonly { readonly key: unknown; readonly value: unknown }[] }, reading: Reading, depth: number) {
  const entries: YamlEntry[] = [];
  for (const pair of node.items) {
    const value = read(pair.value, reading, depth + 1);
    if (typeof value === "string") return value;
    const keyNode = isAlias(pair.key) ? follow(pair.key, reading) : pair.key;
    if (typeof keyNode === "string") return keyNode;
    entries.push({ key: scalarOf(keyNode).text, value, line: lineOf(pair.key, reading) });
  }
  return { is: "map" as const, entries: withMerged(entries), line: lineOf(node, reading) };
}

/** `<<: *anchor` or `<<: [*one, *other]`: what stands there counts where the mapping itself does not say otherwise. */
function withMerged(entries: readonly YamlEntry[]): readonly YamlEntry[] {
  const mergedOf = ({ key, value }: YamlEntry): readonly YamlMap[] => {
    if (key !== "<<") return [];
    const given = value.is === "list" ? value.items : [value];
    return given.every((one) => one.is === "map") ? given : [];
  };
  if (entries.every((entry) => mergedOf(entry).length === 0)) return entries;
  const result = entries.filter((entry) => mergedOf(entry).length === 0);
  for (const one of entries.flatMap(mergedOf)) {
    const known = new Set(result.map(({ key }) => key));
    result.push(...one.entries.filter(({ key }) => !known.has(key)));
  }
  return result;
}

function follow(alias: Alias, reading: Reading): Node | string | undefined {
  reading.aliases += 1;
  if (reading.aliases > profileLimits.aliases) return `has more than ${profileLimits.aliases} aliases`;
  return alias.resolve(reading.document);
}

/** The library leaves a tab at the end of a plain scalar's source; files in the field have it. */
function scalarOf(node: unknown): { readonly text: string; readonly isNull: boolean } {
  if (!isScalar(node)) return { text: "", isNull: true };
  const isPlain = node.type === "PLAIN";
  const text = isPlain && typeof node.source === "string" ? node.source.trim() : String(node.value ?? "").trim();
  return { text: text.replaceAll("\0", ""), isNull: node.value === null || node.value === undefined };
}

function lineOf(node: unknown, reading: Reading): number {
  const start = typeof node === "object" && node !== null && "range" in node ? (node as Node).range?.[0] : undefined;
  return start === undefined ? 1 : reading.lines.linePos(start).line;
}
