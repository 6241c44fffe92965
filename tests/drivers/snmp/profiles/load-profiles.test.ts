import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { LogFields, Logger } from "#ports/logger.ts";
import { checkFolder } from "../../../../drivers/snmp/profiles/check-folder.ts";
import { readCompiledProfiles } from "../../../../drivers/snmp/profiles/compiled-profiles.ts";
import { loadProfiles } from "../../../../drivers/snmp/profiles/load-profiles.ts";
import { parseProfile } from "../../../../drivers/snmp/profiles/parse-profile.ts";
import { formatProblem } from "../../../../drivers/snmp/profiles/problem.ts";
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
      "a.yaml:1 extends row",
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

describe("what a dropped-in file would lose without a word", () => {
  const saidOf = (dir: string): readonly string[] =>
    checkFolder(dir, folder({})).problems.map(({ file, line, key, problem, costs }) => `${file}:${line} ${key}: ${problem} [${costs}]`);

  it("is said of a key that stands twice, by line and key", () => {
    const dir = folder({
      "twice.yaml": `sysobjectid: ${acme}.1\nmetrics:\n  - symbol: {OID: ${acme}.1.0, name: a}\nmetrics:\n  - symbol: {OID: ${acme}.2.0, name: b}\n`,
    });
    expect(saidOf(dir)).toEqual(["twice.yaml:4 metrics: stands here twice; the first counts [row]"]);
  });

  it("is said of a second document, of links and of texts that are not UTF-8", () => {
    const dir = folder({ "two.yaml": `sysobjectid: ${acme}.1\n---\nsysobjectid: ${acme}.2\n` });
    symlinkSync(join(dir, "two.yaml"), join(dir, "link.yaml"));
    writeFileSync(join(dir, "latin.yaml"), Buffer.from(`sysobjectid: ${acme}.3\ndescription: Ger\u00e4t\n`, "latin1"));
    writeFileSync(join(dir, "utf16.yaml"), Buffer.from(`\ufeffsysobjectid: ${acme}.4\n`, "utf16le"));
    expect([...saidOf(dir)].sort()).toEqual([
      "latin.yaml:2 : is not UTF-8; characters that cannot be read are shown as \ufffd [note]",
      "link.yaml:undefined : is a link; links are not followed: copy what it leads to [file]",
      "two.yaml:2 : a second document begins here; only the first is read [row]",
      "utf16.yaml:undefined : is UTF-16; save it as UTF-8 [file]",
    ]);
  });

  it("is said of what extends, by its line", () => {
    const dir = folder({ "a.yaml": "extends:\n  - nowhere.yaml\n  - b\n", "b.yaml": "extends: a\n" });
    expect(saidOf(dir)).toEqual([
      "a.yaml:2 extends: extends nowhere, which is not there [row]",
      "b.yaml:1 extends: extends a in a circle [row]",
      "a.yaml:3 extends: extends b in a circle [row]",
    ]);
  });

  it("is said of limits that nothing meets and of a severity without states", () => {
    const dir = folder({ "a.yaml": `metrics:\n  - symbol: {OID: ${acme}.1.0, name: a, limits: {min: 9, max: 1}, severity: {1: ok}}\n` });
    expect(saidOf(dir)).toEqual([
      "a.yaml:2 metrics[0].symbol.severity: wants an enum or a mapping beside it [note]",
      "a.yaml:2 metrics[0].symbol.limits: has its min above its max [note]",
    ]);
    expect(readFolder(dir, "user").profiles[0]?.entries[0]?.symbols[0]?.limits).toBeUndefined();
  });

  it("is nothing of a merge key: what is written beside it counts first", () => {
    const base = `&base {OID: ${acme}.1.0, name: base, unit: W}`;
    const dir = folder({ "merge.yaml": `metrics:\n  - symbol: ${base}\n  - symbol: {<<: *base, OID: ${acme}.2.0, name: other}\n` });
    expect(saidOf(dir)).toEqual([]);
    expect(readFolder(dir, "user").profiles[0]?.entries.flatMap(({ symbols }) => symbols)).toMatchObject([
      { oid: `${acme}.1.0`, name: "base", unit: "W" },
      { oid: `${acme}.2.0`, name: "other", unit: "W" },
    ]);
  });

  it("never drives a terminal", () => {
    const [problem] = checkFolder(folder({ "esc.yaml": '"\\e[31mred": 1\nmetrics: []\n' }), folder({})).problems;
    expect(problem && formatProblem(problem)).toBe("esc.yaml:1: \ufffd[31mred: unknown key; it is left out");
  });
});
