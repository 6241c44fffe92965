import type { IdentityFacts, ProfileSource, SelectedProfiles } from "../inventory/facts.ts";
import type { MetricSet } from "../metric-sets/metric-set.ts";
import { idOf, Shared } from "../session/shared.ts";
import { resolveSets } from "./device-sets.ts";
import { enumerationsOf } from "./enumeration-names.ts";
import type { Match } from "./match-profiles.ts";
import type { ProfileBook } from "./profile-book.ts";
import { createIdentifier } from "./profile-identifier.ts";

/** Sites have many devices of few kinds: equal sets are kept once, so that their metrics are the same objects. */
const maxShared = 256;

/** Lets the driver use a book of profiles. One per driver. */
export function createProfileSource(book: ProfileBook): ProfileSource {
  let states: ReturnType<typeof enumerationsOf> | undefined;
  const shared = new Map<string, MetricSet>();
  const selections = new Shared<SelectedProfiles>(maxShared);
  const share = (set: MetricSet): MetricSet => {
    // Functions of a set follow from its profile, which is named in it; the rest is data.
    const key = JSON.stringify(set);
    const known = shared.get(key);
    if (known !== undefined) return known;
    const oldest = shared.keys().next();
    if (shared.size >= maxShared && oldest.done !== true) shared.delete(oldest.value);
    shared.set(key, set);
    return set;
  };
  return {
    probes: [],
    states: (name) => {
      states ??= enumerationsOf(book.profiles.values());
      return states.get(name);
    },
    probesOf: (head) => book.probeOids(head),
    select: (facts, forced) => {
      const matches = matchesOf(book, facts, forced);
      const key = matches.map(({ profile, because }) => `${idOf(profile)} ${because}`).join("\n");
      return selections.get(key, () => selectProfiles(matches, share));
    },
  };
}

/** The profiles that apply to a device, given what was read of it. */
export function matchesOf(book: ProfileBook, facts: IdentityFacts, forced: string | undefined): readonly Match[] {
  const { sysObjectId, sysDescr, values: probed } = facts;
  return book.choose({ sysObjectId, sysDescr, probed, forced }).matches;
}

function selectProfiles(matches: readonly Match[], share: (set: MetricSet) => MetricSet): SelectedProfiles {
  return {
    names: matches.map(({ profile }) => profile.name),
    sets: [],
    identifiers: matches.length === 0 ? [] : [createIdentifier(matches)],
    resolve: async (exchange) => (await resolveSets(matches, exchange)).map(share),
  };
}
