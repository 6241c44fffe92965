import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { LogFields, Logger } from "#ports/logger.ts";
import { checkFolder } from "../../../../drivers/snmp/profiles/check-folder.ts";
import { readCompiledProfiles } from "../../../../drivers/snmp/profiles/compiled-profiles.ts";
import { loadProfiles } from "../../../../drivers/snmp/profiles/load-profiles.ts";
import { parseProfile } from "../../../../drivers/snmp/profiles/parse-profile.ts";
import { readFolder } from "../../../../drivers/snmp/profiles/read-folder.ts";
import { silentLogger } from "../support/fixtures.ts";
import { acme, folderOf } from "./support.ts";

const folders: { remove(): void }[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

function folder(files: Readonly<Record<string, string>>): string {
  const made = folderOf(files);
  folders.push(made);
  return made.folder;
}

/** A file of either dialect as large as the public ones are. */
function generated(number: number): string {
  const rows = Array.from({ length: 25 }, (_, row) =>
    number % 2 === 0
      ? `  - MIB: ACME-MIB\n    table: {OID: ${acme}.${number}.${row}, name: table${row}}\n    symbols:\n      - {OID: ${acme}.${number}.${row}.1.1, name: value${row}, enum: {up: 1, down: 2}, poll_time_sec: 60}\n    metric_tags:\n      - column: {OID: ${acme}.${number}.${row}.1.2, name: name${row}}\n        tag: name\n`
      : `  - MIB: ACME-MIB\n    symbol: {OID: ${acme}.${number}.${row}.0, name: value${row}}\n    metric_type: monotonic_count\n`,
  );
  return `extends: [_base]\nsysobjectid:\n  - ${acme}.${number}\n  - ${acme}.${number}.*\nmetadata:\n  device:\n    fields:\n      vendor: {value: acme}\nmetrics:\n${rows.join("")}`;
}

describe("loading", () => {
  it("reads 400 files of both dialects in a few seconds, without a problem", () => {
    const files = Object.fromEntries(
      Array.from({ length: 400 }, (_, number) => [`vendor-${number % 20}/p${number}.yaml`, generated(number)]),
    );
    const userDir = folder({ ...files, "_base.yaml": `metrics: [{symbol: {OID: ${acme}.1.0, name: base}}]` });
    const started = performance.now();
    const book = loadProfiles({ userDir, shippedDir: folder({}) });
    const elapsedMs = performance.now() - started;
    expect(book.problems).toEqual([]);
    expect(book.profiles.size).toBe(401);
    expect([...book.profiles.values()].flatMap(({ objectIds }) => objectIds)).toHaveLength(800);
    expect(elapsedMs).toBeLessThan(60_000);
  });

  it("loads what it can beside broken files, and names each by file, line and key in the log", () => {
    const warnings: LogFields[] = [];
    const logger: Logger = { ...silentLogger, warn: (fields) => void warnings.push(fields) };
    const userDir = folder({
      "good.yaml": `sysobjectid: ${acme}.1`,
      "deep/er/broken.yml": "metrics:\n  - a: [1\n",
      "row.yaml": `sysobjectid: ${acme}.2\nmetrics:\n  - symbol: {OID: x, name: y}\n`,
      "big.yaml": `#${"x".repeat(1_048_576)}`,
      "notes.txt": "not read",
    });
    const book = loadProfiles({ userDir, shippedDir: folder({}), logger });
    expect([...book.profiles.keys()].sort()).toEqual(["good", "row"]);
    expect(warnings.map(({ file, line, key }) => `${file}:${line} ${key}`).sort()).toEqual([
      "big.yaml:undefined ",
      "deep/er/broken.yml:3 ",
      "row.yaml:3 metrics[0].symbol.OID",
    ]);
  });

  it("loads the shipped profiles without a problem, each with a way to match or a profile that leads to it", () => {
    const book = loadProfiles();
    expect(book.problems).toEqual([]);
    const targets = new Set(
      [...book.profiles.values()].flatMap(({ redirects, extends: bases }) => [...redirects.map(({ target }) => target), ...bases]),
    );
    for (const profile of book.profiles.values()) {
      expect([profile.name, profile.objectIds.length + profile.probes.length > 0 || targets.has(profile.name)]).toEqual([
        profile.name,
        true,
      ]);
    }
    expect(book.probeOids({ sysObjectId: undefined }).length).toBeLessThanOrEqual(64);
  });

  it("takes a folder that is not there for none", () => {
    expect(loadProfiles({ userDir: "/nowhere/at/all", shippedDir: folder({}) })).toMatchObject({ problems: [] });
  });

  it("never throws, whatever a file holds", () => {
    const text = generated(2) + generated(3);
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    const noise = ["{", "}", "[", "]", "&a ", "*a ", "\t", ": ", "- ", "!!x ", "'", '"', "|", "null", "\0", "é", "9".repeat(40)];
    for (let round = 0; round < 150; round++) {
      let mutated = text.slice(next(200), 600 + next(1_500));
      for (let change = 0; change < 6; change++) {
        const at = next(mutated.length);
        mutated = mutated.slice(0, at) + (noise[next(noise.length)] ?? "") + mutated.slice(at + next(4));
      }
      const { problems } = parseProfile("fuzz.yaml", mutated, "user");
      expect(problems.length).toBeLessThanOrEqual(100);
    }
  });
});

describe("checking a folder", () => {
  it("says what is wrong with the operator's files only, which may extend the shipped ones", () => {
    const checked = checkFolder(
      folder({ "a.yaml": `extends: [base, gone]\nsysobjectid: ${acme}.1\nmatches: {x: nobody}`, "b.yaml": "- list" }),
      folder({ "base.yaml": "metrics: []\nextends: [shipped-gone]" }),
    );
    expect(checked).toMatchObject({ files: 2, profiles: 1 });
    expect(checked.problems.map(({ file, line, key, costs }) => `${file}:${line} ${key} ${costs}`)).toEqual([
      "b.yaml:1  file",
      "a.yaml:undefined extends row",
      "a.yaml:3 matches row",
    ]);
  });
});

describe("compiled profiles", () => {
  it("are what the files in `shipped/` say", () => {
    const { profiles } = readFolder(join(import.meta.dirname, "../../../../drivers/snmp/profiles/shipped"), "shipped");
    expect(readCompiledProfiles()).toEqual(profiles);
  });
});
