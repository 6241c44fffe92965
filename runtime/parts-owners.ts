/**
 * Who puts which kind of document of the desired state into effect: one list, one line per room. The engine owns signature, generation,
 * fetching, confirmed commit and the report; an owner checks and applies its kinds (`ports/desired-state.ts`).
 */
import type { DocumentOwner } from "#ports/desired-state.ts";
import type { State } from "#ports/state.ts";
import type { ConfigurationOwner } from "./configuration-owner.ts";

/** What owners may be made of. Add what your room needs. */
export interface OwnerParts {
  readonly state: State;
  readonly configuration: ConfigurationOwner;
}

export function documentOwners(parts: OwnerParts): readonly DocumentOwner[] {
  return [parts.configuration];
}
