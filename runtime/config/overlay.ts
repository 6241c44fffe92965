import type { Secret } from "#model/secret.ts";
import { escapePointer, mapMarked, type Schema } from "./json-schema.ts";
import { at, type Mapping, mappingOf, textOf } from "./untyped.ts";

/** Names that an overlay may not speak about: who this gateway is, and whom it obeys, is decided at the site. */
const untouchable = ["gateway", "authority"] as const;
/** Folder beside the configuration whose files an overlay may always refer to. */
const secretsFolder = "secrets/";
const removal = "$remove";

/** One thing wrong with an overlay, by JSON pointer into it. */
export interface OverlayProblem {
  readonly path: string;
  readonly message: string;
}

/**
 * Lays a document of the NOC over the site's own: mappings join, `null` takes a key away (RFC 7396), anything else replaces. Lists of things
 * with an `id` (equipment, checks) join by id; `{ "id": "x", "$remove": true }` takes one away.
 */
export function mergeOverlay(base: unknown, overlay: unknown): unknown {
  if (Array.isArray(overlay))
    return isKeyed(overlay) && (base === undefined || Array.isArray(base)) ? mergeList(base ?? [], overlay) : overlay;
  const over = mappingOf(overlay);
  if (over === undefined) return overlay;
  const under = mappingOf(base) ?? {};
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete merged[key];
    else merged[key] = mergeOverlay(Object.hasOwn(under, key) ? under[key] : undefined, value);
  }
  return isReference(overlay) ? overlay : merged;
}

function mergeList(base: readonly unknown[], overlay: readonly unknown[]): readonly unknown[] {
  const merged = [...base];
  for (const entry of overlay) {
    const id = idOf(entry);
    const index = merged.findIndex((one) => idOf(one) === id);
    if (at(entry, removal) === true) {
      if (index >= 0) merged.splice(index, 1);
    } else if (index < 0) merged.push(mergeOverlay(undefined, entry));
    else merged[index] = mergeOverlay(merged[index], entry);
  }
  return merged;
}

function isKeyed(list: readonly unknown[]): boolean {
  return list.length > 0 && list.every((entry) => idOf(entry) !== undefined);
}

function idOf(entry: unknown): string | undefined {
  return textOf(at(entry, "id"));
}

/** `{ $env }`, `{ $file }`, `{ $sealed }`: one thing, never joined with another of its kind. */
function isReference(value: unknown): boolean {
  const [first, ...rest] = Object.keys(mappingOf(value) ?? {});
  return rest.length === 0 && (first === "$env" || first === "$file" || first === "$sealed");
}

/** Without calling itself: what it looks at may be deeper than the stack. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let layer: readonly unknown[] = [value];
  for (let depth = 0; depth <= levels && layer.length > 0; depth++)
    layer = layer.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  return layer.length > 0;
}

/** What an overlay may not say, whatever the schema allows. @param base the site's own document */
export function overlayProblems(overlay: unknown, base: unknown, schema: Schema): readonly OverlayProblem[] {
  if (mappingOf(overlay) === undefined) return [{ path: "", message: "must be a mapping of options" }];
  const problems: OverlayProblem[] = untouchable.flatMap((key) =>
    at(overlay, key) === undefined ? [] : [{ path: `/${key}`, message: "is decided at the site and cannot be set from afar" }],
  );
  const known = new Set<string>();
  mapMarked(base, schema, schema, (value) => known.add(JSON.stringify(value)));
  mapMarked(overlay, schema, schema, (value, path, here) => {
    const problem = referenceProblem(value, here["x-secret"] === true, known);
    if (problem !== undefined) problems.push({ path, message: problem });
  });
  return problems;
}

function referenceProblem(value: unknown, isSecret: boolean, known: ReadonlySet<string>): string | undefined {
  if (typeof value === "string")
    return isSecret ? "a secret in clear text; send it sealed ({ $sealed: JWE }) or refer to one of the site's" : undefined;
  if (mappingOf(value) === undefined || at(value, "$sealed") !== undefined || known.has(JSON.stringify(value))) return undefined;
  const file = textOf(at(value, "$file"));
  if (file?.startsWith(secretsFolder) === true && !file.split("/").includes("..")) return undefined;
  // Else the NOC could have any file or variable of the machine sent somewhere as a password.
  return `may only refer to what the site's own file refers to, or to a file under ${secretsFolder}`;
}

/** Every sealed secret of an overlay. */
export function sealedSecrets(overlay: unknown, schema: Schema): readonly string[] {
  const found = new Set<string>();
  mapMarked(overlay, schema, schema, (value) => {
    const sealed = textOf(at(value, "$sealed"));
    if (sealed !== undefined) found.add(sealed);
    return value;
  });
  return [...found];
}

/** Sealed text to its secret. */
export type OpenedSecrets = ReadonlyMap<string, Secret>;

/**
 * Where a problem of the merged document stands in the overlay: entries of keyed lists have another place there. undefined = the overlay says
 * nothing about it, the site's own file does.
 */
export function placeInOverlay(pointer: string, merged: unknown, overlay: unknown): string | undefined {
  let [here, there]: [unknown, unknown] = [merged, overlay];
  let place = "";
  for (const raw of pointer.split("/").slice(1)) {
    const segment = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    let key = segment;
    if (Array.isArray(here) && Array.isArray(there) && isKeyed(there)) {
      const id = idOf(here[Number(segment)]);
      const index = there.findIndex((entry) => idOf(entry) === id);
      if (index < 0) return undefined;
      key = String(index);
    }
    here = childOf(here, segment);
    const next = childOf(there, key);
    place += `/${escapePointer(key)}`;
    if (next === undefined) return there === undefined ? undefined : place;
    there = next;
  }
  return place;
}

function childOf(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  const mapping: Mapping | undefined = mappingOf(value);
  return mapping !== undefined && Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}
