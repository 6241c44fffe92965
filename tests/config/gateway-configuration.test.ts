import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { head, load, loadFile, problemsOf, sentencesOf, written } from "./configuration-kit.ts";

describe("a configuration that is right", () => {
  it("gets every default, so that nothing else in the program knows one", () => {
    const configuration = load(`${head}equipment: [{ id: sw-1, address: 192.0.2.1 }]\n`);
    expect(configuration).toMatchObject({
      gateway: { id: "gw-lisbon-01", tenant: "default", site: "default" },
      equipment: [{ id: "sw-1", address: "192.0.2.1", port: 161, driver: "snmp", pollIntervalMs: 60_000 }],
      traps: { enabled: true, host: "0.0.0.0", port: 1162 },
      syslog: { enabled: true, port: 5514 },
      buffer: { budgetBytes: 536_870_912, durabilityWindowMs: 10_000 },
      log: { level: "info", format: "auto" },
    });
    expect(configuration.uplink).toBeUndefined();
  });

  it("completes a driver's settings with the driver's own defaults", () => {
    const { equipment } = load(`${head}equipment: [{ id: sw-1, address: 192.0.2.1, settings: { retries: 1 } }]\n`);
    expect(equipment[0]?.settings).toEqual({ retries: 1, timeoutMs: 2000 });
  });

  it("is frozen all the way down", () => {
    const configuration = load(`${head}equipment: [{ id: sw-1, address: 192.0.2.1, settings: { retries: 1 } }]\n`);
    expect(() => Object.assign(configuration.buffer, { budgetBytes: 1 })).toThrow(TypeError);
    expect(() => Object.assign(configuration.equipment[0]?.settings ?? {}, { retries: 9 })).toThrow(TypeError);
    expect(() => Object.assign(configuration.equipment, { 0: undefined })).toThrow(TypeError);
  });

  it("may share parts by anchor and alias", () => {
    const { equipment } = load(
      `${head}equipment:\n  - { id: a, address: 192.0.2.1, settings: &s { retries: 1 } }\n  - { id: b, address: 192.0.2.2, settings: *s }\n`,
    );
    expect(equipment.map(({ settings }) => settings)).toEqual([
      { retries: 1, timeoutMs: 2000 },
      { retries: 1, timeoutMs: 2000 },
    ]);
  });

  it("may be JSON", () => {
    expect(load('{ "gateway": { "id": "gw-lisbon-01" } }').gateway.id).toBe("gw-lisbon-01");
  });

  it("is what examples/gatehouse.yaml is, with its secrets in place", () => {
    const example = readFileSync(join(import.meta.dirname, "../../examples/gatehouse.yaml"), "utf8");
    const secrets = ["noc-ca.pem", "gw-lisbon-01.pem", "gw-lisbon-01.key", "auth.key", "priv.key", "noc-root.pub.jwk"];
    const file = written({
      "gatehouse.yaml": example,
      ...Object.fromEntries(secrets.map((name) => [`secrets/${name}`, `content of ${name}\n`])),
    });
    const configuration = loadFile(file, { LAN_COMMUNITY: "not-public" });
    expect(configuration.warnings).toEqual([]);
    expect(configuration.equipment.map(({ id }) => id)).toEqual(["fw-1", "sw-1", "sw-2", "ap-1", "ups-1", "nas-1", "printer-1"]);
    expect(configuration.uplink?.tls).toMatchObject({ ca: "content of noc-ca.pem", cert: "content of gw-lisbon-01.pem" });
    expect(configuration.uplink?.tls?.key?.reveal()).toBe("content of gw-lisbon-01.key");
    expect(configuration.credentials.credential("lan-v3").snmp).toMatchObject({
      version: "3",
      user: "noc",
      auth: { protocol: "sha256", key: "content of auth.key" },
      priv: { protocol: "aes128", key: "content of priv.key" },
    });
  });
});

