import { profileLimits } from "./limits.ts";
import { MapReader } from "./map-reader.ts";
import { conversionOf, matchOf, symbolKeys } from "./parse-symbol.ts";
import type { MetadataField, MetadataSource } from "./profile.ts";
import type { YamlMap } from "./yaml-tree.ts";

const resourceKeys: ReadonlySet<string> = new Set(["fields", "id_tags"]);
const fieldKeys: ReadonlySet<string> = new Set(["value", "symbol", "symbols", "description"]);
const metadataFields: ReadonlySet<string> = new Set([
  ...["name", "description", "sys_object_id", "location", "serial_number", "vendor", "version", "product_name", "model", "os_name"],
  ...["os_version", "os_hostname", "type"],
  // Ours.
  ...["hardware", "mac_address"],
]);

/** `metadata.device.fields`. What other resources say (interfaces) the built-in sets know better. */
export function parseMetadata(reader: MapReader): readonly MetadataField[] {
  const metadata = reader.map("metadata");
  const device = metadata?.entries.find(({ key }) => key === "device")?.value;
  if (device?.is !== "map") return [];
  const fields = new MapReader(device, "metadata.device", reader.problems, resourceKeys).map("fields");
  if (fields === undefined) return [];
  const parts = new MapReader(fields, "metadata.device.fields", reader.problems, metadataFields);
  return fields.entries.flatMap(({ key, value }) => {
    if (!metadataFields.has(key)) return [];
    const path = parts.pathOf(key);
    if (value.is === "map") return fieldOf(key, new MapReader(value, path, reader.problems, fieldKeys));
    if (value.is === "scalar" && !value.isNull) return [{ field: key, value: value.text, sources: [] }];
    parts.refuse(key, "is not a mapping");
    return [];
  });
}

function fieldOf(field: string, reader: MapReader): readonly MetadataField[] {
  const symbol = reader.map("symbol");
  const sources = [
    ...(symbol === undefined ? [] : sourceOf(symbol, reader.pathOf("symbol"), reader)),
    ...reader.maps("symbols").flatMap(({ map, path }) => sourceOf(map, path, reader)),
  ];
  const value = reader.text("value");
  return value === undefined && sources.length === 0 ? [] : [{ field, value, sources }];
}

function sourceOf(map: YamlMap, path: string, parent: MapReader): readonly MetadataSource[] {
  const reader = new MapReader(map, path, parent.problems, symbolKeys);
  const oid = reader.oid("OID");
  if (oid === undefined) {
    if (reader.value("OID") === undefined) reader.refuse("OID", "is missing");
    return [];
  }
  return [
    { oid, names: namesOf(reader), conversion: conversionOf(reader), extract: reader.pattern("extract_value"), match: matchOf(reader) },
  ];
}

function namesOf(reader: MapReader): ReadonlyMap<string, string> | undefined {
  const entries = reader.map("mapping")?.entries ?? [];
  const names = entries
    .slice(0, profileLimits.enumEntries)
    .flatMap(({ key, value }) => (value.is === "scalar" && !value.isNull ? [[key, value.text] as const] : []));
  return names.length === 0 ? undefined : new Map(names);
}
