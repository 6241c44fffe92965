import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importOverrides, treeFiles } from "../build/house.ts";
import { findBreaches } from "../build/house-rules.ts";

const root = join(import.meta.dirname, "..");
const biome = join(root, "node_modules/.bin/biome");

const planted = "style/noRestrictedImports";
const long = (lines: number) => `${Array.from({ length: lines }, (_, index) => `export const a${index} = ${index};`).join("\n")}\n`;

/** What must not pass: place, text, the rule that stops it. */
const bad: readonly (readonly [string, string, string])[] = [
  // floor 1 and 2
  ["runtime/model/a1.ts", 'export * from "../ports/clock.ts";', planted],
  ["runtime/model/a2.ts", 'export * from "#ports/clock.ts";', planted],
  ["runtime/model/a3.ts", 'export * from "node:fs";', planted],
  ["runtime/model/a4.ts", 'export * from "pino";', planted],
  ["runtime/ports/a1.ts", 'export * from "node:net";', planted],
  ["runtime/ports/a2.ts", 'export * from "../store/buffer.ts";', planted],
  ["runtime/ports/a3.ts", 'export * from "ajv";', planted],
  // floor 3
  ["runtime/store/a1.ts", 'export * from "../northbound/link.ts";', planted],
  ["runtime/store/deep/a1.ts", 'export * from "../../northbound/link.ts";', planted],
  ["runtime/store/a2.ts", 'export * from "../ports/clock.ts";', planted],
  ["runtime/host/a1.ts", 'export * from "../config/problem.ts";', planted],
  ["runtime/config/a1.ts", 'export * from "../host/logger.ts";', planted],
  ["runtime/concurrency/a1.ts", 'export * from "../model/time.ts";', planted],
  ["runtime/alarms/a1.ts", 'export * from "../southbound/poller.ts";', planted],
  ["runtime/sla/a1.ts", 'export * from "../store/history.ts";', planted],
  // floor 4
  ["runtime/southbound/a1.ts", 'export * from "../northbound/link.ts";', planted],
  ["runtime/southbound/a2.ts", 'export * from "../../drivers/snmp/snmp-driver.ts";', planted],
  ["runtime/southbound/discovery/a1.ts", 'export * from "../../store/history.ts";', planted],
  ["runtime/northbound/a1.ts", 'export * from "../../cloud-bridge/uplink/mqtt-uplink.ts";', planted],
  ["runtime/northbound/a2.ts", 'export const load = () => import("../store/outbox.ts");', planted],
  ["runtime/supervise/a1.ts", 'export * from "../gateway.ts";', planted],
  ["runtime/console/a1.ts", 'export * from "../store/history.ts";', planted],
  ["runtime/update/a1.ts", 'export * from "../supervise/supervisor.ts";', planted],
  // floor 5
  ["runtime/gateway2.ts", 'export * from "../drivers/snmp/snmp-driver.ts";', planted],
  ["runtime/gateway3.ts", 'export * from "./parts-appliance.ts";', planted],
  ["runtime/gateway4.ts", 'export * from "./cli/run.ts";', planted],
  ["runtime/gateway5.ts", 'import type { Site } from "../drivers/simulated/site.ts";\nexport type S = Site;', planted],
  // wings
  ["drivers/snmp/a1.ts", 'export * from "../probe/icmp.ts";', planted],
  ["drivers/snmp/session/a1.ts", 'export * from "../../simulated/site.ts";', planted],
  ["drivers/snmp/session/deep/a1.ts", 'export * from "../../../simulated/site.ts";', planted],
  ["drivers/snmp/a2.ts", 'export * from "../../runtime/ports/clock.ts";', planted],
  ["drivers/snmp/a3.ts", 'export * from "../../cloud-bridge/protocol/topics.ts";', planted],
  ["drivers/snmp/a4.ts", 'export * from "#web/plot.ts";', planted],
  ["cloud-bridge/protocol/a1.ts", 'export * from "../uplink/mqtt-uplink.ts";', planted],
  ["cloud-bridge/protocol/codec/a1.ts", 'export * from "../../noc/serve.ts";', planted],
  ["cloud-bridge/uplink/a1.ts", 'export * from "../noc/serve.ts";', planted],
  ["cloud-bridge/uplink/a2.ts", 'export * from "../../runtime/intake.ts";', planted],
  ["cloud-bridge/notify/a1.ts", 'export * from "../noc/serve.ts";', planted],
  ["cloud-bridge/noc/a1.ts", 'export * from "../uplink/mqtt-uplink.ts";', planted],
  ["cloud-bridge/noc/ingest/a1.ts", 'export * from "../../uplink/mqtt-uplink.ts";', planted],
  ["cloud-bridge/noc/store/sqlite/a1.ts", 'export * from "../../../../runtime/store/sqlite.ts";', planted],
  ["flows/a1.ts", 'export * from "../runtime/intake.ts";', planted],
  ["flows/host/a1.ts", 'export * from "../../drivers/snmp/snmp-driver.ts";', planted],
  // nobody imports tests/ or build/
  ["runtime/cli/a1.ts", 'export * from "../../tests/sim/virtual-clock.ts";', planted],
  ["runtime/parts-other.ts", 'export * from "../build/house.ts";', planted],
  // circles
  ["runtime/store/circle-a.ts", 'import { b } from "./circle-b.ts";\nexport const a = () => b;', "suspicious/noImportCycles"],
  ["runtime/store/circle-b.ts", 'import { a } from "./circle-a.ts";\nexport const b = () => a;', "suspicious/noImportCycles"],
  // process and time
  ["runtime/store/b1.ts", "export const pid = process.pid;", "style/noRestrictedGlobals"],
  ["drivers/snmp/b1.ts", "export const t = setTimeout(() => 1, 5);", "style/noRestrictedGlobals"],
  ["cloud-bridge/noc/b1.ts", "export const t = setInterval(() => 1, 5);", "style/noRestrictedGlobals"],
  ["runtime/host/b1.ts", "export const t = performance.now();", "style/noRestrictedGlobals"],
  // style
  ["runtime/store/c1.ts", long(301), "style/noExcessiveLinesPerFile"],
  ["runtime/store/c2.ts", `export function f() {\n${long(61).replaceAll("export ", "")}}`, "complexity/noExcessiveLinesPerFunction"],
  ["runtime/store/c3.ts", "export const f = (x: any) => x;", "suspicious/noExplicitAny"],
  ["runtime/store/c4.ts", "export const f = (x?: string) => x!.length;", "style/noNonNullAssertion"],
  ["runtime/store/c5.ts", "export function f(g: () => void) {\n  try {\n    g();\n  } catch {}\n}", "suspicious/noEmptyBlockStatements"],
  ["runtime/store/c6.ts", "async function g() {}\nexport function f() {\n  g();\n}", "nursery/noFloatingPromises"],
];

