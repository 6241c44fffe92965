import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asking } from "../../runtime/cli/snmp-target.ts";
import { GatewayError } from "../../runtime/model/errors.ts";
import { type RunningSite, startSite } from "../drivers/simulated/running-site.ts";
import { writeMessage } from "../drivers/snmp/engine/plain-ber.ts";
import { octets, TableAgent } from "../drivers/snmp/engine/table-agent.ts";
import { ManualClock } from "../store/manual-clock.ts";
import { runCli, stackTrace } from "./run-cli.ts";

const sysName = "1.3.6.1.2.1.1.5.0";
let site: RunningSite;
let port: string;
const folder = mkdtempSync(join(tmpdir(), "gatehouse-cli-snmp-"));

beforeAll(async () => {
  site = await startSite();
  port = String(site.portOf("sw-1"));
});
afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("gatehouse snmp", () => {
  it("reads single values, readable and as JSON", async () => {
    const args = ["snmp", "get", "127.0.0.1", "--port", port, sysName, "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.2.2.1.6.1", "1.3.6.1.2.1.1.99.0"];
    const { code, stdout, stderr } = await runCli(args);
    expect([code, stderr]).toEqual([0, ""]);
    const [name, ticks, mac, missing] = stdout.trimEnd().split("\n");
    expect(name).toMatch(new RegExp(`^${sysName} = octet-string: \\w`));
    expect(ticks).toMatch(/ = timeticks: \d+ \(\d+ d \d\d:\d\d:\d\d\.\d\d\)$/);
    expect(mac).toMatch(/ = octet-string: ([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    expect(missing).toMatch(/\(no such (object|instance)\)$/);
    const json = JSON.parse((await runCli([...args, "--json"])).stdout);
    expect(json).toMatchObject([
      { oid: sysName, type: "octet-string", text: expect.any(String), hex: expect.any(String) },
      { type: "timeticks", value: expect.any(Number) },
      { hex: expect.stringMatching(/^[0-9a-f]{12}$/) },
      { type: expect.stringMatching(/^no-such-/), value: null },
    ]);
  });

  it("says why there is no value: an error of the agent, or one that cannot be read", async () => {
    const agent = await new TableAgent().open();
    try {
      const malformed = { tag: 0x02, content: new Uint8Array() };
      agent.set({ [sysName]: octets("box"), "1.3.6.1.2.1.1.7.0": malformed });
      const args = ["snmp", "get", "127.0.0.1", "--port", String(agent.port)];
      expect((await runCli([...args, sysName, "1.3.6.1.2.1.1.7.0"])).stderr).toBe(
        "1 value of the agent cannot be read as the type it names; shown as (no value)\n",
      );
      agent.answering = (request) => [writeMessage({ ...agent.answer(request), second: 5, third: 1 })];
      expect((await runCli([...args, sysName])).stderr).toMatch(/^to 1 question the agent answered with an error/);
    } finally {
      await agent.close();
    }
  });

  it("walks a subtree in order, one line or JSON object a value", async () => {
    const { code, stdout } = await runCli(["snmp", "walk", "127.0.0.1", "--port", port, "1.3.6.1.2.1.1", "--json"]);
    const oids = stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { oid: string }).oid);
    expect(code).toBe(0);
    expect(oids.slice(0, 3)).toEqual(["1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.3.0"]);
  });

  it("says which of its limits ended a walk", async () => {
    const args = ["snmp", "walk", "127.0.0.1", "--port", port, "1.3.6.1.2.1.2"];
    const { code, stderr } = await runCli([...args, "--max-rows", "5"]);
    expect([code, stderr.split("\n")[0]]).toEqual([1, expect.stringMatching(/the walk reached its limit, --max-rows \(now 5\)$/)]);
  });

  it("counts its waiting from the last answer on", async () => {
    const clock = new ManualClock();
    const target = {
      address: "192.0.2.1",
      port: 161,
      credential: { version: "2c", community: "x" },
      timeoutMs: 1_000,
      retries: 2,
    } as const;
    const asked = asking(target, { clock }, async (heard) => {
      clock.step(40_000);
      heard();
      clock.step(3_000);
      throw new GatewayError("driver.timeout", { message: "no answer" });
    });
    await expect(asked).rejects.toThrow(
      "192.0.2.1 port 161: no answer; waited 3.0 s, --timeout-ms (now 1000) and --retries (now 2) say how long",
    );
  });

  it("shows an instance that is walked by its own name", async () => {
    const { code, stdout } = await runCli(["snmp", "walk", "127.0.0.1", "--port", port, sysName]);
    expect([code, stdout.split(" ")[0]]).toEqual([0, sysName]);
  });

  it("shows a table by rows and columns", async () => {
    const { code, stdout } = await runCli(["snmp", "table", "127.0.0.1", "--port", port, "1.3.6.1.2.1.2.2"]);
    const [head, first] = stdout.split("\n");
    expect(code).toBe(0);
    expect(head).toMatch(/^index +\.1 +\.2 /);
    expect(first).toMatch(/^1 +1 /);
    const column = await runCli(["snmp", "table", "127.0.0.1", "1.3.6.1.2.1.2.2.1.1", "--port", String(port), "--community", "public"]);
    expect(column.stdout).toMatch(/^index +\.1\n1 +1\n2 +2\n/);
  });

  it("speaks v3 with keys from files and from the environment", async () => {
    const device = site.devices.find(({ credential }) => credential.version === "3");
    const authKey = join(folder, "auth.key");
    writeFileSync(authKey, "simulated-auth-key\n");
    const credential = ["--v3-user", "noc", "--auth-key-file", authKey, "--priv-key-env", "PRIV_KEY"];
    const args = ["snmp", "get", "127.0.0.1", "--port", String(device?.port), sysName, ...credential];
    const { code, stdout, stderr } = await runCli(args, { environment: { PRIV_KEY: "simulated-priv-key" } });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/octet-string/);
    const wrong = await runCli(args, { environment: { PRIV_KEY: "another-priv-key" } });
    expect(wrong.code).toBe(5);
    expect(wrong.stderr).toMatch(/privacy key/);
  });

  it("takes address and credential from a configuration", async () => {
    const file = join(folder, "gatehouse.yaml");
    writeFileSync(
      file,
      `gateway: { id: gw-lisbon-01, tenant: acme, site: lisbon-01 }
uplink: { url: mqtt://127.0.0.1:1 }
credentials: { lan: { snmp: { version: 2c, community: { $env: LAN } } } }
equipment: [{ id: sw-1, address: 127.0.0.1, port: ${port}, driver: snmp, credential: lan, pollIntervalMs: 60000 }]
`,
    );
    const args = ["snmp", "get", "--config", file, "--equipment", "sw-1", sysName];
    expect(await runCli(args, { environment: { LAN: "public" } })).toMatchObject({ code: 0, stdout: expect.stringContaining(sysName) });
    const unknown = await runCli(["snmp", "get", "--config", file, "--equipment", "sw-2", sysName], { environment: { LAN: "public" } });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringMatching(/no equipment "sw-2"/) });
  });

  it.each([
    [["get"], 2, /whom to ask/],
    [["get", "127.0.0.1"], 2, /which OID/],
    [["identify", "127.0.0.1:1161"], 2, /the port is given by itself: 127\.0\.0\.1 --port 1161/],
    [["identify", "[::1]:1161"], 2, /by itself: ::1 --port 1161/],
    [["get", "127.0.0.1", "1.3.6.x"], 2, /"1\.3\.6\.x" is not an object identifier/],
    [["get", "127.0.0.1", "1.3.6.1", "--v3-user", "a", "--priv-key-env", "HOME"], 2, /no privacy without authentication/],
    [["get", "127.0.0.1", "1.3.6.1", "--v3-user", "a", "--v1"], 2, /--v3-user speaks v3.*leave out --v1/],
    [["get", "127.0.0.1", "1.3.6.1", "--v3-user", "a", "--community", "b"], 2, /which has no community/],
    [["get", "127.0.0.1", "1.3.6.1", "--auth-key-env", "HOME"], 2, /give --v3-user as well/],
    [["get", "[::1]", sysName, "--port", "9", "--timeout-ms", "250", "--retries", "0"], 5, /^gatehouse: ::1 port 9: /],
    [["get", "127.0.0.1", "1.3.6.1", "--port", "0x"], 2, /whole number/],
    [["get", "127.0.0.1", "1.3.6.1", "--community-env", "NOT_SET_HERE"], 2, /NOT_SET_HERE is not set/],
    [["get", "127.0.0.1", "1.3.6.1", "--v3-user", "a", "--auth-key-file", "/nowhere"], 2, /cannot be read/],
    [["get", "127.0.0.1", "1.3.6.1", "--equipment", "sw-1"], 2, /--config and --equipment/],
    [["get", "127.0.0.1", sysName, "--port", "9", "--timeout-ms", "250", "--retries", "0"], 5, /127\.0\.0\.1 port 9: no answer/],
    [
      ["get", "127.0.0.1", sysName, "--port", "9", "--timeout-ms", "250", "--retries", "1"],
      5,
      /no answer.*; waited 0\.[5-9] s, --timeout-ms \(now 250\) and --retries \(now 1\) say how long/,
    ],
    [
      ["walk", "127.0.0.1", sysName, "--port", "9", "--timeout-ms", "3000", "--deadline-ms", "300"],
      5,
      /; waited 0\.[3-9] s, --deadline-ms \(now 300\) says how long/,
    ],
    [["table", "127.0.0.1", sysName, "--port", "9", "--timeout-ms", "250", "--retries", "0"], 5, /; waited .* --timeout-ms \(now 250\)/],
    [["identify", "127.0.0.1", "--port", "9", "--timeout-ms", "250", "--retries", "0"], 5, /; waited .* --timeout-ms \(now 250\)/],
    [["get", "no-such-host.invalid", sysName, "--retries", "0"], 5, /cannot be resolved|name server/],
  ])("answers %j with a sentence and exit code %i", async (args, code, sentence) => {
    const result = await runCli(["snmp", ...args]);
    expect([result.code, result.stdout]).toEqual([code, ""]);
    expect(result.stderr).toMatch(sentence);
    expect(result.stderr).not.toMatch(stackTrace);
  });
});
