import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Pattern } from "./pattern.ts";
import type { Profile } from "./profile.ts";

/**
 * The shipped profiles, read once when the checkout is generated: 150 files of YAML cost 200 ms and a heap of syntax trees at every start, this
 * text costs a few. JSON, one profile a line; a Map is `{"$map": [[key, value]]}`, a Pattern `{"$pattern": source}`.
 */
const compiledFile = join(import.meta.dirname, "generated/shipped.json");

/** Text of the compiled file. */
export function compileProfiles(profiles: readonly Profile[]): string {
  return `[\n${profiles.map((profile) => JSON.stringify(profile, packed)).join(",\n")}\n]\n`;
}

function packed(_key: string, value: unknown): unknown {
  if (value instanceof Map) return { $map: [...value] };
  return value instanceof Pattern ? { $pattern: value.source } : value;
}

/** The shipped profiles as `readFolder` gives them. */
export function readCompiledProfiles(): readonly Profile[] {
  // Written by compileProfiles from values of this type, and compared with them by the check of generated files.
  return JSON.parse(readFileSync(compiledFile, "utf8"), unpacked) as readonly Profile[];
}

function unpacked(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$map" in value) return new Map(value.$map as readonly (readonly [unknown, unknown])[]);
  if (!("$pattern" in value)) return value;
  return Pattern.known(String(value.$pattern));
}
