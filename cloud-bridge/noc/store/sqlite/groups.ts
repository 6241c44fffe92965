import { createHash } from "node:crypto";
import type { DictionarySeries } from "#model/chunk.ts";
import type { GroupRow } from "../rows.ts";
import type { Connection } from "./connection.ts";

/** By the index `series_group_places` alone. */
export const countPlaces = "SELECT coalesce(sum(json_array_length(series)), 0) AS n FROM series_group WHERE gateway = ?";

/** Finds a group by content or adds it with its series; undefined = it would exceed `maxSeries` of the gateway. */
export function internGroup(
  db: Connection,
  gatewayRef: number,
  group: Omit<GroupRow, "ref" | "gatewayRef">,
  maxSeries: number,
): GroupRow | undefined {
  const series = JSON.stringify(group.series);
  const digest = createHash("sha256").update(`${group.equipment}\n${group.table}\n${group.intervalMs}\n${series}`).digest();
  const known = db.get<{ ref: number }>("SELECT ref FROM series_group WHERE gateway = ? AND digest = ?", gatewayRef, digest);
  if (known !== undefined) return { ref: known.ref, gatewayRef, ...group };
  const places = db.get<{ n: number }>(countPlaces, gatewayRef);
  // Places, not series: a gateway that renames its groups for ever is bounded as well.
  if ((places?.n ?? 0) + group.series.length > maxSeries) return undefined;
  const ref = db.insert(
    "INSERT INTO series_group (gateway, digest, equipment, tbl, iv, series) VALUES (?, ?, ?, ?, ?, ?)",
    ...[gatewayRef, digest, group.equipment, group.table, group.intervalMs, series],
  );
  for (const [column, member] of group.series.entries()) addPlace(db, { ref, gatewayRef, ...group }, member, column);
  return { ref, gatewayRef, ...group };
}

function addPlace(db: Connection, group: GroupRow, member: DictionarySeries, column: number): void {
  const labels = JSON.stringify(member.labels);
  const words = [group.equipment, group.table, member.metric, member.rowKey, ...Object.values(member.labels)].join(" ").toLowerCase();
  const row = db.get<{ ref: number }>(
    `INSERT INTO series (gateway, equipment, tbl, metric, row_key, labels, kind, unit, words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (gateway, equipment, tbl, metric, row_key) DO UPDATE SET labels = excluded.labels, kind = excluded.kind, unit = excluded.unit,
     words = excluded.words RETURNING ref`,
    ...[group.gatewayRef, group.equipment, group.table, member.metric, member.rowKey, labels, member.kind, member.unit, words],
  );
  if (row === undefined) return;
  db.run("INSERT INTO series_place (series, grp, col) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row.ref, group.ref, column);
}
