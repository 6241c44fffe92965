import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { CommandBook } from "../../cloud-bridge/noc/authority/command-book.ts";
import { parseResponse } from "../../cloud-bridge/protocol/messages/command.ts";
import { parseRole, type RootRole, type Signed, verifySignatures } from "../../cloud-bridge/protocol/release/metadata.ts";
import { parseTrapFile } from "../../drivers/notifications/trap-files.ts";
import { FileProblems } from "../../drivers/snmp/profiles/problem.ts";
import { readYaml } from "../../drivers/snmp/profiles/yaml-tree.ts";
import { ServiceCatalogue } from "../../flows/catalogue.ts";
import { compileSet } from "../../flows/compile/compile-set.ts";
import { checkParameterSchema } from "../../flows/compile/parameter-schema.ts";
import { parseHostMessage } from "../../flows/host-message.ts";
import { parseSource } from "../../runtime/config/source.ts";
import { parseHead } from "../../runtime/console/request-head.ts";
import { SealedFiles } from "../../runtime/host/sealed-file.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { FileAlarmLog } from "../../runtime/store/alarm-log.ts";
import { decodeBlock, encodeBlock } from "../../runtime/store/history-block.ts";
import { openState } from "../../runtime/store/state.ts";
import { condition, ListKit } from "../alarms/alarm-kit.ts";
import { flowDocument, root } from "../flows/ground.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { ManualClock } from "../store/manual-clock.ts";

