import type { DictionaryRow } from "../rows.ts";

export interface DictionaryColumns {
  stream: number;
  seq: number;
  gateway: number;
  rev: number;
  groups: string;
}

/** What was removed stands last, oldest first, with a 1 behind it. */
export function groupsText({ groups, removed }: Pick<DictionaryRow, "groups" | "removed">): string {
  const present = [...groups].filter(([groupId]) => !removed.has(groupId));
  const gone = [...removed].map((groupId) => [groupId, groups.get(groupId), 1] as const);
  return JSON.stringify([...present, ...gone]);
}

export function dictionaryOf(c: DictionaryColumns): DictionaryRow {
  const entries = JSON.parse(c.groups) as readonly (readonly [number, number, number?])[];
  const groups = new Map(entries.map(([groupId, ref]) => [groupId, ref]));
  const removed = new Set(entries.flatMap(([groupId, , gone]) => (gone === 1 ? [groupId] : [])));
  return { streamRef: c.stream, gatewayRef: c.gateway, seq: c.seq, revision: c.rev, groups, removed };
}
