import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import type { PerceivedSeverity } from "#model/observation.ts";
import { yamlExcess } from "#model/yaml-size.ts";
import type { TrapDefinition, TrapVariable } from "./trap-definitions.ts";

/** Limits for files that strangers wrote (PROFILES 1.4). */
const maxFileBytes = 1_048_576;
const maxFiles = 2_000;
const maxDepth = 10;
const maxTrapsPerFile = 2_000;
const maxVariablesPerTrap = 256;
const maxVariablesPerFile = 20_000;
const maxEnumEntries = 1_024;
const maxAliases = 100;
const maxProblems = 1_000;
const maxNameLength = 128;

/** Something in a file that was left out; everything else of it counts. */
export interface TrapFileProblem {
  readonly file: string;
  /** 1-based; undefined = the file as a whole. */
  readonly line: number | undefined;
  /** `traps[3].events[0].OID` */
  readonly key: string;
  readonly problem: string;
}

export interface TrapFile {
  readonly definitions: readonly TrapDefinition[];
  readonly problems: readonly TrapFileProblem[];
}

const severities: ReadonlySet<string> = new Set(["indeterminate", "warning", "minor", "major", "critical"]);
const trapKeys = new Set(["trap_oid", "trap_name", "drop_undefined", "events", "severity"]);
const eventKeys = new Set(["name", "OID", "tag", "enum"]);
const oidPattern = /^\.?[0-2](\.\d{1,10}){1,127}(\.\*)?$/;

/** Everything below `folder` that ends in .yml or .yaml and has a `traps` list. A broken file or row costs itself only. */
export async function loadTrapFolder(folder: string): Promise<TrapFile> {
  const definitions: TrapDefinition[] = [];
  const problems: TrapFileProblem[] = [];
  const files: string[] = [];
  await collect(folder, 0, files, problems);
  for (const path of files.slice(0, maxFiles)) {
    const file = path.slice(folder.length + 1);
    const text = await readLimited(path, file, problems);
    if (text === undefined) continue;
    const parsed = parseTrapFile(file, text);
    definitions.push(...parsed.definitions);
    problems.push(...parsed.problems);
  }
  if (files.length > maxFiles)
    problems.push({ file: "", line: undefined, key: "", problem: `more than ${maxFiles} files; the rest is left out` });
  return { definitions, problems: problems.slice(0, maxProblems) };
}

/** One file in Kentik's format: `traps: [{trap_oid, trap_name, drop_undefined, events: [{name, OID, tag, enum}]}]`, and our own `severity`. */
export function parseTrapFile(file: string, text: string): TrapFile {
  const excess = yamlExcess(text);
  if (excess !== undefined) return { definitions: [], problems: [{ file, line: undefined, key: "", problem: excess }] };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, customTags: [], logLevel: "silent" });
  const problems: TrapFileProblem[] = [];
  const reader = new FileReader(file, lines, document, problems);
  const [error] = document.errors;
  if (error !== undefined) {
    problems.push({ file, line: lines.linePos(error.pos[0]).line, key: "", problem: `not YAML: ${error.message.split("\n")[0] ?? ""}` });
    return { definitions: [], problems };
  }
  const traps = isMap(document.contents) ? document.contents.get("traps", true) : undefined;
  // Profiles without traps lie in the same folders.
  if (traps === undefined) return { definitions: [], problems };
  if (!isSeq(traps)) {
    reader.complain(traps, "traps", "is not a list");
    return { definitions: [], problems };
  }
  const definitions: TrapDefinition[] = [];
  for (const [index, item] of traps.items.slice(0, maxTrapsPerFile).entries()) {
    const definition = reader.trap(item, `traps[${index}]`);
    if (definition !== undefined) definitions.push(definition);
  }
  if (traps.items.length > maxTrapsPerFile) reader.complain(traps, "traps", `has more than ${maxTrapsPerFile} rows; the rest is left out`);
  return { definitions, problems: problems.slice(0, maxProblems) };
}

class FileReader {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #problems: TrapFileProblem[];
  readonly #document: Document;
  #aliases = 0;
  #variableCount = 0;

  constructor(file: string, lines: LineCounter, document: Document, problems: TrapFileProblem[]) {
    this.#file = file;
    this.#lines = lines;
    this.#document = document;
    this.#problems = problems;
  }

  complain(node: unknown, key: string, problem: string): void {
    const offset = isNode(node) ? node.range?.[0] : undefined;
    this.#problems.push({ file: this.#file, line: offset === undefined ? undefined : this.#lines.linePos(offset).line, key, problem });
  }

  trap(given: unknown, key: string): TrapDefinition | undefined {
    const node = this.#resolve(given);
    if (!isMap(node)) return this.#leaveOut(node, key, "is not a mapping");
    const oid = this.#oid(node, "trap_oid", key);
    const name = this.#text(node, "trap_name", key);
    if (oid === undefined || name === undefined) return undefined;
    this.#unknownKeys(node, trapKeys, key);
    const drop = node.get("drop_undefined");
    if (drop !== undefined && drop !== null && typeof drop !== "boolean")
      this.complain(node.get("drop_undefined", true), `${key}.drop_undefined`, "is neither true nor false");
    const severity = node.get("severity");
    const known = isSeverity(severity);
    if (severity !== undefined && !known) this.complain(node.get("severity", true), `${key}.severity`, "is no perceived severity");
    return {
      oid,
      name,
      severity: known ? severity : "warning",
      dropUndefined: drop === true,
      variables: this.#variables(node.get("events", true), `${key}.events`),
      origin: this.#file,
    };
  }

