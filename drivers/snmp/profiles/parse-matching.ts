import { MapReader } from "./map-reader.ts";
import { parseObjectId } from "./object-id.ts";
import { Pattern } from "./pattern.ts";
import type { ObjectIdPattern, ProbeRule, Selector } from "./profile.ts";

const selectorKeys: ReadonlySet<string> = new Set(["sysobjectid", "sysdescr"]);
const listKeys: ReadonlySet<string> = new Set(["include", "exclude"]);
const probeKeys: ReadonlySet<string> = new Set(["OID", "exists", "contains", "regex"]);

/** `probe: [{OID, exists|contains|regex}]` */
export function parseProbes(reader: MapReader): readonly ProbeRule[] {
  return reader.maps("probe").flatMap(({ map, path }) => {
    const rule = new MapReader(map, path, reader.problems, probeKeys);
    const oid = rule.oid("OID");
    if (oid === undefined) {
      if (rule.value("OID") === undefined) rule.refuse("OID", "is missing");
      return [];
    }
    return [{ oid, contains: rule.text("contains")?.toLowerCase(), pattern: rule.pattern("regex") }];
  });
}

/** Netdata's `selector`: one mapping or a list of them, of which one is enough. */
export function parseSelectors(reader: MapReader): readonly Selector[] {
  const value = reader.value("selector");
  const maps = value?.is === "map" ? [{ map: value, path: reader.pathOf("selector") }] : reader.maps("selector");
  return maps.flatMap(({ map, path }) => {
    const selector = new MapReader(map, path, reader.problems, selectorKeys);
    const ids = partOf(selector, "sysobjectid");
    const texts = partOf(selector, "sysdescr");
    const parsed = {
      objectIds: ids.include.flatMap((text) => idOrPattern(text, selector)),
      notObjectIds: ids.exclude.flatMap((text) => idOrPattern(text, selector)),
      descriptions: texts.include.flatMap((text) => patternOf(text, selector)),
      notDescriptions: texts.exclude.flatMap((text) => patternOf(text, selector)),
    };
    return parsed.objectIds.length + parsed.descriptions.length === 0 ? [] : [parsed];
  });
}

function partOf(selector: MapReader, key: string): { readonly include: readonly string[]; readonly exclude: readonly string[] } {
  const value = selector.value(key);
  if (value?.is !== "map") return { include: selector.texts(key).map(({ text }) => text), exclude: [] };
  const part = new MapReader(value, selector.pathOf(key), selector.problems, listKeys);
  return { include: part.texts("include").map(({ text }) => text), exclude: part.texts("exclude").map(({ text }) => text) };
}

function idOrPattern(text: string, selector: MapReader): readonly (ObjectIdPattern | Pattern)[] {
  const id = parseObjectId(text);
  return id === undefined ? patternOf(text, selector) : [id];
}

function patternOf(text: string, selector: MapReader): readonly Pattern[] {
  const pattern = Pattern.compile(text);
  if (typeof pattern !== "string") return [pattern];
  selector.refuse("", pattern, "note");
  return [];
}
