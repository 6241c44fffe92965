/** Careful looks into a document that may be anything. */
export type Mapping = Readonly<Record<string, unknown>>;

export function mappingOf(value: unknown): Mapping | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Mapping) : undefined;
}

export function at(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    const mapping = mappingOf(current);
    current = mapping !== undefined && Object.hasOwn(mapping, key) ? mapping[key] : undefined;
  }
  return current;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Entries of a mapping; none if it is something else. */
export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return Object.entries(mappingOf(value) ?? {});
}

/** Mappings of a list with their index; what is not a mapping is left out. */
export function itemsOf(value: unknown): readonly (readonly [number, Mapping])[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry, index) => {
    const mapping = mappingOf(entry);
    return mapping === undefined ? [] : [[index, mapping] as const];
  });
}
