import type { DictionaryRecord } from "#model/chunk.ts";
import type { DictionaryRow } from "../store/rows.ts";

/** Groups kept after the gateway removed them; the one removed longest ago goes first. */
export const maxRemovedGroups = 256;

/**
 * What holds of an earlier dictionary of the same run once `record` is here; the record's own groups are the caller's to add. Group ids are never used
 * twice within a run, so that a removed one can still be read in chunks that come late: after an outage the history comes behind the present.
 */
export function continued(
  earlier: Pick<DictionaryRow, "groups" | "removed"> | undefined,
  record: Pick<DictionaryRecord, "full" | "removed" | "groups">,
): { readonly groups: Map<number, number>; readonly removed: ReadonlySet<number> } {
  const groups = new Map(earlier?.groups ?? []);
  const removed = new Set(earlier?.removed ?? []);
  const listed = new Set(record.groups.map((group) => group.groupId));
  const gone = record.full ? [...groups.keys()].filter((groupId) => !listed.has(groupId)) : record.removed;
  for (const groupId of gone) if (groups.has(groupId)) removed.add(groupId);
  for (const groupId of listed) removed.delete(groupId);
  for (const groupId of removed) {
    if (removed.size <= maxRemovedGroups) break;
    removed.delete(groupId);
    groups.delete(groupId);
  }
  return { groups, removed };
}