/** What must pass. */
const good: readonly (readonly [string, string])[] = [
  ["runtime/model/g1.ts", 'export * from "./time.ts";'],
  ["runtime/ports/g1.ts", 'export * from "#model/time.ts";\nexport * from "./clock.ts";'],
  ["runtime/store/g1.ts", 'export * from "#ports/clock.ts";\nexport * from "./journal.ts";'],
  ["runtime/store/deep/g1.ts", 'export * from "../journal.ts";'],
  ["runtime/southbound/g1.ts", 'export * from "../concurrency/permits.ts";'],
  ["runtime/southbound/discovery/g1.ts", 'export * from "../../concurrency/permits.ts";\nexport * from "../poller.ts";'],
  ["runtime/gateway6.ts", 'export * from "./southbound/poller.ts";\nexport * from "./intake.ts";'],
  ["runtime/parts-third.ts", 'export * from "../drivers/snmp/snmp-driver.ts";\nexport * from "../cloud-bridge/uplink/mqtt-uplink.ts";'],
  ["runtime/cli/g1.ts", 'export * from "../../drivers/simulated/site.ts";\nexport const pid = process.pid;'],
  ["drivers/snmp/session/g1.ts", 'export * from "../oid.ts";\nexport * from "#ports/snmp.ts";\nexport * from "node:net";'],
  ["cloud-bridge/uplink/g1.ts", 'export * from "../protocol/topics.ts";'],
  ["cloud-bridge/noc/ingest/g1.ts", 'export * from "../../protocol/topics.ts";\nexport * from "../store/noc-store.ts";'],
  ["flows/host/g1.ts", 'export * from "../protocol.ts";\nexport const pid = process.pid;'],
  ["runtime/host/system-clock.ts", "export const t = setTimeout(() => 1, 5);"],
];

