import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createSnmpEngine } from "../../drivers/snmp/engine/engine.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import type { AuthProtocol, PrivProtocol, SnmpCredential } from "../../runtime/model/equipment.ts";
import type { Clock } from "../../runtime/ports/clock.ts";
import type { SnmpEngine, SnmpSession } from "../../runtime/ports/snmp.ts";
import { peer } from "../peers.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { type NpmAgent, npmScalar, startNpmAgent } from "./npm-agent.ts";
import { authKey, freeUdpPort, privKey, Snmpd } from "./snmp-peers.ts";

const signal = new AbortController().signal;
const sysUpTime = "1.3.6.1.2.1.1.3.0";
const uptime = { table: "system", rows: ["0"], columns: [{ oid: "1.3.6.1.2.1.1.3", as: "number" as const }] };
const engineId = "80001f8880aabbccdd01020304";

/** The machine's clock, which a test may put ahead: an agent's clock then stands behind ours as if it had stopped. */
class ShiftedClock implements Clock {
  shiftMs = 0;
  readonly #clock = new SystemClock(() => true);
  now = () => this.#clock.now();
  anchors = () => this.#clock.anchors();
  sleep = (ms: number, abort: AbortSignal) => this.#clock.sleep(ms, abort);
  monotonicMs = () => this.#clock.monotonicMs() + this.shiftMs;
}

const clock = new ShiftedClock();
let engine: SnmpEngine;

beforeAll(() => {
  engine = createSnmpEngine({ clock, entropy: systemEntropy, logger: silentLogger });
});
afterAll(() => engine.close());

function authPriv(user: string, auth: AuthProtocol, priv: PrivProtocol, keys = { authKey, privKey }): SnmpCredential {
  return { version: "3", user, auth: { protocol: auth, key: keys.authKey }, priv: { protocol: priv, key: keys.privKey } };
}

function open(port: number, credential: SnmpCredential): SnmpSession {
  return engine.open({ address: "127.0.0.1", port, credential, timeoutMs: 400, retries: 1 });
}

