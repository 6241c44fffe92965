import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../cli/run-cli.ts";

describe("gatehouse support-bundle", () => {
  let folder: string;
  const canaries = ["canary-community", "canary-auth-key", "canary-priv-key", "canary-environment", "canary-broker", "canary-in-the-log"];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-bundle-"));
    mkdirSync(join(folder, "state"), { mode: 0o700 });
    writeFileSync(join(folder, "auth.key"), "canary-auth-key\n");
    writeFileSync(join(folder, "priv.key"), "canary-priv-key\n");
    writeFileSync(join(folder, "state", "state.db"), "canary-community");
    writeFileSync(
      join(folder, "log"),
      'poll of sw-1 with canary-community\n{"password":"canary-in-the-log"}\nmqtts://user:canary-in-the-log@broker/ canary-environment\nAuthorization: Bearer canary-in-the-log\nall is well, sw-2 answers\n',
    );
    writeFileSync(
      join(folder, "gatehouse.yaml"),
      `gateway: { id: gw-one, tenant: acme, site: one }
uplink: { url: "mqtt://127.0.0.1:1", password: canary-broker }
credentials:
  lan: { snmp: { version: 2c, community: canary-community } }
  env: { snmp: { version: 2c, community: { $env: LAN_COMMUNITY } } }
  v3: { snmp: { version: 3, user: noc, auth: { sha256: { $file: auth.key } }, priv: { aes: { $file: priv.key } } } }
equipment: [{ id: sw-1, address: 127.0.0.1, credential: lan }]
`,
    );
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("holds versions, findings, configuration and log with a manifest, and none of the planted secrets", async () => {
    const out = join(folder, "bundle.tar.gz");
    const args = [
      "support-bundle",
      "--state",
      join(folder, "state"),
      "--config",
      join(folder, "gatehouse.yaml"),
      "--log",
      join(folder, "log"),
      "--out",
      out,
    ];
    const { code, stderr } = await runCli(args, { environment: { LAN_COMMUNITY: "canary-environment" } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const text = gunzipSync(readFileSync(out)).toString("latin1");
    expect(canaries.filter((canary) => text.includes(canary))).toEqual([]);
    for (const name of ["manifest.json", "version.json", "findings.json", "configuration.json", "log.txt", "status.json"])
      expect(text).toContain(`support/${name}`);
    expect(text).toContain("all is well, sw-2 answers");
    expect(text).toContain("gw-one");
  });

  it("is made although what was named cannot be read, and says so on standard error and in itself", async () => {
    const out = join(folder, "bundle.tar.gz");
    const missing = ["config", "log", "state"].map((name) => join(folder, `no-${name}`));
    const [config = "", log = "", state = ""] = missing;
    const { code, stderr } = await runCli(["support-bundle", "--state", state, "--config", config, "--log", log, "--out", out]);
    expect(code).toBe(0);
    const text = gunzipSync(readFileSync(out)).toString("latin1");
    expect(text).toContain("support/could-not-be-read.txt");
    for (const file of missing) {
      expect(stderr).toContain(`- ${file}: `);
      expect(text).toContain(`- ${file}: `);
    }
    expect(text).toContain("support/version.json");
  });

  it("says that a configuration is not valid and that a secret's file is not there", async () => {
    const out = join(folder, "bundle.tar.gz");
    rmSync(join(folder, "auth.key"));
    const { code, stderr } = await runCli(
      ["support-bundle", "--state", join(folder, "state"), "--config", join(folder, "gatehouse.yaml"), "--out", out],
      { environment: { LAN_COMMUNITY: "canary-environment" } },
    );
    expect(code).toBe(0);
    expect(stderr).toContain(`- ${join(folder, "auth.key")}: it is not there`);
    expect(stderr).toContain("not a valid configuration");
  });

  it("is bounded however long the log is, and keeps its end", async () => {
    writeFileSync(join(folder, "log"), `${"a line that is of no use to anybody\n".repeat(200_000)}the last line\n`);
    const out = join(folder, "bundle.tar.gz");
    const { code } = await runCli(["support-bundle", "--state", join(folder, "state"), "--log", join(folder, "log"), "--out", out]);
    expect(code).toBe(0);
    const bytes = gunzipSync(readFileSync(out));
    expect(bytes.length).toBeLessThan(4 * 1024 * 1024);
    expect(bytes.toString("latin1")).toContain("the last line");
  });
});

describe("gatehouse doctor", () => {
  it("says what is wrong and what to do, and ends with 1 when no gateway runs", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-doctor-"));
    try {
      const { code, stdout } = await runCli(["doctor", "--state", folder, "--json"]);
      const findings = JSON.parse(stdout) as readonly { readonly name: string; readonly verdict: string; readonly sentence: string }[];
      expect(code).toBe(1);
      expect(findings.find(({ name }) => name === "gateway")).toMatchObject({
        verdict: "wrong",
        sentence: expect.stringContaining("gatehouse run"),
      });
      expect(findings.find(({ name }) => name === "disk")?.sentence).toMatch(/^\d+ % used/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
