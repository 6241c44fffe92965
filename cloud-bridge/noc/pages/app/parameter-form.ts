/** A parameter of a service, as far as a form needs it: the subset of JSON Schema that services use. */
export interface ParameterForm {
  readonly type: "string" | "number" | "integer" | "boolean" | "array" | "object";
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly format?: string;
  readonly items?: ParameterForm;
  readonly properties?: Readonly<Record<string, ParameterForm>>;
  readonly required?: readonly string[];
  readonly "x-unit"?: string;
  readonly "x-gatehouse"?: "equipment" | "interface" | "metric" | "check";
  readonly "x-of"?: string;
}

export type FormValues = Readonly<Record<string, unknown>>;

/** What a form begins with: what is set, else the default, else what is empty. Numbers are kept as typed until they are sent. */
export function initialValues(schema: ParameterForm, known: FormValues | undefined): FormValues {
  return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, initialValue(one, known?.[name])]));
}

export function initialValue(schema: ParameterForm, known: unknown): unknown {
  const value = known ?? schema.default;
  if (schema.type === "boolean") return value === true;
  if (schema.type === "array") {
    const list = Array.isArray(value) ? (value as readonly unknown[]) : [];
    const items = schema.items ?? { type: "string" };
    const filled = list.length > 0 || (schema.minItems ?? 0) === 0 ? list : [undefined];
    return filled.map((one) => initialValue(items, one));
  }
  if (schema.type === "object")
    return initialValues(schema, typeof value === "object" && value !== null ? (value as FormValues) : undefined);
  return value === undefined || value === null ? "" : String(value);
}

/** Form values as the service takes them. What is left empty is left out: the default holds. */
export function wordsOf(schema: ParameterForm, values: FormValues): { readonly parameters: FormValues; readonly secrets?: FormValues } {
  const parameters: Record<string, unknown> = {};
  const secrets: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(schema.properties ?? {})) {
    const value = wordOf(one, values[name]);
    if (value === undefined) continue;
    if (one.format === "password") secrets[name] = value;
    else parameters[name] = value;
  }
  return Object.keys(secrets).length === 0 ? { parameters } : { parameters, secrets };
}

function wordOf(schema: ParameterForm, value: unknown): unknown {
  if (schema.type === "boolean") return value === true;
  if (schema.type === "array")
    return Array.isArray(value) ? value.map((one) => wordOf(schema.items ?? { type: "string" }, one) ?? "") : undefined;
  if (schema.type === "object") return wordsOf(schema, (value ?? {}) as FormValues).parameters;
  if (value === "" || value === undefined) return undefined;
  if (schema.format === "password") return sealedOf(String(value));
  if (schema.type === "string") return String(value);
  const number = Number(value);
  // What is no number is sent as it was typed, so that the answer says so at its field.
  return Number.isFinite(number) ? number : String(value);
}

/** Secrets come sealed, as `gatehouse noc secret seal` prints them. Anything else is refused by the NOC, which says how to do it. */
function sealedOf(text: string): unknown {
  const sealed = /^\{\s*"?\$sealed"?\s*:\s*"([^"]+)"\s*\}$/.exec(text.trim())?.[1];
  return sealed === undefined ? text : { $sealed: sealed };
}
