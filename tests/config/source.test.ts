import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isGatewayError } from "../../runtime/model/errors.ts";
import { head, load, loadFile, problemsOf, temporaryFolder, written } from "./configuration-kit.ts";

describe("a file that is no configuration", () => {
  const isRoot = process.getuid?.() === 0;

  it("does not exist", () => {
    expect(() => loadFile(join(temporaryFolder(), "nope.yaml"))).toThrow(
      expect.objectContaining({ code: "config.unreadable", message: expect.stringMatching(/nope.yaml does not exist$/) }),
    );
  });

  it("is a folder", () => {
    expect(() => loadFile(temporaryFolder())).toThrow(
      expect.objectContaining({ code: "config.unreadable", message: expect.stringMatching(/is a folder, not a file$/) }),
    );
  });

  it("is a device that never ends", () => {
    expect(() => loadFile("/dev/zero")).toThrow(expect.objectContaining({ code: "config.unreadable" }));
  });

  it.skipIf(isRoot)("may not be read (root may read everything)", () => {
    const file = written({ "gatehouse.yaml": head });
    chmodSync(file, 0);
    expect(() => loadFile(file)).toThrow(
      expect.objectContaining({ code: "config.unreadable", message: expect.stringMatching(/may not be read by this user$/) }),
    );
  });

  it("is not text", () => {
    const file = written({ "gatehouse.yaml": Uint8Array.of(0x67, 0xff, 0xfe, 0x00) });
    expect(() => loadFile(file)).toThrow(
      expect.objectContaining({ code: "config.unreadable", message: expect.stringMatching(/is not UTF-8 text$/) }),
    );
  });

  it("is larger than 4 MiB", () => {
    const file = written({ "gatehouse.yaml": `# ${"x".repeat(4 * 1024 * 1024)}\n` });
    expect(() => loadFile(file)).toThrow(
      expect.objectContaining({ code: "config.unreadable", message: expect.stringMatching(/has \d+ bytes; at most 4194304 are read$/) }),
    );
  });

  it.each([
    ["empty", ""],
    ["only white space", " \n\n"],
    ["only a comment", "# nothing yet\n"],
    ["an empty document", "---\n...\n"],
  ])("is %s", (_what, yaml) => {
    expect(problemsOf(yaml)).toMatchObject([{ line: 1, column: 1, sentence: "the file is empty" }]);
  });

  it.each([
    ["ends in the middle of a mapping", `${head}equipment:\n  - { id: sw-1, addr`, 3],
    ["ends in the middle of a quoted text", `${head}equipment:\n  - { id: "sw-`, 3],
    ["is indented with tabs", "gateway:\n\tid: gw-lisbon-01\n", 2],
    ["has two documents", `${head}---\n${head}`, 2],
    ["uses a tag", "gateway: !!binary aGVsbG8=\n", 1],
    ["has a list for a key", "? [a, b]\n: 1\n", 1],
  ])("%s", (_what, yaml, line) => {
    const [first] = problemsOf(yaml);
    expect(first?.sentence).toMatch(/^not valid YAML: /);
    expect(first?.line).toBe(line);
  });

  it("uses an anchor that is not there", () => {
    expect(problemsOf("gateway: *nobody\n")).toMatchObject([
      { line: 1, column: 10, sentence: 'nothing is anchored as "nobody" before this' },
    ]);
  });

  it("says a key twice", () => {
    expect(problemsOf(`${head}traps: { port: 1162 }\ntraps: { port: 1163 }\n`)).toMatchObject([
      { line: 3, column: 1, sentence: 'the key "traps" stands here twice' },
    ]);
  });

  it.each([
    ["text", "hello\n", "must be a mapping (key: value), not text"],
    ["a list", "- a\n- b\n", "must be a mapping (key: value), not a list"],
    ["a number", "42\n", "must be a mapping (key: value), not a number (put it in quotes)"],
  ])("is %s", (_what, yaml, sentence) => {
    expect(problemsOf(yaml)).toMatchObject([{ line: 1, column: 1, pointer: "", sentence }]);
  });

  it("ends at a line break, and lacks what came after", () => {
    expect(problemsOf("gateway:\n")).toMatchObject([
      { line: 1, pointer: "/gateway", sentence: "must be a mapping (key: value), not nothing" },
    ]);
  });
});

