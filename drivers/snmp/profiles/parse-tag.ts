import { profileLimits } from "./limits.ts";
import { MapReader } from "./map-reader.ts";
import { conversionOf, matchOf, rowFilterOf, symbolKeys } from "./parse-symbol.ts";
import type { Pattern } from "./pattern.ts";
import type { IndexSlice, Tag, TagSource } from "./profile.ts";

const tagKeys: ReadonlySet<string> = new Set([
  ...["tag", "column", "symbol", "OID", "index", "mapping", "match", "tags", "table", "index_transform", "conversion", "MIB", "format"],
  ...["extract_value", "match_pattern", "match_value", "description"],
]);
const sliceKeys: ReadonlySet<string> = new Set(["start", "end"]);

/** One row of `metric_tags`: usually one tag, several where a pattern cuts a value into pieces, none where it is broken. */
export function parseTag(reader: MapReader): readonly Tag[] {
  const column = columnOf(reader);
  const source = sourceOf(reader, column);
  if (source === undefined) return [];
  const rules = column ?? reader;
  const shared = {
    from: source,
    names: namesOf(reader, column),
    conversion: (column && conversionOf(column)) ?? conversionOf(reader),
    extract: rules.pattern("extract_value"),
    rowFilter: column === undefined ? [] : rowFilterOf(column),
  };
  const pieces = piecesOf(reader);
  if (pieces.length > 0) return pieces.map(({ name, match }) => ({ ...shared, name, match }));
  const name = reader.name("tag") ?? column?.name("name") ?? symbolName(reader);
  if (name === undefined) {
    reader.refuse("tag", "is missing");
    return [];
  }
  if (column?.value("script") !== undefined) column.refuse("script", "scripts never run; the value is taken as the agent gives it", "note");
  return [{ ...shared, name, match: matchOf(rules) }];
}

export function tagReader(map: ConstructorParameters<typeof MapReader>[0], path: string, problems: MapReader["problems"]): MapReader {
  return new MapReader(map, path, problems, tagKeys);
}

/** `column: {}` and `symbol: {}` are the same; `symbol: "name"` with an OID beside it is the older form. */
function columnOf(reader: MapReader): MapReader | undefined {
  for (const key of ["column", "symbol"]) {
    const value = reader.value(key);
    if (value?.is === "map") return new MapReader(value, reader.pathOf(key), reader.problems, symbolKeys);
  }
  return undefined;
}

function symbolName(reader: MapReader): string | undefined {
  const value = reader.value("symbol");
  return value?.is === "scalar" && value.text !== "" ? value.text.slice(0, profileLimits.nameLength) : undefined;
}

function sourceOf(reader: MapReader, column: MapReader | undefined): TagSource | undefined {
  const arc = reader.number("index");
  if (arc !== undefined) {
    if (Number.isInteger(arc) && arc >= 1 && arc <= 128) return { is: "index", arc };
    return reader.refuse("index", "is not a position from 1");
  }
  const holder = column ?? reader;
  if (holder.value("OID") === undefined) return reader.refuse("", "has neither column, OID nor index");
  const oid = holder.oid("OID");
  if (oid === undefined) return undefined;
  return { is: "column", oid, slices: slicesOf(reader) };
}

function slicesOf(reader: MapReader): readonly IndexSlice[] | undefined {
  if (reader.value("index_transform") === undefined) return undefined;
  const slices = reader.maps("index_transform").flatMap(({ map, path }) => {
    const slice = new MapReader(map, path, reader.problems, sliceKeys);
    const [start, end] = [slice.number("start"), slice.number("end")];
    if (start !== undefined && end !== undefined && start >= 0 && end >= start) return [{ start, end }];
    slice.refuse("", "is not {start, end} with start <= end", "note");
    return [];
  });
  return slices.slice(0, 16);
}

function namesOf(reader: MapReader, column: MapReader | undefined): ReadonlyMap<string, string> | undefined {
  const mapping = reader.map("mapping") ?? column?.map("mapping");
  const enumeration = column?.map("enum");
  const names = new Map<string, string>();
  for (const { key, value } of (mapping?.entries ?? []).slice(0, profileLimits.enumEntries)) {
    if (value.is === "scalar" && !value.isNull) names.set(key, value.text.slice(0, profileLimits.nameLength));
  }
  for (const { key, value } of (enumeration?.entries ?? []).slice(0, profileLimits.enumEntries)) {
    if (value.is === "scalar" && !value.isNull && !names.has(value.text)) names.set(value.text, key.slice(0, profileLimits.nameLength));
  }
  return names.size === 0 ? undefined : names;
}

/** `match: '(\w+)-(\d+)'` with `tags: {slot: \1, port: \2}`. */
function piecesOf(
  reader: MapReader,
): readonly { readonly name: string; readonly match: { readonly pattern: Pattern; readonly value: string } }[] {
  const pattern = reader.pattern("match");
  if (pattern === undefined) return [];
  const entries = reader.map("tags")?.entries ?? [];
  if (entries.length === 0) reader.refuse("tags", "is missing beside match", "note");
  return entries
    .slice(0, profileLimits.tagsPerEntry)
    .flatMap(({ key, value }) =>
      value.is === "scalar" ? [{ name: key.slice(0, profileLimits.nameLength), match: { pattern, value: value.text } }] : [],
    );
}