/** Found by fuzzing; each once brought the process down or cost it without bound. */
describe("a value that is of another kind than its reader thinks", () => {
  it("does not make a sealed file cost memory: a `length` is not a text", () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-sealed-"));
    try {
      const sealed = new SealedFiles(join(folder, "root.key"), systemEntropy, () => "board");
      const file = join(folder, "identity.sealed");
      sealed.write(file, { gateway: "gw-1" });
      writeFileSync(file, JSON.stringify({ v: 1, iv: { length: 400_000_000 }, tag: "", data: "" }));
      const before = process.memoryUsage().rss;
      expect(() => sealed.read(file)).toThrowError(/does not open/);
      expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each([{ spec_version: { toString: 1 } }, { expires: { toString: 1 } }, { expires: ["2030-01-01T00:00:00Z"] }])(
    "makes metadata of releases untrusted: %j",
    (change) => {
      const signed = { _type: "snapshot", spec_version: "1.0.31", version: 1, expires: "2030-01-01T00:00:00Z", meta: {}, ...change };
      const bytes = Buffer.from(JSON.stringify({ signed, signatures: [] }));
      expect(() => parseRole("snapshot", bytes)).toThrowError(expect.objectContaining({ code: "update.untrusted" }));
    },
  );

  it.each([
    ["a fraction", "1.5"],
    ["nesting without end", `${"[".repeat(30_000)}${"]".repeat(30_000)}`],
  ])("makes metadata untrusted where it has no canonical form: %s", (_what, member) => {
    const meta = `{"targets.json":{"version":1,"length":1,"hashes":{"sha256":"${"0".repeat(64)}"}}}`;
    const head = `"_type":"snapshot","spec_version":"1.0.31","version":1,"expires":"2030-01-01T00:00:00Z"`;
    const document = parseRole("snapshot", Buffer.from(`{"signatures":[],"signed":{${head},"meta":${meta},"x":${member}}}`)) as Signed;
    const root = { keys: {}, roles: { snapshot: { keyids: [], threshold: 1 } } } as unknown as RootRole;
    expect(() => verifySignatures(root, "snapshot", document)).toThrowError(expect.objectContaining({ code: "update.untrusted" }));
  });

  it.each(['{"t":"__proto__"}', '{"t":"toString"}', '{"t":"constructor"}', '{"t":{"toString":1}}'])(
    "is no message of the flow host: %s",
    (text) => {
      expect(parseHostMessage(text)).toBeUndefined();
    },
  );

  it("reads a head full of blanks once, not once per blank", () => {
    const head = Buffer.from(`GET / HTTP/1.1\r\nHost:\t x\t \r\nX: a${" ".repeat(16_000)}b\r\n\r\n`);
    for (let turn = 0; turn < 200; turn++) expect(parseHead(head)?.headers.get("host")).toBe("x");
  });
});

describe("a YAML text that costs more than it shows", () => {
  const refused = (text: string) => {
    try {
      parseSource(text, "file.yaml");
      return "";
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
  };

  // Before they were bounded: 1 GiB and more of memory for the first three, two minutes for the last.
  it.each([
    ["a list of a million", `a:\n${"- a\n".repeat(1_000_000)}`, /more than 300000 values/],
    ["a flow of a million", `a: [${"a,".repeat(1_000_000)}a]`, /more than 300000 values/],
    ["brackets without end", `a: ${"[".repeat(1_000_000)}`, /more than 300000 values/],
    ["20,000 aliases", `a: &a 1\nb: [${"*a,".repeat(20_000)}1]`, /more than 1000 aliases/],
  ])("is refused before it is parsed: %s", (_what, text, sentence) => {
    expect(refused(text)).toMatch(sentence);
    const problems = new FileProblems("file.yaml");
    expect(readYaml(text, problems)).toBeUndefined();
    expect(parseTrapFile("file.yaml", text).problems[0]?.problem).toMatch(sentence);
  });

  it("is not one with anchors of values, lists and mappings, as long as they stand before their aliases", () => {
    const source = parseSource("a: &one 1\nb: &two { c: *one }\nd: &three [*two]\ne: [*three, *one]\n", "file.yaml");
    expect(source.value).toEqual({ a: 1, b: { c: 1 }, d: [{ c: 1 }], e: [[{ c: 1 }], 1] });
    expect(refused("a: *late\nb: &late 1\n")).toMatch(/nothing is anchored as "late"/);
  });

  it("is none with 4,096 equipment", () => {
    const line = (n: number) =>
      `  - { id: sw-${n}, name: Switch ${n}, address: 10.0.${n >> 8}.${n & 255}, credential: a, parent: fw-1, pollIntervalMs: 60000 }`;
    expect(refused(`equipment:\n${Array.from({ length: 4_096 }, (_, n) => line(n)).join("\n")}\n`)).toBe("");
  });
});

describe("documents of flows whose values are of another kind", () => {
  const context = {
    gateway: "gw-1",
    catalogue: new ServiceCatalogue(join(root, "flows/library")),
    registry: undefined,
    site: { hasEquipment: () => true, hasCheck: () => false },
  };

  it.each([
    { type: { toString: 1 } },
    { type: "link out", links: [{ toString: 1 }] },
    { wires: [[{ toString: 1 }]] },
    { z: { toString: 1 } },
  ])("are refused with sentences: %j", (change) => {
    const content = flowDocument("x", [{ id: "a", type: "inject", z: "t", wires: [], ...change }]).content;
    expect(() => compileSet([{ ...flowDocument("x", []), content }], context)).not.toThrow();
  });

  it("say that properties of parameters must be an object", () => {
    expect(checkParameterSchema({ type: "object", properties: null }, "/p").map(({ path }) => path)).toContain("/p/properties");
  });
});

it("a block of the history with a length that was turned reserves no memory", () => {
  const block = encodeBlock([{ id: 1, times: [1, 2], values: Float64Array.of(1, 2) }]);
  const raw = zstdDecompressSync(block);
  const jsonBytes = raw.readUInt32LE(0);
  const json = Buffer.from(raw.toString("utf8", 4, 4 + jsonBytes).replace("[1,0,2]", "[1,0,900000000]"));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const damaged = zstdCompressSync(Buffer.concat([length, json, raw.subarray(4 + jsonBytes)]));
  expect(() => decodeBlock(damaged)).toThrowError(expect.objectContaining({ code: "buffer.corrupt" }));
});

describe("an answer of a gateway that was taken over", () => {
  const id = "0".repeat(26);
  const book = () => {
    const row = { id, tenant: "acme", gateway: "gw-1", state: "accepted", open: true, progress: [], version: 1 };
    const store = { putCommand: () => undefined, openCommands: () => [row] };
    return new CommandBook({ store, clock: new ManualClock() } as never);
  };
  const answer = (more: object) => parseResponse(Buffer.from(JSON.stringify({ v: 1, id, seq: 1, st: "ok", ...more })));

  // Each ended the NOC's process, or made it reserve gigabytes.
  it.each([
    { part: null },
    { part: { off: 0, size: 4, sha256: "x", data: { length: 4_000_000_000 } } },
    { part: { off: 0.5, size: 4, sha256: "x", data: "AAAA" } },
    { fin: true, out: { blob: null } },
  ])("is taken without harm: %j", (more) => {
    expect(() => book().answer("acme", "gw-1", answer(more))).not.toThrow();
  });

  it("is refused when it is nested without end, before anybody walks it", () => {
    const deep = `${"[".repeat(12_000)}${"]".repeat(12_000)}`;
    const bytes = Buffer.from(`{"v":1,"id":"${id}","seq":1,"st":"ok","out":${deep}}`);
    expect(() => parseResponse(bytes)).toThrowError(expect.objectContaining({ code: "codec.limit" }));
    expect(parseResponse(Buffer.from(`{"v":1,"id":"${id}","seq":1,"st":"ok","out":"${"[".repeat(500)} \\" ["}`)).out).toContain("[[[");
  });
});

it("a line of the alarm log in which a bit turned costs that line, not the history", () => {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-alarms-"));
  try {
    const kit = new ListKit();
    kit.list.set(condition());
    const log = new FileAlarmLog(folder, silentLogger);
    log.append(kit.flush());
    const file = join(folder, "alarms.log");
    const whole = readFileSync(file, "utf8");
    writeFileSync(file, `${whole.replace('"observedAt"', '"obserwedAt"')}{}\n{"key":1}\n${whole}`);
    expect([...new FileAlarmLog(folder, silentLogger).newestFirst()]).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("a key of state.db that no longer stands in its order is damage: what is behind it would never be found again", () => {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-state-"));
  try {
    const state = openState(folder, { wallMs: 0 });
    for (let at = 0; at < 40; at++) state.put({ [`order/${at}`]: "x".repeat(100) });
    state.close();
    const file = join(folder, "state.db");
    const bytes = readFileSync(file);
    for (let at = bytes.indexOf("order/15"); at >= 0; at = bytes.indexOf("order/15")) bytes[at] = 0x7a;
    writeFileSync(file, bytes);
    let damaged = 0;
    openState(folder, { wallMs: 0, onDamage: () => void damaged++ }).close();
    expect(damaged).toBe(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