describe("biome's rules", () => {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-house-"));
  const found = new Map<string, Set<string>>();

  beforeAll(() => {
    cpSync(join(root, "biome.json"), join(folder, "biome.json"));
    for (const [path, text] of [...bad, ...good]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), `${text}\n`);
    }
    const { stdout } = spawnSync(biome, ["lint", "--reporter=json", "--max-diagnostics=none", "."], {
      cwd: folder,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { category: string; location: { path: string | { file: string } } }[] };
    for (const { category, location } of diagnostics) {
      const path = (typeof location.path === "string" ? location.path : location.path.file).replace(/^\.\//, "");
      found.set(path, (found.get(path) ?? new Set()).add(category.replace("lint/", "")));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(bad.map(([path, , rule]) => ({ path, rule })))("stop what is planted in $path by $rule", ({ path, rule }) => {
    expect([...(found.get(path) ?? [])]).toContain(rule);
  });

  it.each(good.map(([path]) => path))("let %s pass", (path) => {
    expect([...(found.get(path) ?? [])]).toEqual([]);
  });
});

describe("house rules", () => {
  const overrides = importOverrides();
  const breachesOf = (path: string, text: string) => findBreaches([{ path, text }], overrides).map(({ sentence }) => sentence);

  it.each([
    ["drivers/snmp/x.ts", "const t = Date.now();", "reads time"],
    ["runtime/store/x.ts", "const t = new Date().toISOString();", "reads time"],
    ["runtime/cli/x.ts", "const t = process.hrtime.bigint();", "reads time"],
    ["cloud-bridge/noc/x.ts", 'import { setTimeout } from "node:timers/promises";', "reads time"],
    ["drivers/snmp/x.ts", "const r = Math.random();", "draws randomness"],
    ["cloud-bridge/uplink/x.ts", "const r = randomBytes(6);", "draws randomness"],
    ["runtime/store/x.ts", 'import process from "node:process";', "touch the process"],
    ["tests/store/x.test.ts", 'it.only("alone", () => {});', "left out"],
    ["tests/store/x.test.ts", 'describe.skip("later", () => {});', "left out"],
    ["runtime/newroom/x.ts", "export const x = 1;", "no import rule"],
    ["drivers/snmp/a/b/c/x.ts", "export const x = 1;", "no import rule"],
    ["package-lock.json", '{ "resolved": "https://registry.example/x.tgz" }', "download addresses"],
  ])("see what is planted in %s: %s", (path, text, sentence) => {
    expect(breachesOf(path, text).join()).toContain(sentence);
  });

  it.each([
    ["runtime/host/system-clock.ts", "const t = Date.now();"],
    ["drivers/snmp/x.ts", "const day = new Date(report.observedAt.wallMs);"],
    ["drivers/snmp/x.ts", "// Date.now() would be wrong here"],
    ["tests/store/x.test.ts", 'it.skipIf(!peer("snmpd").available)("polls snmpd", () => {});'],
    ["cloud-bridge/noc/pages/live.tsx", "const t = Date.now();"],
    ["package-lock.json", '{ "integrity": "sha512-..." }'],
  ])("let pass what is right in %s: %s", (path, text) => {
    expect(breachesOf(path, text)).toEqual([]);
  });

  it("hold in the whole tree", () => {
    expect(findBreaches(treeFiles(), overrides)).toEqual([]);
  });

  it("find model and ports free of packages and of node:*", () => {
    for (const room of ["model", "ports"]) {
      for (const name of readdirSync(join(root, "runtime", room))) {
        const imports = [...readFileSync(join(root, "runtime", room, name), "utf8").matchAll(/from "([^"]+)"/g)].map(
          ([, target]) => target ?? "",
        );
        const allowed = room === "model" ? /^\.\// : /^(\.\/|#model\/)/;
        expect({ name, foreign: imports.filter((target) => !allowed.test(target)) }).toEqual({ name, foreign: [] });
      }
    }
  });
});
