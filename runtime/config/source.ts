import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit, type YAMLError } from "yaml";
import { GatewayError } from "#model/errors.ts";
import { yamlExcess } from "#model/yaml-size.ts";
import { pointerSegments } from "./json-schema.ts";
import { ConfigurationError, type Problem } from "./problem.ts";

/** Largest configuration that is read: 4,096 equipment with settings take about 1 MiB. */
export const maxConfigurationBytes = 4 * 1024 * 1024;
/** Expanded aliases of a whole document: enough for shared settings, too few for a "YAML bomb". */
const maxAliasCount = 1000;
const maxDepth = 32;
const maxStructureProblems = 50;

/** A parsed file that remembers where everything stood. */
export interface Source {
  readonly file: string;
  /** Plain objects, arrays and scalars; not yet validated. */
  readonly value: unknown;
  /** Where a value (or the key that leads to it) stands; the nearest thing above it if it is not in the file. */
  locate(pointer: string, part: "key" | "value"): { readonly line: number; readonly column: number };
}

/**
 * Reads and parses a YAML (or JSON) file.
 * @throws GatewayError config.unreadable when it cannot be read
 * @throws ConfigurationError when it is not valid YAML
 */
export function readSource(file: string): Source {
  return parseSource(readText(file, maxConfigurationBytes), file);
}

/** @throws ConfigurationError when the text is not valid YAML */
export function parseSource(text: string, file: string): Source {
  const excess = yamlExcess(text);
  if (excess !== undefined) throw new ConfigurationError(file, [wholeFileProblem(file, `it ${excess}`)]);
  const lines = new LineCounter();
  const document = parseYaml(text, file, lines);
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    throw new ConfigurationError(
      file,
      faults.slice(0, 5).map((fault) => syntaxProblem(fault, file, lines)),
    );
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    throw new ConfigurationError(file, [wholeFileProblem(file, "the file is empty")]);
  }
  const structural = structureProblems(document, file, lines);
  if (structural.length > 0) throw new ConfigurationError(file, structural);
  return { file, value: toPlain(), locate };

  function toPlain(): unknown {
    try {
      return document.toJS({ maxAliasCount });
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      throw new ConfigurationError(file, [wholeFileProblem(file, `its aliases expand to more than ${maxAliasCount} nodes`)]);
    }
  }

  function locate(pointer: string, part: "key" | "value"): { readonly line: number; readonly column: number } {
    let value: Node | null = document.contents;
    let key: Node | null = document.contents;
    for (const segment of pointerSegments(pointer)) {
      if (isAlias(value)) value = value.resolve(document) ?? null;
      const next: readonly [Node | null, Node | null] | undefined = childOf(value, segment);
      if (next === undefined) break;
      [key, value] = next;
    }
    const node = part === "key" ? key : (value ?? key);
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

/**
 * Text of a regular file.
 * @throws GatewayError config.unreadable
 */
export function readText(file: string, maxBytes: number): string {
  const bytes = readBytes(file, maxBytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new GatewayError("config.unreadable", { message: `${file} is not UTF-8 text`, fields: { file }, cause });
  }
}

function readBytes(file: string, maxBytes: number): Uint8Array {
  let descriptor: number | undefined;
  try {
    // Not blocking: opening a pipe that nobody writes to would hang for ever.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw unreadable(file, "is a folder, not a file");
    if (!stat.isFile()) throw unreadable(file, "is not a regular file");
    if (stat.size > maxBytes) throw unreadable(file, `has ${stat.size} bytes; at most ${maxBytes} are read`);
    return readFileSync(descriptor);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw unreadable(file, reasonOf(error), error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function unreadable(file: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError("config.unreadable", { message: `${file} ${reason}`, fields: { file }, cause });
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") return "does not exist";
  if (code === "EACCES" || code === "EPERM") return "may not be read by this user";
  return `cannot be read (${code ?? "unknown reason"})`;
}

function childOf(node: Node | null, segment: string): readonly [Node | null, Node | null] | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === segment);
    return pair === undefined ? undefined : [pair.key as Node, pair.value as Node | null];
  }
  if (isSeq(node)) {
    const item = node.items[Number(segment)] as Node | undefined;
    return item === undefined ? undefined : [item, item];
  }
  return undefined;
}

function syntaxProblem(fault: YAMLError, file: string, lines: LineCounter): Problem {
  const { line, col } = lines.linePos(fault.pos[0]);
  const reason =
    fault.message
      .split("\n")[0]
      ?.replaceAll(/[\p{Cc}]/gu, " ")
      .slice(0, 200) ?? "";
  return { severity: "error", file, line: Math.max(line, 1), column: Math.max(col, 1), pointer: "", sentence: `not valid YAML: ${reason}` };
}

function wholeFileProblem(file: string, sentence: string): Problem {
  return { severity: "error", file, line: 1, column: 1, pointer: "", sentence };
}

function parseYaml(text: string, file: string, lineCounter: LineCounter): Document.Parsed {
  try {
    // The library's own check for duplicate keys takes quadratic time (100,000 keys: four minutes); structureProblems does it instead.
    return parseDocument(text, {
      lineCounter,
      uniqueKeys: false,
      prettyErrors: false,
      stringKeys: true,
      resolveKnownTags: false,
      logLevel: "error",
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser recurses and ran out of stack.
    throw new ConfigurationError(file, [wholeFileProblem(file, `nested more than ${maxDepth} levels deep`)]);
  }
}

/** Duplicate keys, and nesting that no configuration has. */
function structureProblems(document: Document.Parsed, file: string, lines: LineCounter): readonly Problem[] {
  const problems: Problem[] = [];
  const report = (node: Node, sentence: string) => {
    const { line, col } = lines.linePos(node.range?.[0] ?? 0);
    problems.push({ severity: "error", file, line, column: col, pointer: "", sentence });
  };
  // In the order of the text: looking from the top for each alias would take quadratic time.
  const anchors = new Set<string>();
  visit(document, {
    Scalar: (_key, node) => {
      if (node.anchor !== undefined) anchors.add(node.anchor);
    },
    Alias: (_key, node) => {
      if (!anchors.has(node.source)) report(node, `nothing is anchored as ${quoted(node.source)} before this`);
      return problems.length > maxStructureProblems ? visit.BREAK : undefined;
    },
    Collection: (_key, node, path) => {
      if (node.anchor !== undefined) anchors.add(node.anchor);
      if (path.length > 2 * maxDepth) {
        report(node, `nested more than ${maxDepth} levels deep`);
        return visit.BREAK;
      }
      if (!isMap(node)) return undefined;
      const seen = new Set<string>();
      for (const { key } of node.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) report(key, `the key ${quoted(name)} stands here twice`);
        seen.add(name);
      }
      return problems.length > maxStructureProblems ? visit.BREAK : undefined;
    },
  });
  return problems;
}

/** A name from the file, fit for a terminal: short, without control characters. */
export function quoted(name: string): string {
  const printable = name.replaceAll(/[\p{Cc}\p{Cf}]/gu, "?");
  return printable.length > 64 ? `"${printable.slice(0, 64)}..."` : `"${printable}"`;
}
