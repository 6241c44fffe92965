import { type Problem, pointerPart } from "./problem.ts";

/** A parameter of a template: the part of JSON Schema that a form can be made of (library/README.md). */
export interface ParameterSchema {
  readonly type: "string" | "number" | "integer" | "boolean" | "array" | "object";
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly items?: ParameterSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, ParameterSchema>>;
  readonly required?: readonly string[];
  readonly "x-unit"?: string;
  readonly "x-gatehouse"?: "equipment" | "interface" | "metric" | "check";
  readonly "x-of"?: string;
}

const maxListItems = 64;
const maxTextLength = 4_096;
const formats: Readonly<Record<string, RegExp>> = {
  hostname: /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?$/,
  uri: /^https?:\/\/[^\s/?#@]{1,253}([/?#][^\s]{0,1800})?$/,
  email: /^[^\s@]{1,64}@[^\s@]{1,189}$/,
  time: /^([01]\d|2[0-3]):[0-5]\d$/,
};

/** What is on this site, for pickers. */
export interface SiteLookup {
  hasEquipment(id: string): boolean;
  hasCheck(id: string): boolean;
}

export interface ParameterOutcome {
  readonly values: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
}

/** Fills in defaults and says everything that is wrong. Parameters of format `password` are not values: they are only looked for in `secrets`. */
export function readParameters(
  schema: ParameterSchema,
  given: Readonly<Record<string, unknown>>,
  secrets: Readonly<Record<string, unknown>>,
  options: { readonly path: string; readonly site: SiteLookup },
): ParameterOutcome {
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  const properties = schema.properties ?? {};
  for (const name of Object.keys(given))
    if (!Object.hasOwn(properties, name))
      problems.push({
        code: "E_PARAMETER",
        path: `${options.path}/parameters/${pointerPart(name)}`,
        message: `there is no parameter "${name}"`,
      });
  for (const [name, parameter] of Object.entries(properties)) {
    const path = `${options.path}/parameters/${pointerPart(name)}`;
    if (parameter.format === "password") {
      const isMissing = schema.required?.includes(name) === true && !Object.hasOwn(secrets, name);
      if (isMissing)
        problems.push({
          code: "E_PARAMETER",
          path: `${options.path}/secrets/${pointerPart(name)}`,
          message: `the secret "${name}" is missing`,
        });
      if (Object.hasOwn(given, name))
        problems.push({ code: "E_PARAMETER", path, message: `"${name}" is a secret: give it under secrets, not under parameters` });
      continue;
    }
    const value = given[name] ?? structuredClone(parameter.default);
    if (value !== undefined) {
      values[name] = value;
      checkValue(parameter, value, { path, site: options.site, problems });
    } else if (schema.required?.includes(name) === true) problems.push({ code: "E_PARAMETER", path, message: `"${name}" is missing` });
  }
  return { values, problems };
}

interface Check {
  readonly path: string;
  readonly site: SiteLookup;
  readonly problems: Problem[];
}

function checkValue(schema: ParameterSchema, value: unknown, check: Check): void {
  const complain = (message: string) => check.problems.push({ code: "E_PARAMETER", path: check.path, message });
  if (!isOfType(schema.type, value)) {
    complain(`must be ${/^[aeiou]/.test(schema.type) ? "an" : "a"} ${schema.type}`);
    return;
  }
  if (schema.enum !== undefined && !schema.enum.includes(value))
    complain(`must be one of ${schema.enum.map((one) => JSON.stringify(one)).join(", ")}`);
  if (typeof value === "number") checkNumber(schema, value, complain);
  else if (typeof value === "string") checkText(schema, value, check);
  else if (Array.isArray(value)) checkList(schema, value, check);
  else if (typeof value === "object" && value !== null) checkObject(schema, value as Readonly<Record<string, unknown>>, check);
}

function isOfType(type: ParameterSchema["type"], value: unknown): boolean {
  if (type === "integer") return Number.isSafeInteger(value);
  if (type === "number") return typeof value === "number" && Number.isFinite(value);
  if (type === "array") return Array.isArray(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return type === "boolean" ? typeof value === "boolean" : typeof value === "string";
}

function checkNumber(schema: ParameterSchema, value: number, complain: (message: string) => void): void {
  const unit = schema["x-unit"] === undefined ? "" : ` ${schema["x-unit"]}`;
  if (schema.minimum !== undefined && value < schema.minimum) complain(`must be at least ${schema.minimum}${unit}`);
  if (schema.maximum !== undefined && value > schema.maximum) complain(`must be at most ${schema.maximum}${unit}`);
  if (schema.multipleOf !== undefined && Math.abs(value / schema.multipleOf - Math.round(value / schema.multipleOf)) > 1e-9)
    complain(`must be a multiple of ${schema.multipleOf}`);
}

function checkText(schema: ParameterSchema, value: string, check: Check): void {
  const complain = (message: string, code: Problem["code"] = "E_PARAMETER") => check.problems.push({ code, path: check.path, message });
  if (value.length < (schema.minLength ?? 0)) complain(`must have at least ${schema.minLength} characters`);
  if (value.length > (schema.maxLength ?? maxTextLength)) complain(`must have at most ${schema.maxLength ?? maxTextLength} characters`);
  else if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value))
    complain(`does not look as it must (${schema.pattern})`);
  if (schema.format !== undefined && formats[schema.format]?.test(value) === false) complain(`is not a valid ${schema.format}`);
  if (value === "") return;
  if (schema["x-gatehouse"] === "equipment" && !check.site.hasEquipment(value))
    complain(`there is no equipment "${value}" on this gateway`, "E_UNKNOWN_EQUIPMENT");
  if (schema["x-gatehouse"] === "check" && !check.site.hasCheck(value))
    complain(`there is no check "${value}" on this gateway`, "E_UNKNOWN_CHECK");
}

function checkList(schema: ParameterSchema, value: readonly unknown[], check: Check): void {
  const complain = (message: string) => check.problems.push({ code: "E_PARAMETER", path: check.path, message });
  if (value.length < (schema.minItems ?? 0)) complain(`must have at least ${schema.minItems} entries`);
  if (value.length > (schema.maxItems ?? maxListItems)) {
    complain(`must have at most ${schema.maxItems ?? maxListItems} entries`);
    return;
  }
  if (schema.uniqueItems === true && new Set(value.map((one) => JSON.stringify(one))).size < value.length) complain("has an entry twice");
  const { items } = schema;
  if (items !== undefined)
    for (const [index, item] of value.entries()) checkValue(items, item, { ...check, path: `${check.path}/${index}` });
}

function checkObject(schema: ParameterSchema, value: Readonly<Record<string, unknown>>, check: Check): void {
  const properties = schema.properties ?? {};
  for (const name of schema.required ?? [])
    if (!Object.hasOwn(value, name))
      check.problems.push({ code: "E_PARAMETER", path: `${check.path}/${pointerPart(name)}`, message: "is missing" });
  for (const [name, inner] of Object.entries(value)) {
    const path = `${check.path}/${pointerPart(name)}`;
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) check.problems.push({ code: "E_PARAMETER", path, message: `there is no member "${name}"` });
    else checkValue(property, inner, { ...check, path });
  }
}
