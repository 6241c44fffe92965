import { describe, expect, it } from "vitest";
import { parseProfile } from "../../../../drivers/snmp/profiles/parse-profile.ts";
import { acme, parsed, problemsOf } from "./support.ts";

const symbols = (text: string) => parsed(text).entries.flatMap((entry) => entry.symbols);
const symbol = (rows: string) => symbols(`metrics:\n  - symbol:\n${rows.replace(/^/gm, "      ")}`)[0];

describe("a profile's top", () => {
  it("reads sysObjectIDs in every spelling: text, list, prefix, leading dot, star without dot, capital letters", () => {
    expect(parsed(`sysobjectid: ${acme}.1`).objectIds).toEqual([{ oid: `${acme}.1`, isPrefix: false }]);
    expect(parsed(`sysObjectID:\n  - .${acme}.2.*\n  - ${acme}.43.45*`).objectIds).toEqual([
      { oid: `${acme}.2`, isPrefix: true },
      { oid: `${acme}.43.45`, isPrefix: true },
    ]);
  });

  it("reads scalars that end with a tab", () => {
    expect(parsed(`sysobjectid: ${acme}.1\t\nprovider: acme\t\n`).objectIds).toEqual([{ oid: `${acme}.1`, isPrefix: false }]);
  });

  it("names each unknown key once per file, with line and key", () => {
    const text = `sysobjectid: ${acme}.1\nbogus: 1\nmetrics:\n  - symbol: {OID: ${acme}.1.0, name: a, odd: 1}\n  - symbol: {OID: ${acme}.2.0, name: b, odd: 2}\n`;
    expect(problemsOf(text)).toEqual([
      "2 bogus: unknown key; it is left out [note]",
      "4 metrics[0].symbol.odd: unknown key; it is left out [note]",
    ]);
  });

  it("knows the hints that are meant for other programs, and says nothing of them", () => {
    expect(problemsOf(`sysobjectid: ${acme}.1\nno_use_bulkwalkall: true\nsysmap:\n  a: b\n`)).toEqual([]);
  });

  it("keeps the order of the file in matches and reads matches_list", () => {
    const text = "matches:\n  '^zeta': z.yml\n  '^alpha': a.yml\nmatches_list:\n  - {regex: first, target: f}\n";
    expect(parsed(text).redirects.map(({ target }) => target)).toEqual(["f", "z", "a"]);
  });

  it("reads static tags as list and as mapping, extends by base name, probes, priority and the old vendor", () => {
    const text = `extends: [lib/_base.yaml]\nstatic_tags: ["device_vendor:acme"]\npriority: 7\ndevice: {vendor: acme}\nprobe:\n  - {OID: ${acme}.1.0, contains: Box}\n`;
    expect(parsed(text)).toMatchObject({ extends: ["_base"], staticTags: { device_vendor: "acme" }, priority: 7, vendor: "acme" });
    expect(parsed(text).probes).toMatchObject([{ oid: `${acme}.1.0`, contains: "box" }]);
    expect(parsed(`static_tags: {site: hq}\nmetrics: []`).staticTags).toEqual({ site: "hq" });
  });

  it.each([
    [
      "a pasted module of another product",
      "acme:\n  walk: [1.3.6]\n  metrics:\n    - {name: a, oid: 1.3.6, type: gauge, help: x}\n",
      "is not a profile",
    ],
    ["a list", "- a\n- b\n", "is not a profile"],
    ["nothing", "", "is empty"],
    ["broken YAML", "metrics:\n  - a: [1\n", "is not YAML"],
    ["101 aliases", `base: &a {x: 1}\nmetrics:\n${"  - *a\n".repeat(101)}`, "more than 100 aliases"],
  ])("refuses %s as a whole", (_, text, problem) => {
    const { profile, problems } = parseProfile("x.yaml", text, "user");
    expect(profile).toBeUndefined();
    expect(problems[0]?.costs).toBe("file");
    expect(problems[0]?.problem).toContain(problem);
  });

  it("leaves a file of traps to whom it belongs", () => {
    expect(parseProfile("traps.yml", "traps: []", "user")).toEqual({ profile: undefined, problems: [] });
  });

  it("does not run custom tags", () => {
    expect(problemsOf(`sysobjectid: !!js/function ${acme}.1\n`)[0]).toContain("the tag is left out");
  });

  it("takes no more than 2,000 OIDs", () => {
    const rows = Array.from({ length: 2_100 }, (_, index) => `  - symbol: {OID: ${acme}.${index}.0, name: m${index}}`);
    const text = `metrics:\n${rows.join("\n")}\n`;
    expect(parsed(text).entries).toHaveLength(2_000);
    expect(problemsOf(text)[0]).toContain("more than 2000 OIDs");
  });
});