describe.skipIf(!peer("snmpd").available)(`USM with snmpd ${peer("snmpd").reason}`, () => {
  let snmpd: Snmpd;
  beforeAll(() => {
    snmpd = new Snmpd();
  });
  afterEach(() => snmpd.kill());
  afterAll(() => snmpd.dispose());

  it("speaks every authentication protocol, and DES and AES-128", async () => {
    const names = { md5: "MD5", sha1: "SHA", sha224: "SHA-224", sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };
    const privNames = { des: "DES", aes128: "AES" };
    const users = Object.entries(names).flatMap(([auth, name]) =>
      Object.entries(privNames).map(([priv, privName]) => ({
        auth,
        priv,
        line: `createUser ${auth}-${priv} ${name} ${authKey} ${privName} ${privKey}`,
      })),
    );
    await snmpd.start(users.map(({ line }) => line));
    for (const { auth, priv } of users) {
      const session = open(snmpd.port, authPriv(`${auth}-${priv}`, auth as AuthProtocol, priv as PrivProtocol));
      const [varbind] = await session.get([sysUpTime], signal);
      expect(varbind, `${auth} ${priv}`).toMatchObject({ oid: sysUpTime, type: "timeticks" });
      session.close();
    }
  });

  it("says which part of the credential the agent refuses", async () => {
    await snmpd.start([`createUser both SHA-256 ${authKey} AES ${privKey}`, `createUser plain SHA-256 ${authKey}`]);
    const cases: readonly (readonly [SnmpCredential, RegExp])[] = [
      [authPriv("nobody", "sha256", "aes128"), /user name/],
      [authPriv("both", "sha256", "aes128", { authKey: "not-the-password", privKey }), /authentication key/],
      [authPriv("both", "sha512", "aes128"), /authentication key or protocol/],
      [authPriv("both", "sha256", "aes128", { authKey, privKey: "not-the-password" }), /privacy key/],
      [authPriv("plain", "sha256", "aes128"), /security level/],
    ];
    for (const [credential, message] of cases) {
      const session = open(snmpd.port, credential);
      await expect(session.get([sysUpTime], signal)).rejects.toMatchObject({
        code: "driver.auth",
        message: expect.stringMatching(message),
      });
      session.close();
    }
  });

  it("refuses passwords that SNMPv3 does not allow without asking the agent for them", async () => {
    await snmpd.start([`createUser both SHA-256 ${authKey} AES ${privKey}`]);
    const session = open(snmpd.port, authPriv("both", "sha256", "aes128", { authKey: "short", privKey }));
    await expect(session.get([sysUpTime], signal)).rejects.toMatchObject({
      code: "driver.auth",
      message: expect.stringMatching(/8 characters/),
    });
    session.close();
  });

  it("goes on at once with an agent that comes back with lower boots, and tells so", async () => {
    const users = [`createUser both SHA-256 ${authKey} AES ${privKey}`];
    await snmpd.start(users, { boots: 40, engineId });
    const session = open(snmpd.port, authPriv("both", "sha256", "aes128"));
    await session.get([sysUpTime], signal);
    expect(session.engine()).toMatchObject({ boots: 41, regressions: 0 });
    await snmpd.kill();
    await snmpd.start(users, { boots: 2, engineId });
    expect(await session.get([sysUpTime], signal)).toMatchObject([{ type: "timeticks" }]);
    expect(session.engine()).toMatchObject({ boots: 3, regressions: 1 });
    session.close();
  });

  it("goes on at once with an agent whose clock stands still", async () => {
    await snmpd.start([`createUser both SHA-256 ${authKey} AES ${privKey}`]);
    const session = open(snmpd.port, authPriv("both", "sha256", "aes128"));
    await session.get([sysUpTime], signal);
    clock.shiftMs += 400_000;
    expect(await session.get([sysUpTime], signal)).toMatchObject([{ type: "timeticks" }]);
    expect(session.engine()?.regressions).toBe(1);
    expect(session.engine()?.timeS).toBeLessThan(300);
    session.close();
  });

  it("follows an agent to a new engine id", async () => {
    const users = [`createUser both SHA-256 ${authKey} AES ${privKey}`];
    await snmpd.start(users, { boots: 1, engineId });
    const session = open(snmpd.port, authPriv("both", "sha256", "aes128"));
    await session.readTable(uptime, clock.monotonicMs() + 5_000, signal);
    await snmpd.kill();
    const other = engineId.replace(/4$/, "5");
    await snmpd.start(users, { boots: 1, engineId: other });
    // A table read holds encoded requests: they must not go on naming the engine that is gone.
    const answer = await session.readTable(uptime, clock.monotonicMs() + 5_000, signal);
    expect(answer.columns[0]?.present[0]).toBe(1);
    expect(session.engine()?.engineId).toBe(other);
    session.close();
  });

  it("tells the truth while the agent has another password, and is well again when it is put right", async () => {
    const users = (password: string) => [`createUser both SHA-256 ${password} AES ${privKey}`];
    await snmpd.start(users(authKey), { boots: 1, engineId });
    const session = open(snmpd.port, authPriv("both", "sha256", "aes128"));
    await session.get([sysUpTime], signal);
    await snmpd.kill();
    await snmpd.start(users("changed-password"), { boots: 2, engineId });
    await expect(session.get([sysUpTime], signal)).rejects.toMatchObject({ code: "driver.auth" });
    await snmpd.kill();
    await snmpd.start(users(authKey), { boots: 3, engineId });
    expect(await session.get([sysUpTime], signal)).toMatchObject([{ type: "timeticks" }]);
    session.close();
  });
});

describe("USM with net-snmp's agent", () => {
  const protocols: readonly (readonly [AuthProtocol, PrivProtocol])[] = [
    ["sha1", "aes256"],
    ["sha1", "aes256-cisco"],
    ["md5", "aes256"],
    ["sha224", "aes256-cisco"],
    ["sha256", "aes256"],
    ["sha512", "aes256-cisco"],
    ["sha384", "aes128"],
  ];
  let agent: NpmAgent;
  beforeAll(async () => {
    const users = protocols.map(([auth, priv]) => ({ name: `${auth}-${priv}`, auth, priv, authKey, privKey }));
    agent = await startNpmAgent(await freeUdpPort(), users);
  });
  afterAll(() => agent.close());

  it.each(protocols)("reads with %s and %s", async (auth, priv) => {
    const session = open(agent.port, authPriv(`${auth}-${priv}`, auth, priv));
    expect(await session.get([npmScalar.oid], signal)).toEqual([{ oid: npmScalar.oid, type: "counter32", value: npmScalar.value }]);
    session.close();
  });
});
