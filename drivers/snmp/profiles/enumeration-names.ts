import type { Enumeration } from "../metric-sets/enumeration.ts";
import { enumerations } from "../metric-sets/enumerations.ts";
import type { WholeProfile } from "./inherit.ts";

/** `enum:NAME` of a profile's states: the metric's name, unless a built-in enumeration has it. */
export function enumerationName(profile: string, metric: string): string {
  return enumerations[metric] === undefined ? metric : `${profile}.${metric}`;
}

/** What the states of profiles mean, by the name that stands in their unit. Where two profiles use one name the first counts. */
export function enumerationsOf(profiles: Iterable<WholeProfile>): ReadonlyMap<string, Enumeration> {
  const found = new Map<string, Enumeration>();
  for (const profile of profiles) {
    for (const symbol of profile.entries.flatMap((entry) => entry.symbols)) {
      if (symbol.states === undefined) continue;
      const name = enumerationName(profile.name, symbol.name);
      const { names, severity } = symbol.states;
      if (!found.has(name))
        found.set(name, { names: Object.fromEntries(names), ...(severity.size > 0 && { severity: Object.fromEntries(severity) }) });
    }
  }
  return found;
}

/** Name of a value; `invalid` where the enumeration does not know it: the number is reported all the same. */
