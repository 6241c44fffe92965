import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TrapDefinitions } from "../../../drivers/notifications/trap-definitions.ts";
import { loadTrapFolder, parseTrapFile } from "../../../drivers/notifications/trap-files.ts";

const good = `# doors
---
traps:
  - trap_oid: .1.3.6.1.4.1.32473.5.0.1
    trap_name: doorOpened
    drop_undefined: true
    severity: minor
    events:
      - name: doorState \t
        OID: 1.3.6.1.4.1.32473.5.1.1.2.*
        tag: door
        enum:
          open: 1
          closed: 2
          alsoClosed: 2
          yes: 3
      - { name: doorName, OID: 1.3.6.1.4.1.32473.5.1.1.3 }
  - trap_oid: 1.3.6.1.4.1.32473.6.*
    trap_name: anythingElse
`;

describe("trap definitions in Kentik's format", () => {
  it("are read with every key", () => {
    const { definitions, problems } = parseTrapFile("doors.yml", good);
    expect(problems).toEqual([]);
    expect(definitions).toEqual([
      {
        oid: "1.3.6.1.4.1.32473.5.0.1",
        name: "doorOpened",
        severity: "minor",
        dropUndefined: true,
        origin: "doors.yml",
        variables: [
          {
            name: "doorState",
            oid: "1.3.6.1.4.1.32473.5.1.1.2",
            tag: "door",
            enumeration: new Map([
              [1, "open"],
              [2, "closed"],
              [3, "yes"],
            ]),
          },
          { name: "doorName", oid: "1.3.6.1.4.1.32473.5.1.1.3" },
        ],
      },
      { oid: "1.3.6.1.4.1.32473.6.*", name: "anythingElse", severity: "warning", dropUndefined: false, origin: "doors.yml", variables: [] },
    ]);
  });

  it("lose a broken row only, and say file, line and key", () => {
    const { definitions, problems } = parseTrapFile(
      "bad.yml",
      `traps:
  - trap_name: noOid
  - trap_oid: not.an.oid
    trap_name: badOid
  - just text
  - trap_oid: 1.3.6.1.4.1.32473.1
    trap_name: 17
  - trap_oid: 1.3.6.1.4.1.32473.2
    trap_name: kept
    drop_undefined: perhaps
    colour: blue
    severity: awful
    events:
      - name: noOid
      - { name: kept, OID: 1.3.6.1.4.1.32473.2.1, enum: { one: 1, two: zwei, three: { four: 4 } } }
      -
  - trap_oid: 1.3.6.1.4.1.32473.3
    trap_name: eventsIsText
    events: many
`,
    );
    expect(definitions.map(({ name }) => name)).toEqual(["kept", "eventsIsText"]);
    expect(definitions[0]?.variables).toHaveLength(1);
    expect(definitions[0]?.variables[0]?.enumeration).toEqual(new Map([[1, "one"]]));
    expect(problems.map(({ line, key }) => [line, key])).toEqual([
      [2, "traps[0].trap_oid"],
      [3, "traps[1].trap_oid"],
      [5, "traps[2]"],
      [7, "traps[3].trap_name"],
      [11, "traps[4].colour"],
      [10, "traps[4].drop_undefined"],
      [12, "traps[4].severity"],
      [14, "traps[4].events[0].OID"],
      [15, "traps[4].events[1].enum.two"],
      [15, "traps[4].events[1].enum.three"],
      [16, "traps[4].events[2]"],
      [19, "traps[5].events"],
    ]);
    expect(problems.every(({ file }) => file === "bad.yml")).toBe(true);
  });

  it("survive files that are no YAML, no traps, empty, or a bomb of aliases", () => {
    expect(parseTrapFile("a.yml", "traps: [unclosed").problems).toHaveLength(1);
    expect(parseTrapFile("b.yml", "sysobjectid: 1.2.3\nmetrics: []")).toEqual({ definitions: [], problems: [] });
    expect(parseTrapFile("c.yml", "")).toEqual({ definitions: [], problems: [] });
    expect(parseTrapFile("d.yml", "traps: 7").problems).toMatchObject([{ line: 1, key: "traps" }]);
    const row = "{ trap_oid: 1.3.6.1.4.1.32473.2, trap_name: x, events: *e }";
    const bomb = `e: &e [${Array.from({ length: 200 }, (_, i) => `{ name: v${i}, OID: 1.3.6.1.${i} }`).join(", ")}]\ntraps: [${Array.from({ length: 1_900 }, () => row).join(", ")}]`;
    const { definitions } = parseTrapFile("e.yml", bomb);
    expect(definitions.reduce((sum, { variables }) => sum + variables.length, 0)).toBeLessThanOrEqual(20_000);
  });

  it("are found exactly, with or without v1's zero, then by the longest prefix; a later one replaces an earlier", () => {
    const definitions = new TrapDefinitions();
    definitions.add(parseTrapFile("doors.yml", good).definitions);
    expect(definitions.find("1.3.6.1.4.1.32473.5.0.1")?.name).toBe("doorOpened");
    expect(definitions.find("1.3.6.1.4.1.32473.5.1")?.name).toBe("doorOpened");
    expect(definitions.find("1.3.6.1.2.1.33.2.0.1")?.name).toBe("upsTrapOnBattery");
    expect(definitions.find("1.3.6.1.4.1.32473.6.9.9")?.name).toBe("anythingElse");
    expect(definitions.find("1.3.6.1.4.1.32473.7")).toBeUndefined();
    definitions.add(
      parseTrapFile("own.yml", "traps: [{ trap_oid: 1.3.6.1.6.3.1.1.5.3, trap_name: myLinkDown, severity: critical }]").definitions,
    );
    expect(definitions.find("1.3.6.1.6.3.1.1.5.3")).toMatchObject({ name: "myLinkDown", severity: "critical", origin: "own.yml" });
  });
});

describe("a folder of dropped-in files", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatehouse-traps-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is read recursively; a file that is too large or broken costs itself only", async () => {
    await mkdir(join(folder, "vendor"));
    await writeFile(join(folder, "vendor", "traps.yml"), good);
    await writeFile(join(folder, "broken.yaml"), "traps: {");
    await writeFile(join(folder, "huge.yml"), `traps: []\n${"#".repeat(1_100_000)}`);
    await writeFile(join(folder, "README.md"), "no");
    const { definitions, problems } = await loadTrapFolder(folder);
    expect(definitions.map(({ origin }) => origin)).toEqual([join("vendor", "traps.yml"), join("vendor", "traps.yml")]);
    expect(problems.map(({ file }) => file).sort()).toEqual(["broken.yaml", "huge.yml"]);
  });

  it("that is not there is a problem, not an error", async () => {
    const { definitions, problems } = await loadTrapFolder(join(folder, "absent"));
    expect(definitions).toEqual([]);
    expect(problems[0]?.problem).toContain("ENOENT");
  });
});
