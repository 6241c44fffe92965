import { profileLimits } from "./limits.ts";
import type { ProfileProblem } from "./problem.ts";
import type { Entry, Profile } from "./profile.ts";

/** An entry with the distance to the file that wrote it: 0 = the profile's own. */
export interface InheritedEntry extends Entry {
  readonly distance: number;
}

/** A profile with everything that it extends. Matching is never inherited. */
export interface WholeProfile extends Omit<Profile, "entries"> {
  readonly entries: readonly InheritedEntry[];
}

/**
 * Takes over what the profile extends, nearest first. A circle, a missing file or too deep a chain costs only what is behind it, and is
 * a problem of the file that names it.
 */
export function inherit(profile: Profile, byName: ReadonlyMap<string, Profile>, problems: ProfileProblem[]): WholeProfile {
  const chain: { readonly profile: Profile; readonly distance: number }[] = [];
  const seen = new Set<string>();
  const visit = (current: Profile, path: readonly string[]): void => {
    if (seen.has(current.name)) return;
    seen.add(current.name);
    chain.push({ profile: current, distance: path.length });
    for (const [at, name] of current.extends.entries()) {
      const say = (problem: string): void => refuse(current, at, problem, problems);
      const base = byName.get(name);
      if (base === undefined) say(`extends ${name}, which is not there`);
      else if (base === current || path.includes(name)) say(`extends ${name} in a circle`);
      else if (path.length >= profileLimits.extendsDepth) say(`extends deeper than ${profileLimits.extendsDepth}`);
      else visit(base, [...path, current.name]);
    }
  };
  visit(profile, []);
  const ordered = [...chain].sort((left, right) => left.distance - right.distance);
  return {
    ...profile,
    entries: limited(ordered.flatMap(({ profile: from, distance }) => from.entries.map((entry) => ({ ...entry, distance })))),
    deviceTags: ordered.flatMap(({ profile: from }) => from.deviceTags),
    metadata: ordered.flatMap(({ profile: from }) => from.metadata),
    vendor: ordered.find(({ profile: from }) => from.vendor !== undefined)?.profile.vendor,
    staticTags: Object.assign({}, ...[...ordered].reverse().map(({ profile: from }) => from.staticTags)),
  };
}

function limited(entries: readonly InheritedEntry[]): readonly InheritedEntry[] {
  let count = 0;
  return entries.filter(({ symbols, tags }) => {
    count += symbols.length + tags.length;
    return count <= profileLimits.oidsPerProfile;
  });
}

function refuse(profile: Profile, at: number, problem: string, problems: ProfileProblem[]): void {
  if (problems.length >= profileLimits.problems) return;
  if (problems.some((known) => known.file === profile.file && known.problem === problem)) return;
  problems.push({ file: profile.file, line: profile.extendsLines?.[at], key: "extends", problem, costs: "row" });
}
