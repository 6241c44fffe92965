import type { Peer } from "./peer.ts";
import { compacted, type PreparedRequest } from "./request.ts";
import type { Care } from "./table-care.ts";
import { blockSpec, layOut } from "./table-layout.ts";
import type { Opening } from "./table-opening.ts";
import type { Block, CompiledPlan } from "./table-plan.ts";

/** Cuts what is not excluded. @param sentinel one varbind more asks for what follows the last row */
export function cutBlocks(
  plan: CompiledPlan,
  excluded: Uint8Array | undefined,
  by: { readonly peer: Peer; readonly care: Care; readonly sentinel: boolean; readonly opening?: Opening | undefined },
): readonly Block[] {
  const { learned, security } = by.peer;
  return layOut(plan, excluded, {
    learned,
    overheadBytes: security.overheadBytes,
    type: by.care.requestType(plan),
    maxCells: by.care.maxCells,
    sentinel: by.sentinel,
    opening: by.opening,
  });
}

/** Cuts a plan for its reads to come: by the values of the last one where they are still here, else by the longest seen. */
export function cutPlan(plan: CompiledPlan, peer: Peer, care: Care): void {
  plan.isCutBlindly = !plan.holdsValues;
  plan.take(cutBlocks(plan, plan.excluded(), { peer, care, sentinel: true, opening: plan.opening }), peer.security.sharedBy);
  plan.cutFor = peer.learned.revision;
}

/** The request of a block, made when it is first needed and kept in `requests` at its place. */
export function requestFor(
  plan: CompiledPlan,
  peer: Peer,
  block: Block,
  place: number,
  requests: (PreparedRequest | undefined)[],
): PreparedRequest {
  const { security } = peer;
  const known = requests[place];
  if (known !== undefined && known.revision === security.revision) return known;
  return makeRequest(plan, peer, block, place, requests);
}

function makeRequest(
  plan: CompiledPlan,
  { security }: Peer,
  block: Block,
  place: number,
  requests: (PreparedRequest | undefined)[],
): PreparedRequest {
  const made = plan.requestOf(block, security.sharedBy, () => compacted(security.prepare(blockSpec(plan, block))));
  requests[place] = made;
  return made;
}
