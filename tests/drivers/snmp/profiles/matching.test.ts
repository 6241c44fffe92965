import { describe, expect, it } from "vitest";
import type { LogFields, Logger } from "#ports/logger.ts";
import type { DeviceHead } from "../../../../drivers/snmp/profiles/match-profiles.ts";
import { ProfileBook } from "../../../../drivers/snmp/profiles/profile-book.ts";
import { silentLogger } from "../support/fixtures.ts";
import { acme, bookOf, parsed } from "./support.ts";

const generic = "1.3.6.1.4.1.8072.3.2.10";

function choose(files: Readonly<Record<string, string>>, head: Partial<DeviceHead>): readonly string[] {
  const full = { sysObjectId: undefined, sysDescr: undefined, probed: new Map(), forced: undefined, ...head };
  return bookOf(files)
    .choose(full)
    .matches.map(({ profile }) => profile.name);
}

describe("matching", () => {
  const files = {
    exact: `sysobjectid: ${acme}.1.5`,
    near: `sysobjectid: ${acme}.1.*`,
    far: `sysobjectid: ${acme}.*`,
  };

  it.each([
    [`${acme}.1.5`, "exact"],
    [`${acme}.1.50`, "near"],
    [`${acme}.2`, "far"],
    [`${acme}9.1`, undefined],
  ])("takes for %s the profile %s: exact, then the longest prefix by whole arcs", (sysObjectId, expected) => {
    expect(choose(files, { sysObjectId })[0]).toBe(expected);
  });

  it("redirects by a pattern on lower-cased sysDescr whatever its capitals, in the order of the file", () => {
    const redirecting = {
      base: `sysobjectid: ${acme}.*\nmatches: {'^Linux NPA': npa, '^linux': tux}`,
      npa: "metrics: []",
      tux: "metrics: []",
    };
    expect(choose(redirecting, { sysObjectId: `${acme}.1`, sysDescr: "Linux npa-publisher" })).toEqual(["npa"]);
    expect(choose(redirecting, { sysObjectId: `${acme}.1`, sysDescr: "Linux 6.1" })).toEqual(["tux"]);
    expect(choose(redirecting, { sysObjectId: `${acme}.1`, sysDescr: "Windows" })).toEqual(["base"]);
  });

  it("lets probes decide where sysObjectID says nothing, and never against a number that says something", () => {
    const probing = { probed: `probe: [{OID: ${acme}.7.0, regex: '^box \\d'}]`, snmpd: `sysobjectid: ${generic}`, ...files };
    const answered = new Map([[`${acme}.7.0`, "Box 9"]]);
    expect(choose(probing, { sysObjectId: generic, probed: answered })).toEqual(["probed"]);
    expect(choose(probing, { sysObjectId: generic })).toEqual(["snmpd"]);
    expect(choose(probing, { sysObjectId: `${acme}.1.5`, probed: answered })).toEqual(["exact"]);
    expect(choose(probing, { sysObjectId: generic, probed: new Map([[`${acme}.7.0`, "tin"]]) })).toEqual(["snmpd"]);
  });

  it("takes what the operator forces, with or without Kentik's mark and ending", () => {
    expect(choose(files, { sysObjectId: `${acme}.1.5`, forced: "!far.yml" })).toEqual(["far"]);
    expect(choose(files, { sysObjectId: `${acme}.1.5`, forced: "near, far" })).toEqual(["near", "far"]);
    expect(choose(files, { sysObjectId: `${acme}.1.5`, forced: "gone" })).toEqual(["exact"]);
  });

  it("adds every profile whose selector holds", () => {
    const selecting = {
      ...files,
      all: `selector: [{sysobjectid: {include: ['${acme}.*'], exclude: ['${acme}.9']}}]`,
      described: "selector: {sysdescr: {include: ['acme'], exclude: ['lab']}}",
    };
    expect(choose(selecting, { sysObjectId: `${acme}.1.5`, sysDescr: "ACME box" })).toEqual(["exact", "all", "described"]);
    expect(choose(selecting, { sysObjectId: `${acme}.9`, sysDescr: "ACME lab" })).toEqual(["far"]);
  });

  it("settles a tie by the operator's file, then by the alphabet, and says so once", () => {
    const warnings: LogFields[] = [];
    const logger: Logger = { ...silentLogger, warn: (fields) => void warnings.push(fields) };
    const text = `sysobjectid: ${acme}.1`;
    const head = { sysObjectId: `${acme}.1`, sysDescr: undefined, probed: new Map(), forced: undefined };
    const mixed = new ProfileBook([parsed(text, "aaa.yaml", "shipped"), parsed(text, "zzz.yaml")], [], logger);
    expect(mixed.choose(head).matches[0]?.profile.name).toBe("zzz");
    const book = bookOf({ bbb: text, aaa: text }, logger);
    expect(book.choose(head).matches[0]?.profile.name).toBe("aaa");
    book.choose(head);
    expect(warnings).toEqual([{ sysObjectId: `${acme}.1`, taken: "aaa", profiles: "aaa bbb" }]);
  });

  it("says once that a forced profile is not there", () => {
    const warnings: LogFields[] = [];
    const logger: Logger = { ...silentLogger, warn: (fields) => void warnings.push(fields) };
    const book = bookOf({ far: `sysobjectid: ${acme}.*` }, logger);
    const head = { sysObjectId: undefined, sysDescr: undefined, probed: new Map(), forced: "gone" };
    book.choose(head);
    book.choose(head);
    expect(warnings).toEqual([{ profile: "gone" }]);
  });

  it("replaces a shipped profile by the operator's of the same base name", () => {
    const book = new ProfileBook(
      [parsed(`sysobjectid: ${acme}.1`, "box.yaml", "user"), parsed(`sysobjectid: ${acme}.2`, "v/box.yaml", "shipped")],
      [],
      undefined,
    );
    expect(book.profiles.get("box")?.origin).toBe("user");
  });
});

describe("inheritance", () => {
  it("survives circles, missing files and chains that are too deep, and says so", () => {
    const deep = Object.fromEntries(
      Array.from({ length: 14 }, (_, n) => [`d${n}`, `extends: [d${n + 1}]\nmetrics: [{symbol: {OID: ${acme}.${n}.0, name: m${n}}}]`]),
    );
    const book = bookOf({ a: `extends: [b]\nsysobjectid: ${acme}.1`, b: "extends: [a, gone]", ...deep });
    const problems = book.problems.map(({ file, problem }) => `${file} ${problem}`);
    expect(problems).toContain("b.yaml extends a in a circle");
    expect(problems).toContain("b.yaml extends gone, which is not there");
    expect(problems.some((problem) => problem.includes("deeper than 10"))).toBe(true);
    expect(book.profiles.get("d0")?.entries).toHaveLength(11);
  });
});
