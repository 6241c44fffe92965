import type { Logger } from "#ports/logger.ts";
import { inherit, type WholeProfile } from "./inherit.ts";
import { profileLimits } from "./limits.ts";
import { type Chosen, chooseProfiles, type DeviceHead } from "./match-profiles.ts";
import type { ProfileProblem } from "./problem.ts";
import type { Profile } from "./profile.ts";

/** What is odd about a match is worth one line in the log; so many different ones are remembered. */
const maxRemembered = 256;

/** All profiles that were loaded. A user's file replaces a shipped one of the same base name. */
export class ProfileBook {
  readonly profiles: ReadonlyMap<string, WholeProfile>;
  readonly problems: readonly ProfileProblem[];
  readonly #logger: Logger | undefined;
  readonly #ties = new Set<string>();
  readonly #missing = new Set<string>();

  constructor(loaded: readonly Profile[], problems: readonly ProfileProblem[], logger: Logger | undefined) {
    const found = [...problems];
    const byName = new Map<string, Profile>();
    for (const profile of loaded) {
      const known = byName.get(profile.name);
      if (known !== undefined && known.origin === profile.origin) {
        found.push({
          file: profile.file,
          line: undefined,
          key: "",
          problem: `has the base name of ${known.file}, which counts`,
          costs: "file",
        });
      } else if (known?.origin !== "user") byName.set(profile.name, profile);
    }
    this.#logger = logger;
    this.profiles = new Map([...byName].map(([name, profile]) => [name, inherit(profile, byName, found)]));
    for (const profile of this.profiles.values()) checkTargets(profile, byName, found);
    this.problems = found.slice(0, profileLimits.problems);
  }

  /**
   * OIDs whose answers decide between profiles: those of profiles without a sysObjectID, and of the ones that match this device's. At
   * most 64.
   */
  probeOids(head: { readonly sysObjectId?: string | undefined }): readonly string[] {
    const oids = new Set<string>();
    for (const profile of this.profiles.values()) {
      if (profile.probes.length === 0) continue;
      const mayMatch =
        profile.objectIds.length === 0 ||
        profile.objectIds.some(({ oid, isPrefix }) => head.sysObjectId === oid || (isPrefix && head.sysObjectId?.startsWith(`${oid}.`)));
      if (mayMatch) for (const { oid } of profile.probes) oids.add(oid);
    }
    return [...oids].slice(0, profileLimits.probeOids);
  }

  choose(head: DeviceHead): Chosen {
    const chosen = chooseProfiles(this.profiles, head);
    if (chosen.tie !== undefined) this.#logTie(chosen.tie.sysObjectId, chosen.tie.names);
    for (const profile of chosen.missing) this.#logMissing(profile);
    return chosen;
  }

  #logMissing(profile: string): void {
    if (this.#missing.has(profile) || this.#missing.size >= maxRemembered) return;
    this.#missing.add(profile);
    this.#logger?.warn({ profile }, "a profile that the configuration forces is not there");
  }

  #logTie(sysObjectId: string, names: readonly string[]): void {
    const shown = names.slice(0, 8).join(" ");
    if (this.#ties.has(shown) || this.#ties.size >= maxRemembered) return;
    this.#ties.add(shown);
    this.#logger?.warn({ sysObjectId, taken: names[0], profiles: shown }, "several profiles match a device equally well");
  }
}

function checkTargets(profile: WholeProfile, byName: ReadonlyMap<string, Profile>, problems: ProfileProblem[]): void {
  for (const { target, line } of profile.redirects) {
    if (!byName.has(target))
      problems.push({ file: profile.file, line, key: "matches", problem: `${target} takes over, which is not there`, costs: "row" });
  }
}
