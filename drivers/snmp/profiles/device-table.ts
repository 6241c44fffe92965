import type { ColumnDefinition, TableDefinition } from "../metric-sets/metric-set.ts";
import type { Found } from "./find-instances.ts";
import type { WholeProfile } from "./inherit.ts";
import { isColumnText, tagText } from "./tag-label.ts";

/** Device tags as one slow row of texts; what the agent answers as a number stays one. */
export function deviceTable(profile: WholeProfile, found: ReadonlyMap<string, Found>): TableDefinition | undefined {
  const columns: ColumnDefinition[] = [];
  for (const tag of profile.deviceTags) {
    const place = found.get(tag.from.oid);
    if (place === undefined || columns.some((column) => column.metric === tag.name)) continue;
    // One row, one instance: what lies elsewhere has a table of its own for a reason.
    if (place.is !== "instance" || place.index !== "0") continue;
    const base = { metric: tag.name, oid: place.column, unit: "" };
    if (isColumnText(place.sample)) {
      columns.push({ ...base, kind: "text", convert: { is: "own-text", text: (bytes) => tagText(tag, bytes) } });
    } else columns.push({ ...base, kind: "gauge" });
  }
  if (columns.length === 0) return undefined;
  const fixedLabels = profile.staticTags;
  return {
    table: `${profile.name}:device`,
    cadence: "rare",
    scalars: true,
    columns,
    ...(Object.keys(fixedLabels).length > 0 && { fixedLabels }),
  };
}
