import type { IdentityFacts, ProfileSource, SelectedProfiles } from "../inventory/facts.ts";
import type { Match } from "./match-profiles.ts";
import type { ProfileBook } from "./profile-book.ts";
import { createIdentifier } from "./profile-identifier.ts";

/** Lets the driver use a book of profiles. */
export function createProfileSource(book: ProfileBook): ProfileSource {
  return {
    probes: [],
    probesOf: (head) => book.probeOids(head),
    select: (facts, forced) => selectProfiles(matchesOf(book, facts, forced)),
  };
}

/** The profiles that apply to a device, given what was read of it. */
export function matchesOf(book: ProfileBook, facts: IdentityFacts, forced: string | undefined): readonly Match[] {
  const { sysObjectId, sysDescr, values: probed } = facts;
  return book.choose({ sysObjectId, sysDescr, probed, forced }).matches;
}

function selectProfiles(matches: readonly Match[]): SelectedProfiles {
  return {
    names: matches.map(({ profile }) => profile.name),
    sets: [],
    identifiers: matches.length === 0 ? [] : [createIdentifier(matches)],
  };
}
