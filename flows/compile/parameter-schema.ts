import type { ParameterSchema } from "./parameters.ts";
import { type Problem, pointerPart } from "./problem.ts";

const keywords = new Set([
  ...["type", "title", "description", "default", "enum", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "pattern", "format"],
  ...[
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "properties",
    "required",
    "additionalProperties",
    "x-unit",
    "x-gatehouse",
    "x-of",
    "$schema",
  ],
]);
const types = new Set(["string", "number", "integer", "boolean", "array", "object"]);
const formats = new Set(["password", "hostname", "uri", "email", "time"]);
const pickers = new Set(["equipment", "interface", "metric", "check"]);
const maxParameters = 64;
const maxDepth = 3;
const maxPatternLength = 200;
/** A repetition of something that repeats: exponential on hostile input. */
const nestedRepetition = /[+*}]\)?[+*{]|\([^)]*[+*][^)]*\)[+*{]/;
const namePattern = /^[a-zA-Z][a-zA-Z0-9]{0,39}$/;

/** Whether the parameters' schema of a template is in the subset that a form can be made of. */
export function checkParameterSchema(schema: unknown, path: string): readonly Problem[] {
  const problems: Problem[] = [];
  checkNode(schema, path, 0, problems);
  const root = schema as Partial<ParameterSchema>;
  if (problems.length === 0 && (root.type !== "object" || root.properties === undefined))
    problems.push({ code: "E_SCHEMA", path, message: 'must be a schema of type "object" with properties' });
  return problems;
}

function checkNode(schema: unknown, path: string, depth: number, problems: Problem[]): void {
  const complain = (message: string, at = path) => problems.push({ code: "E_SCHEMA", path: at, message });
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
    complain("must be an object");
    return;
  }
  if (depth > maxDepth) {
    complain("parameters may be two levels deep");
    return;
  }
  const node = schema as Partial<ParameterSchema> & Readonly<Record<string, unknown>>;
  for (const key of Object.keys(node))
    if (!keywords.has(key)) complain(`"${key}" is not in the subset of JSON Schema that forms are made of`, `${path}/${pointerPart(key)}`);
  if (typeof node.type !== "string" || !types.has(node.type)) complain(`type must be one of ${[...types].join(", ")}`, `${path}/type`);
  if (node.format !== undefined && !formats.has(node.format))
    complain(`format must be one of ${[...formats].join(", ")}`, `${path}/format`);
  const picker = node["x-gatehouse"];
  if (picker !== undefined && !pickers.has(picker))
    complain(`x-gatehouse must be one of ${[...pickers].join(", ")}`, `${path}/x-gatehouse`);
  if (node.pattern !== undefined) checkPattern(node.pattern, `${path}/pattern`, problems);
  const properties: unknown = node.properties;
  if (typeof properties === "object" && properties !== null) checkProperties(properties, path, depth, problems);
  else if (properties !== undefined) complain("must be an object", `${path}/properties`);
  if (node.items !== undefined) checkNode(node.items, `${path}/items`, depth + 1, problems);
}

function checkProperties(properties: object, path: string, depth: number, problems: Problem[]): void {
  const entries = Object.entries(properties);
  if (entries.length > maxParameters) problems.push({ code: "E_LIMIT", path: `${path}/properties`, message: `more than ${maxParameters}` });
  for (const [name, property] of entries.slice(0, maxParameters)) {
    const at = `${path}/properties/${pointerPart(name)}`;
    if (!namePattern.test(name)) problems.push({ code: "E_SCHEMA", path: at, message: "names are 1 to 40 letters and digits" });
    checkNode(property, at, depth + 1, problems);
  }
}

function checkPattern(pattern: unknown, path: string, problems: Problem[]): void {
  if (typeof pattern !== "string" || pattern.length > maxPatternLength || nestedRepetition.test(pattern)) {
    problems.push({
      code: "E_SCHEMA",
      path,
      message: `must be a pattern of at most ${maxPatternLength} characters without nested repetition`,
    });
    return;
  }
  try {
    new RegExp(pattern, "u");
  } catch (error) {
    // What the engine does not take is the template's mistake.
    problems.push({ code: "E_SCHEMA", path, message: `is not a pattern: ${String(error)}` });
  }
}