describe("a file that means harm", () => {
  /** Generous: CI machines are slow. What is guarded against took minutes. */
  const limitMs = 60_000;

  it.each([
    [
      "expands aliases without end",
      `a: &a [x, x, x, x, x, x, x, x, x]\n${[..."bcdefgh"].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcdefg"[index]}`).join(", ")}]`).join("\n")}\n`,
      /aliases expand/,
    ],
    ["nests lists", `a: ${"[".repeat(5000)}`, /not valid YAML|nested more than 32 levels/],
    ["nests lists properly", `a: ${"[".repeat(5000)}${"]".repeat(5000)}`, /not valid YAML|nested more than 32 levels/],
    ["nests block sequences", `${"- ".repeat(20_000)}a`, /not valid YAML|nested more than 32 levels/],
    ["nests complex keys", "? ".repeat(20_000), /not valid YAML|nested more than 32 levels/],
    [
      "nests mappings by indentation",
      Array.from({ length: 1000 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join(""),
      /nested more than 32 levels|not valid YAML/,
    ],
    ["has 100,000 keys", Array.from({ length: 100_000 }, (_, index) => `k${index}: 1\n`).join(""), /unknown key/],
    ["has 100,000 equal keys", "k: 1\n".repeat(100_000), /stands here twice/],
    ["has 50,000 errors", "a: [}\n".repeat(50_000), /not valid YAML/],
  ])("%s: refused in time", { timeout: limitMs }, (_what, yaml, sentence) => {
    expect(() => load(yaml)).toThrow(sentence);
  });

  it("refers to itself", () => {
    expect(() => load("gateway: &a { id: gw-lisbon-01, b: *a }\n")).toThrow(expect.objectContaining({ code: "config.invalid" }));
  });
});

describe("whatever the file holds", () => {
  const refuses = (text: string | Uint8Array) => {
    try {
      loadFile(written({ "gatehouse.yaml": text }));
    } catch (error) {
      // Anything but a GatewayError would reach the user as a stack trace.
      if (!isGatewayError(error)) throw error;
    }
  };

  it("is accepted or refused with a sentence: any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => refuses(bytes)),
      { numRuns: 300 },
    );
  });

  it("is accepted or refused with a sentence: any text of YAML's own characters", () => {
    const letter = fc.constantFrom(..."abc:-?[]{}#&*!|>'\"%@`, \n\t0123.~$".split(""));
    fc.assert(
      fc.property(fc.array(letter, { maxLength: 200 }), (letters) => refuses(letters.join(""))),
      { numRuns: 1000 },
    );
  });

  it("is accepted or refused with a sentence: a good file with values of any kind in any place", () => {
    const sections = ["gateway", "uplink", "credentials", "equipment", "traps", "syslog", "buffer", "history", "clock", "limits", "log"];
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 4 }, fc.jsonValue({ maxDepth: 2 }), tie("mapping"), fc.array(tie("any"), { maxLength: 3 })),
      mapping: fc.dictionary(
        fc.constantFrom("id", "address", "snmp", "version", "auth", "md5", "$env", "$file", "settings", "url", "tls", "parent", "driver"),
        tie("any"),
        { maxKeys: 4 },
      ),
    })).any;
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...sections), value), (document) => refuses(JSON.stringify(document))),
      { numRuns: 500 },
    );
  });

  it("has every prefix of a real file accepted or refused with a sentence", () => {
    const yaml = `${head}credentials:\n  a: { snmp: { version: 3, user: "noc", auth: { sha256: longenough } } }\nequipment:\n  - id: sw-1\n    address: 192.0.2.1\n    credential: a\n`;
    for (let length = 0; length <= yaml.length; length++) refuses(yaml.slice(0, length));
  });

  it("leaves no file open", () => {
    mkdirSync(join(temporaryFolder(), "x"));
    for (let time = 0; time < 2000; time++) expect(() => loadFile("/")).toThrow();
  });
});
