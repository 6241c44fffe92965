import { isGenericObjectId } from "../inventory/enterprises.ts";
import type { WholeProfile } from "./inherit.ts";
import { profileLimits } from "./limits.ts";
import { matchObjectId } from "./object-id.ts";
import { Pattern } from "./pattern.ts";
import type { ObjectIdPattern, ProbeRule, Selector } from "./profile.ts";

/** What is known of a device when its profiles are chosen. */
export interface DeviceHead {
  readonly sysObjectId: string | undefined;
  readonly sysDescr: string | undefined;
  /** Answers to the probes by the OID asked for; absent = not there. */
  readonly probed: ReadonlyMap<string, string>;
  /** Names of profiles that the operator forces, separated by commas. */
  readonly forced: string | undefined;
}

/** A profile that applies, and why, in words. */
export interface Match {
  readonly profile: WholeProfile;
  readonly because: string;
}

/** Names of equal rank of which the first was taken. */
export interface Tie {
  readonly sysObjectId: string;
  readonly names: readonly string[];
}

export interface Chosen {
  readonly matches: readonly Match[];
  readonly tie: Tie | undefined;
  /** Forced names that no profile has. */
  readonly missing: readonly string[];
}

/**
 * The profiles of a device, the one that knows it best first: forced by name; else by sysObjectID (exact, then the longest prefix) with a
 * redirection by sysDescr; where that number says nothing, by probes first. Profiles that select for themselves come in addition.
 */
export function chooseProfiles(profiles: ReadonlyMap<string, WholeProfile>, head: DeviceHead): Chosen {
  const forced = (head.forced ?? "")
    .split(",")
    .map((name) =>
      name
        .trim()
        .replace(/^!/, "")
        .replace(/\.ya?ml$/i, ""),
    )
    .filter((name) => name !== "");
  const named = forced.flatMap((name) => profiles.get(name) ?? []);
  const missing = forced.filter((name) => !profiles.has(name));
  if (named.length > 0)
    return { matches: named.map((profile) => ({ profile, because: "forced by configuration" })), tie: undefined, missing };
  const { best, tie } = bestMatch(profiles, head);
  const main = best && redirected(best, profiles, head);
  const selected = [...profiles.values()]
    .filter((profile) => profile !== main?.profile && profile.selectors.some((selector) => selects(selector, head)))
    .sort(byRank)
    .map((profile) => ({ profile, because: "its selector" }));
  return { matches: [...(main ? [main] : []), ...selected].slice(0, profileLimits.profilesPerDevice), tie, missing };
}

function bestMatch(
  profiles: ReadonlyMap<string, WholeProfile>,
  head: DeviceHead,
): { readonly best: Match | undefined; readonly tie: Tie | undefined } {
  const generic = isGenericObjectId(head.sysObjectId);
  const byProbe = [...profiles.values()].filter((profile) => profile.objectIds.length === 0 && holds(profile.probes, head)).sort(byRank)[0];
  const probed = byProbe && { profile: byProbe, because: probeWords(byProbe.probes) };
  const byId = rankedById(profiles, head);
  const first = byId[0];
  // An agent's own number that some profile names exactly still says less than what the vendor's object answers.
  if (probed !== undefined && (generic || first === undefined)) return { best: probed, tie: undefined };
  if (first === undefined) return { best: undefined, tie: undefined };
  const equals = byId.filter((other) => other.arcs === first.arcs && other.profile.origin === first.profile.origin);
  const names = equals.filter(({ profile }) => sameRank(profile, first.profile)).map(({ profile }) => profile.name);
  const because = Number.isFinite(first.arcs) ? `sysObjectID below ${first.oid}` : "sysObjectID";
  return {
    best: { profile: first.profile, because },
    tie: names.length > 1 ? { sysObjectId: head.sysObjectId ?? "", names } : undefined,
  };
}

function rankedById(profiles: ReadonlyMap<string, WholeProfile>, head: DeviceHead) {
  const { sysObjectId } = head;
  if (sysObjectId === undefined) return [];
  const ranked = [...profiles.values()].flatMap((profile) => {
    if (!holds(profile.probes, head) && profile.probes.length > 0) return [];
    let best: { readonly profile: WholeProfile; readonly arcs: number; readonly oid: string } | undefined;
    for (const pattern of profile.objectIds) {
      const arcs = matchObjectId(pattern, sysObjectId);
      if (arcs !== undefined && (best === undefined || arcs > best.arcs)) best = { profile, arcs, oid: pattern.oid };
    }
    return best === undefined ? [] : [best];
  });
  return ranked.sort((left, right) => (left.arcs === right.arcs ? byRank(left.profile, right.profile) : right.arcs - left.arcs));
}

/** The operator's own files, then more that had to hold, then priority, then the alphabet. */
function byRank(left: WholeProfile, right: WholeProfile): number {
  return (
    Number(right.origin === "user") - Number(left.origin === "user") ||
    Number(right.probes.length > 0) - Number(left.probes.length > 0) ||
    right.priority - left.priority ||
    (left.name < right.name ? -1 : 1)
  );
}

function sameRank(left: WholeProfile, right: WholeProfile): boolean {
  return left.probes.length > 0 === right.probes.length > 0 && left.origin === right.origin && left.priority === right.priority;
}

function holds(probes: readonly ProbeRule[], head: DeviceHead): boolean {
  return (
    probes.length > 0 &&
    probes.every(({ oid, contains, pattern }) => {
      const answer = head.probed.get(oid);
      if (answer === undefined) return false;
      if (contains !== undefined && !answer.toLowerCase().includes(contains)) return false;
      return pattern === undefined || pattern.test(answer);
    })
  );
}

function probeWords(probes: readonly ProbeRule[]): string {
  return `it answers ${probes.map(({ oid }) => oid).join(" and ")}`;
}

function redirected(match: Match, profiles: ReadonlyMap<string, WholeProfile>, head: DeviceHead): Match {
  const description = (head.sysDescr ?? "").toLowerCase();
  for (const { pattern, target } of match.profile.redirects) {
    const profile = profiles.get(target);
    if (profile !== undefined && pattern.test(description)) {
      return { profile, because: `${match.because}, and sysDescr matches a pattern of ${match.profile.name}` };
    }
  }
  return match;
}

function selects(selector: Selector, head: DeviceHead): boolean {
  const { objectIds, notObjectIds, descriptions, notDescriptions } = selector;
  const id = head.sysObjectId ?? "";
  const description = head.sysDescr ?? "";
  const names = (rule: ObjectIdPattern | Pattern): boolean =>
    rule instanceof Pattern ? rule.test(id) : matchObjectId(rule, id) !== undefined;
  const describes = (pattern: Pattern): boolean => pattern.test(description);
  if (objectIds.length > 0 && !objectIds.some(names)) return false;
  if (descriptions.length > 0 && !descriptions.some(describes)) return false;
  return !notObjectIds.some(names) && !notDescriptions.some(describes);
}
