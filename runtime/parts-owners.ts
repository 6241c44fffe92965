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
  /** Absent when the gateway is not updated by itself. */
  readonly firmware?: DocumentOwner;
}

export function documentOwners(parts: OwnerParts): readonly DocumentOwner[] {
  const { configuration, firmware } = parts;
  return [configuration, ...(firmware === undefined ? [] : [firmware])];
}
