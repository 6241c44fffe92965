/**
 * Who puts which kind of document of the desired state into effect: one list, one line per room. The engine owns signature, generation,
 * fetching, confirmed commit and the report; an owner checks and applies its kinds (`ports/desired-state.ts`).
 */
import type { DocumentOwner } from "#ports/desired-state.ts";
import type { FlowWing } from "#ports/flow-ground.ts";
import type { State } from "#ports/state.ts";
import type { ConfigurationOwner } from "./configuration-owner.ts";

/** What owners may be made of. Add what your room needs. */
export interface OwnerParts {
  readonly state: State;
  readonly configuration: ConfigurationOwner;
  /** Absent when the gateway is not updated by itself. */
  readonly firmware?: DocumentOwner;
  readonly flows: FlowWing;
}

export function documentOwners(parts: OwnerParts): readonly DocumentOwner[] {
  const { configuration, firmware, flows } = parts;
  return [configuration, flows.documents, ...(firmware === undefined ? [] : [firmware])];
}