describe("a configuration that is wrong", () => {
  it("says everything at once, each with line, column, pointer and a sentence, in the order of the file", () => {
    const yaml = [
      "gateway: { id: GW, tenant: acme }",
      "uplink: { url: mqtt://127.0.0.1, intervalPerChunk: 1 }",
      "equipment:",
      "  - { id: sw-1, address: 192.0.2.1, port: 70000, driver: snpm }",
      "  - { id: sw-1, address: 192.0.2.1, pollInterval: 60000 }",
      "  - { address: 192.0.2.1, credential: lan }",
      "trasp: { port: 1162 }",
      "buffer: { budgetBytes: lots }",
    ].join("\n");
    expect(problemsOf(yaml)).toEqual([
      { severity: "error", line: 1, column: 16, pointer: "/gateway/id", sentence: "must be 3 to 40 of a-z, 0-9 and -" },
      {
        severity: "error",
        line: 2,
        column: 34,
        pointer: "/uplink/intervalPerChunk",
        sentence: 'unknown key "intervalPerChunk"; did you mean "intervalsPerChunk"?',
      },
      { severity: "error", line: 4, column: 43, pointer: "/equipment/0/port", sentence: "must be at most 65535" },
      { severity: "error", line: 4, column: 58, pointer: "/equipment/0/driver", sentence: 'unknown driver "snpm"; did you mean "snmp"?' },
      { severity: "error", line: 5, column: 11, pointer: "/equipment/1/id", sentence: '"sw-1" is the id of /equipment/0 already' },
      {
        severity: "error",
        line: 5,
        column: 37,
        pointer: "/equipment/1/pollInterval",
        sentence: 'unknown key "pollInterval"; did you mean "pollIntervalMs"?',
      },
      { severity: "error", line: 6, column: 5, pointer: "/equipment/2", sentence: '"id" is missing' },
      { severity: "error", line: 6, column: 39, pointer: "/equipment/2/credential", sentence: 'unknown credential "lan"; there is none' },
      { severity: "error", line: 7, column: 1, pointer: "/trasp", sentence: 'unknown key "trasp"; did you mean "traps"?' },
      { severity: "error", line: 8, column: 24, pointer: "/buffer/budgetBytes", sentence: "must be a whole number, not text" },
    ]);
  });

  it.each([
    ["port: '161'", "/equipment/0/port must be a whole number, not text (leave out the quotes)"],
    ["port: 161.5", "/equipment/0/port must be a whole number, not a number with a fraction"],
    ["port: ", "/equipment/0/port must be a whole number, not nothing"],
    ["port: [161]", "/equipment/0/port must be a whole number, not a list"],
    ["port: .nan", "/equipment/0/port must be a whole number, not a number with a fraction"],
    ["port: yes", "/equipment/0/port must be a whole number, not text"],
    ["name: 7", "/equipment/0/name must be text, not a number (put it in quotes)"],
    ["name: ''", "/equipment/0/name must not be empty"],
    ["pollIntervalMs: 10", "/equipment/0/pollIntervalMs must be at least 1000"],
    ["settings: { retries: x }", "/equipment/0/settings/retries must be a whole number, not text"],
    ["settings: { retrys: 1 }", '/equipment/0/settings/retrys unknown key "retrys"; did you mean "retries"?'],
    ["settings: 5", "/equipment/0/settings must be a mapping (key: value), not a number (put it in quotes)"],
    ["parent: sw-9", '/equipment/0/parent unknown equipment "sw-9"; did you mean "sw-1"?'],
    ["parent: sw-1", '/equipment/0/parent "sw-1" hangs behind itself'],
  ])("names what is wrong with %s", (entry, sentence) => {
    expect(sentencesOf(`${head}equipment: [{ id: sw-1, address: 192.0.2.1, ${entry} }]\n`)).toEqual([sentence]);
  });

  it.each([
    ["log: { level: infos }", '/log/level must be one of error, warn, info, debug; did you mean "info"?'],
    ["log: 5", "/log must be a mapping (key: value), not a number (put it in quotes)"],
    ["equipment: {}", "/equipment must be a list, not a mapping"],
    ["uplink: { url: http://noc }", "/uplink/url must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT], without user or password in it"],
    [
      "uplink: { url: mqtts://noc }",
      "/uplink an mqtts:// uplink needs tls.ca: the authority that signed the broker's certificate; or enrolled: true after gatehouse enrol",
    ],
    ["uplink: { url: mqtt://127.0.0.1, tls: {} }", "/uplink/tls has no effect with mqtt://; write mqtts:// in url"],
    ["uplink: { url: mqtts://noc, tls: { ca: x, cert: y } }", "/uplink/tls cert and key are only useful together"],
    ["syslog: { port: 1162 }", "/syslog/port is the port of traps as well; two receivers cannot share it"],
    ["__proto__: { a: 1 }", expect.stringMatching(/^\/__proto__ unknown key "__proto__"; known here: gateway, uplink, /)],
    ["gateway2: 1", '/gateway2 unknown key "gateway2"; did you mean "gateway"?'],
  ])("names what is wrong with %s", (section, sentence) => {
    expect(sentencesOf(`${head}${section}\n`)).toEqual([sentence]);
  });

  it.each([
    ["{ version: 2c }", "/snmp SNMP version 2c needs a community"],
    ["{ version: 3 }", "/snmp SNMP version 3 needs a user"],
    ["{ version: 4 }", "/snmp/version must be one of 1, 2c, 3"],
    ["{ version: 3, user: a, community: b }", "/snmp/community has no meaning in SNMP version 3"],
    ["{ version: 2c, community: b, user: a }", "/snmp/user has no meaning in SNMP version 2c"],
    ["{ version: 3, user: a, priv: { aes: longenough } }", "/snmp/priv encryption needs authentication: add auth"],
    ["{ version: 3, user: a, auth: { sha256: short } }", "/snmp/auth/sha256 a pass phrase of SNMP version 3 has at least 8 characters"],
    ["{ version: 3, user: a, auth: { sha256: longenough, md5: longenough } }", "/snmp/auth must have at most 1 entry"],
    ["{ version: 3, user: a, auth: { sha265: longenough } }", '/snmp/auth/sha265 unknown key "sha265"; did you mean "sha256"?'],
    ["{ version: 2c, community: { $env: A, $file: b } }", "/snmp/community must have at most 1 entry"],
    ["{ version: 2c, community: { $vault: A } }", '/snmp/community/$vault unknown key "$vault"; known here: $env, $file, $sealed'],
    ["{ version: 2c, community: 1234 }", "/snmp/community must be text or a mapping (key: value), not a number (put it in quotes)"],
  ])("names what is wrong with the credential %s", (snmp, sentence) => {
    expect(sentencesOf(`${head}credentials: { lan: { snmp: ${snmp} } }\n`, { A: "x" })).toContain(`/credentials/lan${sentence}`);
  });

  it("finds a circle of parents, however long, and names those in it only", () => {
    const entry = (id: string, parent: string) => `{ id: ${id}, address: 192.0.2.1, parent: ${parent} }`;
    const yaml = `${head}equipment: [${[entry("a", "b"), entry("b", "c"), entry("c", "a"), entry("d", "a")].join(", ")}]\n`;
    expect(sentencesOf(yaml).map((sentence) => sentence.split(" ")[0])).toEqual([
      "/equipment/0/parent",
      "/equipment/1/parent",
      "/equipment/2/parent",
    ]);
  });

  it("lists the first fifty problems and counts the rest", () => {
    const yaml = `${head}equipment:\n${Array.from({ length: 80 }, (_, index) => `  - { id: sw-${index} }\n`).join("")}`;
    expect(problemsOf(yaml)).toHaveLength(80);
    expect(() => load(yaml)).toThrow(/and 30 more$/);
  });
});

