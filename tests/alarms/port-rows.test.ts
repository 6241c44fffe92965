import { describe, expect, it } from "vitest";
import { PortRows } from "../../runtime/alarms/watch/port-rows.ts";
import type { TableShape } from "../../runtime/model/report.ts";

const shapeOf = (...keys: readonly string[]): TableShape => {
  const rows = keys.map((key, index) => ({ key, index: String(index + 1), labels: { ifIndex: String(index + 1) } }));
  return { rows } as unknown as TableShape;
};
const port = { isUp: false, adminUp: true, sinceMs: 500, upSinceWallMs: 7_000, byTrap: true } as const;

describe("ports by rows", () => {
  it("follow their names when a table is renumbered, are kept while they are gone and come back", () => {
    const ports = new PortRows();
    ports.adopt(shapeOf("a", "b"));
    ports.put(1, port);
    ports.adopt(shapeOf("b", "c"));
    expect(ports.at(0)).toMatchObject({ isUp: false, adminUp: true, sinceMs: 500, upSinceWallMs: 7_000, byTrap: true });
    expect(ports.keyOfIndex("1")).toBe("b");
    ports.adopt(shapeOf("c"));
    expect(ports.get("b")).toMatchObject(port);
    expect([...ports.broken(Number.POSITIVE_INFINITY)].map(([key]) => key)).toEqual(["b"]);
    ports.adopt(shapeOf("c", "b"));
    expect(ports.at(1)).toMatchObject(port);
    expect(ports.get("c")).toBeUndefined();
  });

  it("know neither-up-nor-down, and a start of unknown age", () => {
    const ports = new PortRows();
    ports.adopt(shapeOf("a"));
    ports.put(0, { isUp: undefined, adminUp: false, sinceMs: 100, upSinceWallMs: undefined, byTrap: false });
    expect(ports.at(0)).toMatchObject({ isUp: undefined, adminUp: false, upSinceWallMs: undefined, byTrap: false });
    expect(ports.isSame(0, undefined, false)).toBe(true);
    expect(ports.isSame(0, true, true)).toBe(false);
  });
});
