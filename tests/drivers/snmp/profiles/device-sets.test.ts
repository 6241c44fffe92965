import { describe, expect, it } from "vitest";
import { cell, tableOf } from "../support/fixtures.ts";
import type { MemoryAgent } from "../support/memory-agent.ts";
import { smallSwitch } from "../support/switch-agent.ts";
import { acme, pollWith } from "./support.ts";

/** `smallSwitch` calls itself `${acme}.1`. */
const head = `sysobjectid: ${acme}.1`;

async function pollBox(metrics: string, agent: MemoryAgent, others: Readonly<Record<string, string>> = {}) {
  const results = await pollWith({ box: `${head}\n${metrics}`, ...others }, agent);
  const last = results.at(-1);
  if (last === undefined) throw new Error("no poll");
  return last;
}

describe("scalars of a profile", () => {
  it("are found with their instance, without the .0, and as columns", async () => {
    const agent = smallSwitch()
      .set(`${acme}.5.1.0`, "gauge32", 11)
      .set(`${acme}.5.2.0`, "gauge32", 12)
      .set(`${acme}.5.3.4`, "gauge32", 13)
      .set(`${acme}.5.4.1`, "gauge32", 14)
      .set(`${acme}.5.4.2`, "gauge32", 15);
    const metrics = `metrics:\n  - MIB: ACME-MIB\n    symbols:\n${[`5.1.0, name: a`, `5.2, name: b`, `5.3.4, name: c`, `5.4, name: d`].map((row) => `      - {OID: ${acme}.${row}}\n`).join("")}`;
    const { report } = await pollBox(metrics, agent);
    expect(cell(tableOf(report, "ACME-MIB:scalars"), "a", "")).toBe(11);
    expect(cell(tableOf(report, "ACME-MIB:scalars"), "b", "")).toBe(12);
    expect(cell(tableOf(report, "ACME-MIB:scalars@box"), "c", "")).toBe(13);
    expect(cell(tableOf(report, "ACME-MIB:d"), "d", "2")).toBe(15);
  });

  it("of one name are fallbacks: the own file's first, then the longer OID, and the first that answers counts", async () => {
    const base = `metrics:\n  - {MIB: B, symbol: {OID: ${acme}.6.1.1.1.0, name: CPU}}\n`;
    const own = `extends: [base]\nmetrics:\n  - {MIB: B, symbol: {OID: ${acme}.6.2.0, name: CPU}}\n  - {MIB: B, symbol: {OID: ${acme}.6.3.1.0, name: CPU}}\n`;
    const all = smallSwitch()
      .set(`${acme}.6.1.1.1.0`, "integer", 1)
      .set(`${acme}.6.2.0`, "integer", 2)
      .set(`${acme}.6.3.1.0`, "integer", 3);
    expect(cell(tableOf((await pollBox(own, all, { base })).report, "B:scalars"), "CPU", "")).toBe(3);
    all.remove(`${acme}.6.3`);
    expect(cell(tableOf((await pollBox(own, all, { base })).report, "B:scalars"), "CPU", "")).toBe(2);
    all.remove(`${acme}.6.2`);
    expect(cell(tableOf((await pollBox(own, all, { base })).report, "B:scalars"), "CPU", "")).toBe(1);
  });

  it("take their type from the wire unless the file says gauge, and their unit from their name or the file", async () => {
    const agent = smallSwitch()
      .set(`${acme}.7.1.0`, "counter64", 5_000_000_000n)
      .set(`${acme}.7.2.0`, "counter64", 5_000_000_000n)
      .set(`${acme}.7.3.0`, "octet-string", new TextEncoder().encode("42.5"))
      .set(`${acme}.7.4.0`, "octet-string", new TextEncoder().encode("not a number"))
      .set(`${acme}.7.5.0`, "integer", 231);
    const metrics = `metrics:\n  - MIB: T\n    symbols:\n      - {OID: ${acme}.7.1.0, name: boxOctets}\n      - {OID: ${acme}.7.2.0, name: size, format: gauge, unit: By}\n      - {OID: ${acme}.7.3.0, name: heat}\n      - {OID: ${acme}.7.4.0, name: words}\n      - {OID: ${acme}.7.5.0, name: volt, scale_factor: 0.1, unit: V, limits: {min: 0, max: 300}}\n`;
    const table = tableOf((await pollBox(metrics, agent)).report, "T:scalars");
    expect(table.shape.metrics.map(({ name, kind, unit, scale }) => [name, kind, unit, scale])).toEqual(
      expect.arrayContaining([
        ["boxOctets", "counter", "By", 1],
        ["size", "gauge", "By", 1],
        ["heat", "gauge", "", 0],
        ["words", "text", "", 1],
        ["volt", "gauge", "V", 10],
      ]),
    );
    expect(cell(table, "size", "")).toBe(5_000_000_000);
    expect(cell(table, "heat", "")).toBe(42.5);
    expect(cell(table, "words", "")).toBe("not a number");
    expect(cell(table, "volt", "")).toBe(23.1);
  });

  it("are converted as the file says", async () => {
    const flags = "0101000000000000001000000000000000000000000000000000000000000000";
    const agent = smallSwitch()
      .text(`${acme}.8.1.0`, "whatever")
      .set(`${acme}.8.2.0`, "octet-string", Uint8Array.of(10, 0, 100, 10))
      .set(`${acme}.8.3.0`, "octet-string", Uint8Array.of(0, 0x1b, 2, 3, 4, 5))
      .set(`${acme}.8.4.0`, "octet-string", Uint8Array.of(1, 2, 0, 0))
      .text(`${acme}.8.5.0`, "  5 Secs ( 96.3762%)   60 Secs ( 62.8549%)")
      .text(`${acme}.8.6.0`, flags)
      .text(`${acme}.8.7.0`, "DOWN")
      .text(`${acme}.8.8.0`, flags)
      .set(`${acme}.8.9.0`, "octet-string", Uint8Array.of(0x80, 0, 0x1f))
      .set(`${acme}.8.10.0`, "octet-string", Uint8Array.of(7, 0xe8, 2, 29, 12, 0, 0, 0, 0x2b, 1, 0))
      .set(`${acme}.8.11.0`, "octet-string", Uint8Array.of(0, 0x1b, 2, 3, 4, 6))
      .set(`${acme}.8.12.0`, "octet-string", Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
      .set(`${acme}.8.13.0`, "octet-string", Uint8Array.of(1, 2))
      .set(`${acme}.8.14.0`, "integer", 9);
    const rows = [
      "8.1.0, name: one, conversion: to_one",
      "8.2.0, name: address, conversion: hextoip",
      "8.3.0, name: hardware, conversion: hwaddr",
      "8.4.0, name: number, conversion: 'hextoint:LittleEndian:uint32'",
      "8.5.0, name: load, conversion: 'regexp:60 Secs \\( ?(\\d+)'",
      "8.6.0, name: power, conversion: powerset_status",
      "8.7.0, name: link, enum: {up: 1, down: 2}",
      "8.9.0, name: engine, conversion: engine_id",
      "8.10.0, name: made, conversion: timestamp",
      "8.11.0, name: port, format: mac_address",
      "8.12.0, name: peer, format: ip_address",
      "8.13.0, name: big, conversion: 'hextoint:BigEndian:uint16'",
      "8.14.0, name: mode, enum: {auto: 1}",
    ];
    const flag = `  - {MIB: C, metric_type: flag_stream, options: {placement: 2, metric_suffix: OnBattery}, symbol: {OID: ${acme}.8.8.0, name: ups}}\n`;
    const metrics = `metrics:\n  - MIB: C\n    symbols:\n${rows.map((row) => `      - {OID: ${acme}.${row}}\n`).join("")}${flag}`;
    const table = tableOf((await pollBox(metrics, agent)).report, "C:scalars");
    const values = Object.fromEntries(table.shape.metrics.map(({ name }) => [name, cell(table, name, "")]));
    expect(values).toEqual({
      one: 1,
      address: "10.0.100.10",
      hardware: "00:1b:02:03:04:05",
      number: 513,
      load: 62,
      power: 3,
      link: 2,
      engine: "80:00:1f",
      made: Date.UTC(2024, 1, 29, 11) / 1_000,
      port: "00:1b:02:03:04:06",
      peer: expect.stringMatching(/^2001:0?db8:/),
      big: 258,
      mode: 9,
      "ups.OnBattery": 1,
    });
  });
});

describe("tables of a profile", () => {
  const entry = `${acme}.20.1`;
  const rows = (): MemoryAgent => {
    const agent = smallSwitch();
    for (const row of [1, 2]) {
      agent.set(`${entry}.2.${row}.7`, "gauge32", row * 10);
      agent.text(`${entry}.3.${row}.7`, `slot-${row}/A`);
      agent.set(`${entry}.4.${row}.7`, "integer", row);
      agent.text(`${acme}.30.1.2.${row}`, `card ${row}`);
    }
    return agent;
  };
  const tags = [
    "{tag: slot_name, column: {OID: X.3, name: slotName}}",
    "{tag: state, symbol: {OID: X.4, name: slotState}, mapping: {1: up, 2: down}}",
    "{tag: unit, index: 2}",
    "{tag: position, index: 1, mapping: {1: left, 2: right}}",
    `{tag: card, table: cardTable, column: {OID: ${acme}.30.1.2, name: cardName}, index_transform: [{start: 0, end: 0}]}`,
    "{column: {OID: X.3, name: slotName}, match: '(\\w+)-(\\d+)/(\\w)', tags: {kind: \\1, number: $2}}",
  ];
  const table = (extra = "") =>
    `static_tags: ['site_class:lab']\nmetrics:\n  - MIB: ACME-MIB\n    table: {OID: ${acme}.99, name: slotTable}\n    symbols: [{OID: X.2, name: slotHeat}, {name: slotThere, constant_value_one: true}]\n    metric_tags:\n${tags.map((tag) => `      - ${tag}\n`).join("")}${extra}`.replaceAll(
      "X",
      entry,
    );

  it("label their rows by columns, mappings, index, other tables and pieces of values, wherever the columns lie", async () => {
    const found = tableOf((await pollBox(table(), rows())).report, "ACME-MIB:slotTable");
    expect(found.shape.rows.map(({ labels }) => labels)).toEqual([
      {
        index: "1.7",
        slot_name: "slot-1/A",
        state: "up",
        unit: "7",
        position: "left",
        card: "card 1",
        kind: "slot",
        number: "1",
        site_class: "lab",
      },
      {
        index: "2.7",
        slot_name: "slot-2/A",
        state: "down",
        unit: "7",
        position: "right",
        card: "card 2",
        kind: "slot",
        number: "2",
        site_class: "lab",
      },
    ]);
    expect(cell(found, "slotHeat", "2.7")).toBe(20);
    expect(cell(found, "slotThere", "2.7")).toBe(1);
  });

  it("without tags are labelled by their index", async () => {
    const found = tableOf(
      (await pollBox(`metrics:\n  - {table: {OID: ${acme}.20, name: bare}, symbols: [{OID: ${entry}.2, name: heat}]}`, rows())).report,
      "box:bare",
    );
    expect(found.shape.rows.map(({ labels }) => labels)).toEqual([{ index: "1.7" }, { index: "2.7" }]);
  });

  it("of one name are both kept where the file says so, and hints for other pollers change nothing", async () => {
    const metrics = `metrics:
  - {MIB: D, is_interface: true, walk_full_table: true, table: {OID: ${acme}.21, name: old}, symbols: [{OID: ${acme}.21.1.2, name: CPU, allow_duplicate: true}]}
  - {MIB: D, table: {OID: ${acme}.20, name: new}, symbols: [{OID: ${entry}.2, name: CPU, allow_duplicate: true}]}
no_use_bulkwalkall: true
`;
    const one = (await pollBox(metrics, rows())).report;
    expect(cell(tableOf(one, "D:new"), "CPU", "2.7")).toBe(20);
    const both = (await pollBox(metrics, rows().set(`${acme}.21.1.2.1`, "gauge32", 5))).report;
    expect([cell(tableOf(both, "D:old"), "CPU", "1"), cell(tableOf(both, "D:new"), "CPU", "2.7")]).toEqual([5, 20]);
  });

  it("keep only the rows whose attributes match, and a value only on its condition", async () => {
    const metrics = `metrics:\n  - table: {OID: ${acme}.20, name: slots}\n    symbols:\n      - {OID: ${entry}.2, name: heat, condition: state=2}\n      - {OID: ${entry}.4, name: state, enum: {up: 1, down: 2}}\n    metric_tags: [{tag: name, column: {OID: ${entry}.3, name: slotName, match_attributes: ['slot-[12]']}}]\n`;
    const found = tableOf((await pollBox(metrics, rows())).report, "box:slots");
    expect(found.shape.rows).toHaveLength(2);
    expect(cell(found, "heat", "1.7")).toBeUndefined();
    expect(cell(found, "heat", "2.7")).toBe(20);
    const fewer = tableOf((await pollBox(metrics.replace("slot-[12]", "slot-2"), rows())).report, "box:slots");
    expect(fewer.shape.rows.map(({ key }) => key)).toEqual(["2.7"]);
  });

  it("never replace or double what the built-in sets poll", async () => {
    const metrics = `metrics:\n  - MIB: IF-MIB\n    table: {OID: 1.3.6.1.2.1.2.2, name: ifTable}\n    symbols: [{OID: 1.3.6.1.2.1.31.1.1.1.6, name: ifHCInOctets}, {OID: 1.3.6.1.2.1.2.2.1.8, name: linkState}]\n`;
    const { report } = await pollBox(metrics, smallSwitch());
    const names = report.tables.map((found) => [found.shape.table, found.shape.metrics.map(({ name }) => name)]);
    expect(names.filter(([, metric]) => metric?.includes("ifHCInOctets"))).toHaveLength(1);
    expect(names).toContainEqual(["IF-MIB:ifTable@box", ["linkState"]]);
  });
});

describe("a device", () => {
  it("is known by its profile's metadata and tags, field by field, with evidence", async () => {
    const agent = smallSwitch()
      .text(`${acme}.40.1.0`, "Model: Box 9 rev B")
      .text(`${acme}.40.3.0`, "SN-1")
      .text(`${acme}.40.4.0`, "v1.2.3");
    const text = `${head}
metadata:
  device:
    fields:
      vendor: {value: ACME}
      type: {value: router}
      model: {symbols: [{OID: ${acme}.40.9.0, name: none}, {OID: ${acme}.40.1.0, name: model, extract_value: 'Model: (.+) rev'}]}
      version: {symbol: {OID: ${acme}.40.4, name: version, match_pattern: 'v(\\d+)\\.(\\d+)', match_value: '$1.$2'}}
metric_tags:
  - {tag: serial_number, column: {OID: ${acme}.40.3.0, name: serial}}
  - {OID: ${acme}.40.1.0, symbol: model_text}
`;
    const results = await pollWith({ box: text }, agent);
    expect(results[0]?.inventory?.identity).toMatchObject({
      vendor: "ACME",
      model: "Box 9",
      serial: "SN-1",
      firmware: "1.2",
      deviceClass: "router",
    });
    expect(results[0]?.inventory?.identity.evidence[0]).toContain("profile box (sysObjectID)");
    const last = results.at(-1);
    if (last === undefined) throw new Error("no poll");
    const device = results.flatMap(({ report }) => report.tables).find(({ shape }) => shape.table === "box:device");
    expect(device?.shape.metrics.map(({ name }) => name)).toEqual(["serial_number", "model_text"]);
  });
});
