import { profileLimits } from "./limits.ts";
import { MapReader } from "./map-reader.ts";
import { parseObjectId } from "./object-id.ts";
import { entryKeys, parseEntry, parseTags, staticTagsOf } from "./parse-entry.ts";
import { parseProbes, parseSelectors } from "./parse-matching.ts";
import { parseMetadata } from "./parse-metadata.ts";
import { Pattern } from "./pattern.ts";
import { FileProblems, type ProfileProblem } from "./problem.ts";
import type { DeviceTag, Entry, ObjectIdPattern, Profile, Tag } from "./profile.ts";
import { readYaml, type YamlMap } from "./yaml-tree.ts";

const topKeys: ReadonlySet<string> = new Set([
  ...["extends", "sysobjectid", "sysObjectID", "metrics", "metric_tags", "metadata", "static_tags", "device", "matches", "matches_list"],
  ...["selector", "provider", "name", "description", "version", "probe", "priority"],
  // Hints for other products' walkers and maps: this engine learns by itself what an agent bears, and finds out the topology.
  ...["no_use_bulkwalkall", "sysmap"],
]);
const deviceKeys: ReadonlySet<string> = new Set(["vendor"]);
const matchKeys: ReadonlySet<string> = new Set(["regex", "target"]);

export interface ParsedFile {
  /** undefined = it is no profile (traps, something else altogether), or it cannot be used. */
  readonly profile: Profile | undefined;
  readonly problems: readonly ProfileProblem[];
}

/** Reads one file of either dialect. A broken row costs itself only. */
export function parseProfile(file: string, text: string, origin: Profile["origin"]): ParsedFile {
  const problems = new FileProblems(file);
  const tree = readYaml(text.replace(/^\uFEFF/, ""), problems);
  if (tree === undefined) return { profile: undefined, problems: problems.list };
  if (tree.is !== "map") {
    problems.add("file", tree.line, "", tree.is === "scalar" && tree.isNull ? "is empty" : "is not a profile: not a mapping");
    return { profile: undefined, problems: problems.list };
  }
  const keys = new Set(tree.entries.map(({ key }) => key));
  if (keys.has("traps") && !keys.has("metrics")) return { profile: undefined, problems: [] };
  if (!looksLikeProfile(tree)) {
    problems.add("file", tree.line, "", "is not a profile: it has none of a profile's keys");
    return { profile: undefined, problems: problems.list };
  }
  const profile = readProfile(new MapReader(tree, "", problems, topKeys), baseName(file), file, origin);
  return { profile, problems: problems.list };
}

/** `vendors/apc-ups.yaml` -> `apc-ups` */
export function baseName(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1).replace(/\.ya?ml$/i, "");
}

/** A pasted module of another product has a `name`, too: something must say what to poll or what to match. */
function looksLikeProfile(tree: YamlMap): boolean {
  const telling = new Set([
    "extends",
    "sysobjectid",
    "sysObjectID",
    "metric_tags",
    "metadata",
    "matches",
    "matches_list",
    "selector",
    "probe",
  ]);
  return tree.entries.some(({ key, value }) => {
    if (telling.has(key)) return true;
    if (key !== "metrics" || value.is !== "list") return false;
    return value.items.length === 0 || value.items.some((item) => item.is === "map" && isEntryLike(item));
  });
}

function isEntryLike(item: YamlMap): boolean {
  const keys = new Set(item.entries.map(({ key }) => key));
  return ["MIB", "symbol", "symbols", "table", "OID"].some((key) => keys.has(key));
}

function readProfile(reader: MapReader, name: string, file: string, origin: Profile["origin"]): Profile {
  const device = reader.map("device");
  const entries = limitOids(
    reader,
    reader.maps("metrics").flatMap(({ map, path }) => parseEntry(new MapReader(map, path, reader.problems, entryKeys)) ?? []),
  );
  return {
    name,
    file,
    origin,
    title: reader.text("description") ?? reader.name("name"),
    extends: reader.texts("extends").map(({ text }) => baseName(text)),
    ...(origin === "user" && { extendsLines: reader.texts("extends").map(({ line }) => line) }),
    objectIds: [...objectIdsOf(reader, "sysobjectid"), ...objectIdsOf(reader, "sysObjectID")],
    selectors: parseSelectors(reader),
    redirects: [...redirectsOfList(reader), ...redirectsOfMap(reader)],
    probes: parseProbes(reader),
    priority: reader.number("priority") ?? 0,
    vendor: device && new MapReader(device, "device", reader.problems, deviceKeys).name("vendor"),
    entries,
    deviceTags: parseTags(reader).filter(isDeviceTag),
    metadata: parseMetadata(reader),
    staticTags: staticTagsOf(reader),
  };
}

function isDeviceTag(tag: Tag): tag is DeviceTag {
  return tag.from.is === "column";
}

function limitOids(reader: MapReader, entries: readonly Entry[]): readonly Entry[] {
  let count = 0;
  const kept = entries.filter(({ symbols, tags }) => {
    count += symbols.length + tags.length;
    return count <= profileLimits.oidsPerProfile;
  });
  if (kept.length < entries.length) reader.refuse("metrics", `has more than ${profileLimits.oidsPerProfile} OIDs; the rest is left out`);
  return kept;
}

function objectIdsOf(reader: MapReader, key: string): readonly ObjectIdPattern[] {
  return reader.texts(key).flatMap(({ text, line }) => {
    const pattern = parseObjectId(text);
    if (pattern !== undefined) return [pattern];
    reader.problems.add("row", line, reader.pathOf(key), "is neither an OID nor OID.*");
    return [];
  });
}

function redirectsOfMap(reader: MapReader): Profile["redirects"] {
  return (reader.map("matches")?.entries ?? []).flatMap(({ key, value, line }) =>
    redirect(reader, "matches", { regex: key, target: value.is === "scalar" ? value.text : "", line }),
  );
}

function redirectsOfList(reader: MapReader): Profile["redirects"] {
  return reader.maps("matches_list").flatMap(({ map, path }) => {
    const row = new MapReader(map, path, reader.problems, matchKeys);
    return redirect(reader, "matches_list", { regex: row.text("regex") ?? "", target: row.text("target") ?? "", line: map.line });
  });
}

function redirect(
  reader: MapReader,
  key: string,
  { regex, target, line }: { readonly regex: string; readonly target: string; readonly line: number },
): Profile["redirects"] {
  const pattern = Pattern.compile(regex);
  if (typeof pattern !== "string" && regex !== "" && target !== "") return [{ pattern, target: baseName(target), line }];
  reader.problems.add("row", line, key, typeof pattern === "string" ? pattern : "wants a pattern and the profile that takes over");
  return [];
}
