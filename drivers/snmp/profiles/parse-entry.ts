import { profileLimits } from "./limits.ts";
import { MapReader } from "./map-reader.ts";
import { parseSymbol, type SymbolDefaults, symbolKeys, typeOf } from "./parse-symbol.ts";
import { parseTag, tagReader } from "./parse-tag.ts";
import type { Entry, ProfileSymbol, Tag } from "./profile.ts";

export const entryKeys: ReadonlySet<string> = new Set([
  ...["MIB", "symbol", "table", "symbols", "OID", "name", "metric_tags", "metric_type", "forced_type", "options", "static_tags"],
  ...["is_interface", "walk_full_table", "description"],
]);
const optionKeys: ReadonlySet<string> = new Set(["placement", "metric_suffix"]);

/** One entry of `metrics` in any of its four forms; undefined = nothing of it can be used. */
export function parseEntry(reader: MapReader): Entry | undefined {
  const defaults = defaultsOf(reader);
  const symbols = symbolsOf(reader, defaults);
  if (symbols.length === 0) return undefined;
  const table = tableName(reader);
  return {
    mib: reader.name("MIB"),
    table,
    symbols,
    tags: parseTags(reader),
    staticTags: staticTagsOf(reader),
    line: reader.line,
  };
}

export function parseTags(reader: MapReader): readonly Tag[] {
  const tags = reader.maps("metric_tags").flatMap(({ map, path }) => parseTag(tagReader(map, path, reader.problems)));
  if (tags.length > profileLimits.tagsPerEntry) reader.refuse("metric_tags", `has more than ${profileLimits.tagsPerEntry} tags`, "note");
  return tags.slice(0, profileLimits.tagsPerEntry);
}

/** `["key:value"]` or `{key: value}`. */
export function staticTagsOf(reader: MapReader): Readonly<Record<string, string>> {
  const value = reader.value("static_tags");
  const pairs =
    value?.is === "map"
      ? value.entries.map(({ key, value: entry }) => [key, entry.is === "scalar" ? entry.text : ""] as const)
      : reader.texts("static_tags").map(({ text }) => {
          const colon = text.indexOf(":");
          return colon < 1 ? (["", ""] as const) : ([text.slice(0, colon), text.slice(colon + 1)] as const);
        });
  const usable = pairs.filter(([key, text]) => key !== "" && text !== "").slice(0, profileLimits.tagsPerEntry);
  return Object.fromEntries(usable.map(([key, text]) => [key.slice(0, profileLimits.nameLength), text.slice(0, profileLimits.nameLength)]));
}

function defaultsOf(reader: MapReader): SymbolDefaults {
  const type = typeOf(reader, "metric_type") ?? typeOf(reader, "forced_type");
  const map = reader.map("options");
  if (map === undefined) return { type, flag: undefined, suffix: undefined };
  const options = new MapReader(map, reader.pathOf("options"), reader.problems, optionKeys);
  const flag = options.number("placement");
  if (type === "flag" && (flag === undefined || !Number.isInteger(flag) || flag < 1 || flag > 256)) {
    options.refuse("placement", "is not a position from 1", "note");
    return { type: undefined, flag: undefined, suffix: options.name("metric_suffix") };
  }
  return { type, flag, suffix: options.name("metric_suffix") };
}

function symbolsOf(reader: MapReader, defaults: SymbolDefaults): readonly ProfileSymbol[] {
  const one = reader.value("symbol");
  if (one !== undefined) {
    if (one.is !== "map") {
      reader.refuse("symbol", "is not a mapping");
      return [];
    }
    return parsed(new MapReader(one, reader.pathOf("symbol"), reader.problems, symbolKeys), defaults);
  }
  if (reader.value("symbols") !== undefined) {
    return reader.maps("symbols").flatMap(({ map, path }) => parsed(new MapReader(map, path, reader.problems, symbolKeys), defaults));
  }
  if (reader.value("OID") !== undefined) return parsed(reader, defaults);
  if (reader.value("table") !== undefined) reader.refuse("symbols", "is missing");
  else reader.refuse("", "has neither symbol, symbols nor OID");
  return [];
}

function parsed(reader: MapReader, defaults: SymbolDefaults): readonly ProfileSymbol[] {
  const symbol = parseSymbol(reader, defaults);
  return symbol === undefined ? [] : [symbol];
}

/** The table's OID is documentation; only its name is used. A table that is only a name is one, too. */
function tableName(reader: MapReader): string | undefined {
  const value = reader.value("table");
  if (value === undefined) return undefined;
  if (value.is === "scalar") return value.text === "" ? undefined : value.text.slice(0, profileLimits.nameLength);
  if (value.is !== "map") return reader.refuse("table", "is not a mapping", "note");
  const table = new MapReader(value, reader.pathOf("table"), reader.problems, symbolKeys);
  return table.name("name") ?? table.text("OID") ?? "table";
}