describe("a row", () => {
  it("that is broken costs itself only: malformed OID, tag without column, symbol of nulls", () => {
    const text = [
      "metrics:",
      "  - symbol: {OID: 1.3.6.acmeModel.0, name: bad}",
      "  - symbol: {OID: null, name: null}",
      `  - table: {OID: ${acme}.1, name: t}`,
      `    symbols: [{OID: ${acme}.1.1.2, name: good}]`,
      "    metric_tags: [{tag: broken}]",
    ].join("\n");
    expect(symbols(text).map(({ name }) => name)).toEqual(["good"]);
    expect(problemsOf(text)).toEqual([
      "2 metrics[0].symbol.OID: is not an OID [row]",
      "6 metrics[2].metric_tags[0]: has neither column, OID nor index [row]",
    ]);
  });

  it("comes in four forms: symbol, table with symbols, symbols alone, old OID and name", () => {
    const text = `metrics:\n  - {symbol: {OID: ${acme}.1.0, name: a}}\n  - {table: {OID: ${acme}.2, name: t}, symbols: [{OID: ${acme}.2.1.1, name: b}]}\n  - {symbols: [{OID: ${acme}.3.0, name: c}]}\n  - {MIB: M, OID: ${acme}.4.0, name: d}\n`;
    expect(symbols(text).map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
    expect(parsed(text).entries.map(({ table }) => table)).toEqual([undefined, "t", undefined, undefined]);
  });

  it("never runs a script", () => {
    const text = `metrics:\n  - symbol: {OID: ${acme}.1.0, name: a, script: "def main(n): pass"}\n`;
    expect(symbols(text)).toHaveLength(1);
    expect(problemsOf(text)[0]).toContain("scripts never run");
  });
});

describe("a symbol", () => {
  it("is renamed by tag, slowed by poll_time_sec, forced to a gauge by format", () => {
    expect(symbol(`OID: ${acme}.1.0\nname: long\ntag: CPU\npoll_time_sec: 300\nformat: gauge`)).toMatchObject({
      name: "CPU",
      pollIntervalS: 300,
      type: "gauge",
    });
  });

  it("keeps enum keys that YAML would make booleans, and skips nested and empty ones", () => {
    const states = symbol(`OID: ${acme}.1.0\nname: a\nenum:\n  true: 1\n  no: 2\n  broken:\n    deeper: 3\n  empty:\n  other: 1`)?.states;
    expect([...(states?.names ?? [])]).toEqual([
      [1, "true"],
      [2, "no"],
    ]);
    expect(states?.values.get("other")).toBe(1);
  });

  it("reads Datadog's mapping the other way round, with our severities", () => {
    const states = symbol(`OID: ${acme}.1.0\nname: a\nmapping: {1: up, 2: down}\nseverity: {up: ok, 2: critical}`)?.states;
    expect([...(states?.names ?? [])]).toEqual([
      [1, "up"],
      [2, "down"],
    ]);
    expect([...(states?.severity ?? [])]).toEqual([
      [1, "ok"],
      [2, "critical"],
    ]);
  });

  it.each([
    ["monotonic_count", "counter"],
    ["gauge", "gauge"],
    ["monotonic_count_and_rate", "counter"],
    ["percent", "counter"],
  ])("of metric_type %s is a %s", (type, expected) => {
    expect(symbols(`metrics:\n  - {metric_type: ${type}, symbol: {OID: ${acme}.1.0, name: a}}`)[0]?.type).toBe(expected);
    expect(symbols(`metrics:\n  - {forced_type: ${type}, symbol: {OID: ${acme}.1.0, name: a}}`)[0]?.type).toBe(expected);
  });

  it("of a flag stream has a place and a suffix", () => {
    const text = `metrics:\n  - {metric_type: flag_stream, options: {placement: 4, metric_suffix: OnLine}, symbol: {OID: ${acme}.1.0, name: state}}`;
    expect(symbols(text)[0]).toMatchObject({ name: "state.OnLine", type: "flag", flag: 4 });
  });

  it.each(["(a{99}){99}", "(?=x)y", "(x)\\1", "["])("refuses the pattern %s", (pattern) => {
    const text = `metrics:\n  - symbol: {OID: ${acme}.1.0, name: a, extract_value: '${pattern}'}`;
    expect(problemsOf(text)[0]).toContain("pattern");
    expect(symbols(text)[0]?.extract).toBeUndefined();
  });

  it("has a condition of the form name=integer", () => {
    expect(symbol(`OID: ${acme}.1.0\nname: a\ncondition: state=2`)?.onlyIf).toEqual({ metric: "state", equals: 2 });
    expect(problemsOf(`metrics:\n  - symbol: {OID: ${acme}.1.0, name: a, condition: state}`)[0]).toContain("name=integer");
  });
});
