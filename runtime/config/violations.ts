import { escapePointer, type Schema, schemaAt } from "./json-schema.ts";
import type { Problem } from "./problem.ts";
import { quoted, type Source } from "./source.ts";
import { nearest } from "./spelling.ts";

/** One thing that is wrong, as a generated validator or ajv says it. */
export interface Violation {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string | undefined;
  /** Set when a property's name, not its value, broke a rule. */
  readonly propertyName?: string | undefined;
}

const maxViolations = 1000;

/**
 * What a validator found, in sentences with places.
 * @param prefix pointer of the validated value inside the document, "" for the document itself
 */
export function problemsOf(violations: readonly Violation[], schema: Schema, source: Source, prefix = ""): readonly Problem[] {
  return violations
    .filter((violation) => violation.keyword !== "propertyNames" && violation.keyword !== "if")
    .slice(0, maxViolations)
    .map((violation) => problemOf(violation, schema, source, prefix));
}

function problemOf(violation: Violation, root: Schema, source: Source, prefix: string): Problem {
  const around = schemaAt(violation.instancePath, root);
  const above = `${prefix}${violation.instancePath}`;
  const named = violation.propertyName ?? text(violation.params.additionalProperty ?? violation.params.unevaluatedProperty);
  const pointer = named === undefined ? above : `${above}/${escapePointer(named)}`;
  const part = named !== undefined || violation.keyword === "required" ? "key" : "value";
  const at = source.locate(pointer, part);
  // `community: { public }`: what stands as a key in the place of a secret may be the secret.
  if (named !== undefined && around?.["x-secret"] === true && !/^\$[a-z]{1,10}$/.test(named))
    return {
      severity: "error",
      file: source.file,
      ...at,
      pointer: above,
      sentence: "must be text in quotes, { $env: NAME } or { $file: PATH }",
    };
  return { severity: "error", file: source.file, ...at, pointer, sentence: sentenceOf(violation, around, valueAt(source.value, pointer)) };
}

function sentenceOf(violation: Violation, around: Schema | undefined, value: unknown): string {
  const { params } = violation;
  const hint = around?.["x-hint"];
  if (violation.propertyName !== undefined) return `this name must be ${around?.propertyNames?.["x-hint"] ?? "shaped differently"}`;
  switch (violation.keyword) {
    case "additionalProperties":
    case "unevaluatedProperties":
      return unknownKey(String(params.additionalProperty ?? params.unevaluatedProperty), around);
    case "required":
      return `${quoted(String(params.missingProperty))} is missing`;
    case "type":
      return `must be ${typeNames(params.type)}, not ${kindOf(value)}`;
    case "minimum":
    case "exclusiveMinimum":
      return `must be at least ${params.limit}`;
    case "maximum":
    case "exclusiveMaximum":
      return `must be at most ${params.limit}`;
    case "enum":
      return oneOf(params.allowedValues, value);
    case "const":
      return `must be ${JSON.stringify(params.allowedValue)}`;
    case "pattern":
      return `must be ${hint ?? `text of the form ${String(params.pattern)}`}`;
    case "minLength":
      return params.limit === 1 ? "must not be empty" : `must have at least ${params.limit} characters`;
    case "maxLength":
      return `must have at most ${params.limit} characters`;
    case "minItems":
    case "minProperties":
      return `must have at least ${params.limit} ${params.limit === 1 ? "entry" : "entries"}`;
    case "maxItems":
    case "maxProperties":
      return `must have at most ${params.limit} ${params.limit === 1 ? "entry" : "entries"}`;
    default:
      return violation.message ?? "is not valid";
  }
}

function unknownKey(name: string, around: Schema | undefined): string {
  const known = Object.keys(around?.properties ?? {});
  const meant = nearest(name, known);
  if (meant !== undefined) return `unknown key ${quoted(name)}; did you mean ${quoted(meant)}?`;
  const listed = known.length === 0 ? "" : `; known here: ${known.slice(0, 16).join(", ")}`;
  return `unknown key ${quoted(name)}${listed}`;
}

function oneOf(allowed: unknown, value: unknown): string {
  const values = Array.isArray(allowed) ? [...new Set(allowed.map(String))] : [];
  const meant = typeof value === "string" ? nearest(value, values) : undefined;
  return `must be one of ${values.join(", ")}${meant === undefined ? "" : `; did you mean ${quoted(meant)}?`}`;
}

function typeNames(type: unknown): string {
  const names: Readonly<Record<string, string>> = {
    integer: "a whole number",
    number: "a number",
    string: "text",
    boolean: "true or false",
    object: "a mapping (key: value)",
    array: "a list",
    null: "nothing",
  };
  const types = Array.isArray(type) ? type : String(type).split(",");
  return types.map((name) => names[String(name)] ?? String(name)).join(" or ");
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return value !== "" && Number.isFinite(Number(value)) ? "text (leave out the quotes)" : "text";
  if (typeof value === "number") return Number.isInteger(value) ? "a number (put it in quotes)" : "a number with a fraction";
  return "true or false";
}

/** The value at a pointer of a plain document. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const segment of pointer.split("/").slice(1)) {
    if (typeof value !== "object" || value === null) return undefined;
    const key = segment.replaceAll("~1", "/").replaceAll("~0", "~");
    value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
