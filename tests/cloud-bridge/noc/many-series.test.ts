import Sqlite from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { defaultIngestLimits } from "../../../cloud-bridge/noc/ingest/limits.ts";
import { countPlaces } from "../../../cloud-bridge/noc/store/sqlite/groups.ts";
import { migrate } from "../../../cloud-bridge/noc/store/sqlite/schema.ts";

const switches = 1_000;
const seriesOfSwitch = 48 * 20;

describe("a site of 1,000 switches at the NOC", () => {
  it("is within the limit of series", () => {
    expect(defaultIngestLimits.maxSeries).toBeGreaterThan(switches * seriesOfSwitch);
  });

  it("is counted without reading its series", () => {
    const database = new Sqlite(":memory:");
    try {
      migrate(database);
      const plan = database.prepare<[number], { detail: string }>(`EXPLAIN QUERY PLAN ${countPlaces}`).all(1);
      expect(plan.map(({ detail }) => detail).join()).toMatch(/USING COVERING INDEX/);
      const add = database.prepare(
        "INSERT INTO series_group (gateway, digest, equipment, tbl, iv, series) VALUES (?, ?, 'sw', 't', 5000, ?)",
      );
      add.run(1, Buffer.of(1), "[1,2,3]");
      add.run(1, Buffer.of(2), "[]");
      add.run(2, Buffer.of(1), "[1]");
      expect(database.prepare(countPlaces).get(1)).toEqual({ n: 3 });
      expect(database.prepare(countPlaces).get(3)).toEqual({ n: 0 });
    } finally {
      database.close();
    }
  });
});