  #variables(given: unknown, key: string): TrapVariable[] {
    const node = this.#resolve(given);
    if (node === undefined || (isScalar(node) && node.value === null)) return [];
    if (!isSeq(node)) {
      this.complain(node, key, "is not a list");
      return [];
    }
    if (node.items.length > maxVariablesPerTrap)
      this.complain(node, key, `has more than ${maxVariablesPerTrap} rows; the rest is left out`);
    return node.items.slice(0, maxVariablesPerTrap).flatMap((item, index) => {
      const variable = this.#variable(item, `${key}[${index}]`);
      return variable === undefined ? [] : [variable];
    });
  }

  #variable(given: unknown, key: string): TrapVariable | undefined {
    const node = this.#resolve(given);
    this.#variableCount += 1;
    if (this.#variableCount > maxVariablesPerFile) return this.#leaveOut(given, key, `is beyond ${maxVariablesPerFile} in the file`);
    if (!isMap(node)) return this.#leaveOut(node, key, "is not a mapping");
    const name = this.#text(node, "name", key);
    const oid = this.#oid(node, "OID", key);
    if (name === undefined || oid === undefined) return undefined;
    this.#unknownKeys(node, eventKeys, key);
    const tagNode = node.get("tag");
    const enumeration = this.#enumeration(node.get("enum", true), `${key}.enum`);
    return {
      name,
      oid: oid.replace(/\.\*$/, ""),
      ...(typeof tagNode === "string" && tagNode !== "" ? { tag: tagNode.slice(0, maxNameLength) } : {}),
      ...(enumeration === undefined ? {} : { enumeration }),
    };
  }

  /** Name -> number in the file; the first name of a number wins, rows that are no numbers are left out. */
  #enumeration(given: unknown, key: string): ReadonlyMap<number, string> | undefined {
    const node = this.#resolve(given);
    if (node === undefined || (isScalar(node) && node.value === null)) return undefined;
    if (!isMap(node)) return this.#leaveOut(node, key, "is not a mapping");
    const texts = new Map<number, string>();
    for (const pair of node.items.slice(0, maxEnumEntries)) {
      const name = isScalar(pair.key) ? (pair.key.source ?? String(pair.key.value)) : undefined;
      const value = isScalar(pair.value) ? pair.value.value : undefined;
      if (name === undefined || typeof value !== "number" || !Number.isSafeInteger(value))
        this.complain(pair.key, `${key}.${name ?? "?"}`, "is not a whole number");
      else if (!texts.has(value)) texts.set(value, name.slice(0, maxNameLength));
    }
    return texts;
  }

  /** Aliases are followed one by one and never expanded; beyond the limit they stay what they are, and their row is left out. */
  #resolve(node: unknown): unknown {
    if (!isAlias(node) || this.#aliases >= maxAliases) return node;
    this.#aliases += 1;
    return node.resolve(this.#document);
  }

  #oid(node: YAMLMap, name: string, key: string): string | undefined {
    const value = node.get(name, true);
    const scalar = isScalar(value) ? value : undefined;
    // An OID of two arcs would be a YAML number: its source text is what was meant.
    const text = typeof scalar?.value === "string" ? scalar.value.trim() : (scalar?.source ?? "");
    if (!oidPattern.test(text))
      return this.#leaveOut(value ?? node, `${key}.${name}`, value === undefined ? "is missing" : "is not an OID");
    return text.replace(/^\./, "");
  }

  #text(node: YAMLMap, name: string, key: string): string | undefined {
    const value = node.get(name);
    if (typeof value !== "string" || value.trim() === "")
      return this.#leaveOut(node.get(name, true) ?? node, `${key}.${name}`, "is missing or not text");
    return value.trim().slice(0, maxNameLength);
  }

  #unknownKeys(node: YAMLMap, known: ReadonlySet<string>, key: string): void {
    for (const pair of node.items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : "?";
      if (!known.has(name)) this.complain(pair.key, `${key}.${name.slice(0, maxNameLength)}`, "is not known; ignored");
    }
  }

  #leaveOut(node: unknown, key: string, problem: string): undefined {
    this.complain(node, key, `${problem}; left out`);
    return undefined;
  }
}

function isSeverity(value: unknown): value is PerceivedSeverity {
  return typeof value === "string" && severities.has(value);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "range" in value;
}

async function collect(folder: string, depth: number, files: string[], problems: TrapFileProblem[]): Promise<void> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    problems.push({ file: folder, line: undefined, key: "", problem: `cannot be read: ${codeOf(error)}` });
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (files.length > maxFiles) return;
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < maxDepth) await collect(path, depth + 1, files, problems);
    else if (entry.isFile() && /\.ya?ml$/i.test(entry.name)) files.push(path);
  }
}

async function readLimited(path: string, file: string, problems: TrapFileProblem[]): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size <= maxFileBytes) return await readFile(path, "utf8");
    problems.push({ file, line: undefined, key: "", problem: `is larger than ${maxFileBytes} bytes` });
  } catch (error) {
    problems.push({ file, line: undefined, key: "", problem: `cannot be read: ${codeOf(error)}` });
  }
  return undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
