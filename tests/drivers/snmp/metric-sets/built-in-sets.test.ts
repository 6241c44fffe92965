import { describe, expect, it } from "vitest";
import { builtInSets } from "../../../../drivers/snmp/metric-sets/built-in-sets.ts";
import { enumerations } from "../../../../drivers/snmp/metric-sets/enumerations.ts";
import { commonRoot } from "../../../../drivers/snmp/session/probe-tables.ts";

const tables = builtInSets.flatMap((set) => set.tables);
const oidPattern = /^1\.(0|3)(\.(0|[1-9]\d*)){4,}$/;
/** The UCUM codes that the sets use; one that is not here was mistyped or must be thought about. */
const units = new Set(["", "%", "/min", "A", "By", "Cel", "Hz", "V", "W", "bit/s", "dB{mW}", "m3/min", "min", "ms", "s"]);

describe("the built-in metric sets", () => {
  it("have names of their own, as have their tables", () => {
    expect(new Set(builtInSets.map((set) => set.name)).size).toBe(builtInSets.length);
    expect(new Set(tables.map((table) => table.table)).size).toBe(tables.length);
  });

  it("have well-formed OIDs without instance", () => {
    const oids = tables.flatMap((table) => [
      ...table.columns.flatMap((column) => [column.oid, column.fallback ?? column.oid]),
      ...(table.labels ?? []).flatMap((label) => (label.format === "index-name" ? [] : [label.oid])),
    ]);
    expect(oids.filter((oid) => !oidPattern.test(oid) || oid.endsWith(".0"))).toEqual([]);
  });

  it.each(tables.map((table) => [table.table, table] as const))("%s is consistent in itself", (_, table) => {
    const labels = new Set((table.labels ?? []).map((label) => label.name));
    const metrics = new Set(table.columns.map((column) => column.metric));
    expect(table.columns.length).toBeGreaterThan(0);
    expect(metrics.size).toBe(table.columns.length);
    for (const name of [...(table.key ?? []), ...(table.tiebreak ?? []), ...(table.skip ?? []).map((rule) => rule.label)]) {
      expect(labels).toContain(name);
    }
    if (table.split !== undefined) {
      expect(labels).toContain(table.split.label);
      for (const split of Object.values(table.split.cases)) expect(metrics).toContain(split.metric);
      const suffixes = Object.values(table.split.cases).map((split) => split.suffix);
      expect(new Set(suffixes).size).toBe(suffixes.length);
    }
    if (table.rowsOf !== undefined) expect(tables.map((other) => other.table)).toContain(table.rowsOf);
    for (const column of table.columns) if (column.onlyIf !== undefined) expect(metrics).toContain(column.onlyIf.metric);
  });

  it("know every enumeration that they name, and give states nothing else as a unit", () => {
    for (const column of tables.flatMap((table) => table.columns)) {
      if (column.kind !== "state") continue;
      expect(column.unit).toMatch(/^enum:/);
      expect(enumerations).toHaveProperty(column.unit.slice(5));
    }
    for (const label of tables.flatMap((table) => table.labels ?? [])) {
      if (label.format === "enum") expect(enumerations).toHaveProperty(label.enumeration ?? "missing");
    }
  });

  it("use UCUM units", () => {
    const used = tables.flatMap((table) => table.columns.filter((column) => column.kind !== "state").map((column) => column.unit));
    expect(used.filter((unit) => !units.has(unit) && !/^\{[a-z]+\}$/.test(unit))).toEqual([]);
  });

  it("give a generic severity only to values that the enumeration names", () => {
    for (const [name, enumeration] of Object.entries(enumerations)) {
      for (const value of Object.keys(enumeration.severity ?? {})) expect(enumeration.names, name).toHaveProperty(value);
    }
  });

  it("leave tables that are large or dear to those who ask for them", () => {
    const dear = ["1.3.6.1.2.1.17.4.3", "1.3.6.1.2.1.17.7.1.2.2", "1.3.6.1.2.1.4.24", "1.3.6.1.2.1.4.22", "1.3.6.1.2.1.25.4.2"];
    const on = builtInSets.filter((set) => set.optional !== true).flatMap((set) => set.tables);
    const asked = on.flatMap((table) => table.columns.map((column) => column.oid));
    expect(asked.filter((oid) => dear.some((root) => oid.startsWith(`${root}.`)))).toEqual([]);
  });

  it("find the deepest subtree of a table's columns for probing", () => {
    const processor = tables.find((table) => table.table === "HOST-RESOURCES-MIB:hrProcessorTable");
    const memory = tables.find((table) => table.table === "UCD-SNMP-MIB:memory");
    expect(processor && commonRoot(processor)).toBe("1.3.6.1.2.1.25.3.3.1");
    expect(memory && commonRoot(memory)).toBe("1.3.6.1.4.1.2021.4");
  });
});
