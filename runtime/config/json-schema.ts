/** A JSON Schema, as far as the loader looks into it. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: boolean | Schema;
  readonly propertyNames?: Schema;
  /** The value is a secret: resolved into a Secret, redacted everywhere. */
  readonly "x-secret"?: boolean;
  /** The value may be read from a file or variable and is not secret. */
  readonly "x-reference"?: boolean;
  /** When a change of the value takes effect: while the gateway runs, or with its next start. */
  readonly "x-apply"?: "live" | "restart";
  /** What is accepted, in words, where a pattern would say it badly. */
  readonly "x-hint"?: string;
}

/** Follows local references. What stands beside `$ref` wins. */
export function dereference(schema: Schema, root: Schema): Schema {
  let current = schema;
  // Our own schema files; eight hops are more than they have, and end a cycle.
  for (let hop = 0; hop < 8 && current.$ref !== undefined; hop++) {
    const name: string | undefined = /^#\/\$defs\/(.+)$/.exec(current.$ref)?.[1];
    const target = name === undefined ? undefined : root.$defs?.[name];
    if (target === undefined) return current;
    const { $ref: _ref, ...beside } = current;
    current = { ...target, ...beside };
  }
  return current;
}

/** The schema that describes the value at a pointer; undefined where the schema says nothing (or says it by alternatives). */
export function schemaAt(pointer: string, root: Schema): Schema | undefined {
  let current: Schema | undefined = dereference(root, root);
  for (const segment of pointerSegments(pointer)) {
    const own: Schema | undefined =
      current.properties !== undefined && Object.hasOwn(current.properties, segment) ? current.properties[segment] : undefined;
    const next: boolean | Schema | undefined = own ?? current.items ?? current.additionalProperties;
    if (typeof next !== "object") return undefined;
    current = dereference(next, root);
  }
  return current;
}

/** Calls `visit` for each place of `data` that the schema marks `x-secret` or `x-reference`; what it returns takes the place. */
export function mapMarked(
  data: unknown,
  schema: Schema,
  root: Schema,
  visit: (value: unknown, pointer: string, schema: Schema) => unknown,
): unknown {
  return mapAt(data, schema, "");

  function mapAt(value: unknown, at: Schema, pointer: string): unknown {
    const here = dereference(at, root);
    if (here["x-secret"] === true || here["x-reference"] === true) return visit(value, pointer, here);
    if (Array.isArray(value)) {
      const items = here.items;
      return typeof items === "object" ? value.map((entry, index) => mapAt(entry, items, `${pointer}/${index}`)) : value;
    }
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => {
        const own = here.properties !== undefined && Object.hasOwn(here.properties, key) ? here.properties[key] : undefined;
        const property = own ?? here.additionalProperties;
        return [key, typeof property === "object" ? mapAt(entry, property, `${pointer}/${escapePointer(key)}`) : entry];
      }),
    );
  }
}

export function escapePointer(segment: string): string {
  return segment.replaceAll("~", "~0").replaceAll("/", "~1");
}

export function pointerSegments(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}
