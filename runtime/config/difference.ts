import { escapePointer, type Schema, schemaAt } from "./json-schema.ts";
import { at, mappingOf, textOf } from "./untyped.ts";

/** A place where two configurations differ. */
export interface Difference {
  /** JSON pointer; entries of lists with ids are named by id: `/equipment/sw-1/port`. */
  readonly pointer: string;
  /** Takes effect while the gateway runs; else all that it does is begun again. */
  readonly live: boolean;
}

/** Where two configurations differ, and what that takes. Both as shown to people: references, not secrets. */
export function differences(before: unknown, after: unknown, schema: Schema): readonly Difference[] {
  const found: Difference[] = [];
  compare(before, after, "", "");
  return found;

  function compare(one: unknown, other: unknown, pointer: string, schemaPointer: string): void {
    if (JSON.stringify(one) === JSON.stringify(other)) return;
    const [left, right] = [byId(one), byId(other)];
    if (left !== undefined && right !== undefined && (left.size > 0 || right.size > 0)) {
      for (const id of new Set([...left.keys(), ...right.keys()]))
        compare(left.get(id), right.get(id), `${pointer}/${escapePointer(id)}`, `${schemaPointer}/0`);
      return;
    }
    const [a, b] = [mappingOf(one), mappingOf(other)];
    if ((a === undefined && b === undefined) || (one !== undefined && a === undefined) || (other !== undefined && b === undefined)) {
      found.push({ pointer, live: schemaAt(schemaPointer, schema)?.["x-apply"] === "live" });
      return;
    }
    const keys = new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})]);
    for (const key of keys) {
      const step = `/${escapePointer(key)}`;
      const isMarked = schemaAt(schemaPointer, schema)?.["x-apply"] !== undefined;
      // Inside a value that is applied as a whole (a secret's reference, a driver's settings) the schema says nothing more.
      compare(a?.[key], b?.[key], `${pointer}${step}`, isMarked ? schemaPointer : `${schemaPointer}${step}`);
    }
  }
}

function byId(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (value === undefined) return new Map();
  if (!Array.isArray(value)) return undefined;
  const ids = value.map((entry) => textOf(at(entry, "id")));
  if (ids.some((id) => id === undefined)) return undefined;
  return new Map(value.map((entry, index) => [ids[index] ?? "", entry]));
}