describe("secrets", () => {
  const withCommunity = (community: string) => `${head}credentials: { lan: { snmp: { version: 2c, community: ${community} } } }\n`;

  it("come from the environment or from a file beside the configuration", () => {
    const fromEnvironment = load(withCommunity("{ $env: LAN }"), { LAN: "s3cret" });
    expect(fromEnvironment.credentials.credential("lan").snmp).toMatchObject({ community: "s3cret" });
    const fromFile = loadFile(written({ "gatehouse.yaml": withCommunity("{ $file: keys/lan }"), "keys/lan": "s3cret\n" }));
    expect(fromFile.credentials.credential("lan").snmp).toMatchObject({ community: "s3cret" });
    expect(fromFile.warnings).toEqual([]);
  });

  it("are warned of in clear text, and accepted", () => {
    expect(load(withCommunity("public")).warnings).toMatchObject([
      {
        severity: "warning",
        pointer: "/credentials/lan/snmp/community",
        sentence: "a secret in clear text; better { $env: NAME } or { $file: PATH }",
      },
    ]);
  });

  it.each([
    ["{ $env: NOPE }", 'the environment variable "NOPE" is not set'],
    ["{ $env: EMPTY }", 'the environment variable "EMPTY" is empty'],
    ["{ $env: __proto__ }", 'the environment variable "__proto__" is not set'],
    ["{ $file: nope }", /the referenced file .*nope does not exist/],
    ["{ $file: . }", /the referenced file .* is a folder, not a file/],
    ["{ $file: /dev/zero }", /the referenced file \/dev\/zero is not a regular file/],
  ])("are missed with a sentence: %s", (reference, sentence) => {
    const problems = problemsOf(withCommunity(reference), { EMPTY: "" });
    expect(problems).toMatchObject([
      { severity: "error", line: 2, pointer: "/credentials/lan/snmp/community", sentence: expect.stringMatching(sentence) },
    ]);
  });

  it("are warned of when everybody may read their file", () => {
    const file = written({ "gatehouse.yaml": withCommunity("{ $file: lan }"), lan: "s3cret" });
    chmodSync(join(file, "../lan"), 0o644);
    expect(loadFile(file).warnings).toMatchObject([
      { severity: "warning", sentence: expect.stringContaining("every user of this machine may read") },
    ]);
  });

  it("do not show when the configuration is printed, inspected or serialised, in whole or in part", () => {
    const yaml = `${head}uplink: { url: mqtt://127.0.0.1, password: s3cret }
credentials:
  a: { snmp: { version: 2c, community: s3cret } }
  b: { snmp: { version: 3, user: noc, auth: { sha256: s3cret-auth }, priv: { aes: s3cret-priv } } }
`;
    const configuration = load(yaml);
    const credential = configuration.credentials.credential("b");
    const said = [configuration, credential, credential.snmp, configuration.uplink, configuration.shown].flatMap((part) => [
      inspect(part, { depth: 20, showHidden: false }),
      JSON.stringify(part),
      String(part),
    ]);
    expect(said.join("\n")).not.toContain("s3cret");
    expect(configuration.uplink?.password?.reveal()).toBe("s3cret");
  });

  it("do not show in any sentence about them", () => {
    const yaml = `${head}uplink: { url: "mqtt://noc:s3cret@127.0.0.1" }\ncredentials: { a: { snmp: { version: 3, user: noc, auth: { md5: s3cret } } } }\n`;
    const problems = problemsOf(yaml);
    expect(problems.length).toBeGreaterThan(1);
    expect(JSON.stringify(problems)).not.toContain("s3cret");
  });

  it("are refused by name when there is none of that name", () => {
    expect(() => load(head).credentials.credential("lan")).toThrow(expect.objectContaining({ code: "config.secret" }));
  });
});
