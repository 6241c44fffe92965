import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Report } from "#model/report.ts";
import type { SnmpType, Varbind } from "#ports/snmp.ts";
import { builtInSets } from "../../../../drivers/snmp/metric-sets/built-in-sets.ts";
import { Bench } from "../support/fixtures.ts";
import type { MemoryAgent } from "../support/memory-agent.ts";
import { smallSwitch } from "../support/switch-agent.ts";

const tables = builtInSets.flatMap((set) => set.tables);
const columns = tables.flatMap((table) => [
  ...table.columns.flatMap((column) => [column.oid, column.fallback ?? column.oid]),
  ...(table.labels ?? []).flatMap((label) => (label.oid === "" ? [] : [label.oid])),
]);
const identityOids = builtInSets.flatMap((set) => (set.identity ?? []).flatMap((rule) => rule.oid ?? []));

const value: fc.Arbitrary<{ type: SnmpType; value: Varbind["value"] }> = fc.oneof(
  fc.record({
    type: fc.constantFrom<SnmpType>("integer", "gauge32", "counter32", "timeticks"),
    value: fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
  }),
  fc.record({ type: fc.constant<SnmpType>("counter64"), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({ type: fc.constantFrom<SnmpType>("octet-string", "opaque"), value: fc.uint8Array({ maxLength: 64 }) }),
  fc.record({
    type: fc.constant<SnmpType>("octet-string"),
    value: fc.string({ maxLength: 300 }).map((text) => new TextEncoder().encode(text)),
  }),
  fc.record({ type: fc.constantFrom<SnmpType>("oid", "ip-address"), value: fc.constantFrom("1.3.6.1.2.1.25.2.1.4", "0.0", "192.0.2.1") }),
  fc.record({ type: fc.constant<SnmpType>("null"), value: fc.constant(undefined) }),
);
const index = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(String),
  fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 20 }).map((arcs) => arcs.join(".")),
  fc.constantFrom("0", "1", "2"),
);
const variable = fc.oneof(
  fc.tuple(fc.constantFrom(...columns), index).map(([column, at]) => `${column}.${at}`),
  fc.constantFrom(...identityOids),
);
const spoiling = fc.array(fc.tuple(variable, value), { minLength: 1, maxLength: 60 });

function spoil(agent: MemoryAgent, changes: readonly (readonly [string, { type: SnmpType; value: Varbind["value"] }])[]): void {
  for (const [oid, { type, value: content }] of changes) agent.set(oid, type, content);
}

function faultsOf(report: Report): string[] {
  const faults: string[] = [];
  for (const { shape, columns: read } of report.tables) {
    if (new Set(shape.rows.map((row) => row.key)).size !== shape.rows.length) faults.push(`${shape.table} keys`);
    if (shape.rows.some((row) => /\p{Cc}/u.test(row.key + Object.values(row.labels).join("")))) faults.push(`${shape.table} labels`);
    for (const [position, column] of read.entries()) {
      const { name } = shape.metrics[position] ?? { name: "?" };
      for (let row = 0; row < shape.rows.length; row++) {
        if (column.present[row] !== 1) continue;
        if (column.kind === "number" && !Number.isFinite(column.value[row])) faults.push(`${shape.table} ${name}`);
        if (column.kind === "counter" && (column.increment[row] ?? 0) < 0) faults.push(`${shape.table} ${name}`);
        if (column.kind === "text" && /\p{Cc}/u.test(column.value[row] ?? "")) faults.push(`${shape.table} ${name}`);
      }
    }
  }
  return faults;
}

describe("agents that answer anything to anything", () => {
  it("never get an unsound value into a report, and never an error that is not theirs out of a poll", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(spoiling, { minLength: 1, maxLength: 4 }), async (rounds) => {
        const agent = smallSwitch();
        const bench = new Bench(agent, { rareIntervalMs: 60_000, slowIntervalMs: 60_000 });
        for (const round of rounds) {
          spoil(agent, round);
          for (let poll = 0; poll < 3; poll++) {
            const { report, events } = await bench.next();
            expect(faultsOf(report)).toEqual([]);
            expect(events.length).toBeLessThanOrEqual(16);
          }
        }
      }),
      { numRuns: Number(process.env["GATEHOUSE_FUZZ_RUNS"] ?? 60) },
    );
  });
});
