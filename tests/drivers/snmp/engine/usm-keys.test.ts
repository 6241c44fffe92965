import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../../../drivers/snmp/engine/limits.ts";
import { type UserCredential, UsmKeys } from "../../../../drivers/snmp/engine/usm-keys.ts";
import type { AuthProtocol, PrivProtocol } from "../../../../runtime/model/equipment.ts";
import { clock, unending } from "./conversing.ts";

const engine = Buffer.from("000000000000000000000002", "hex");

function credential(auth: AuthProtocol, priv?: PrivProtocol, password = "maplesyrup"): UserCredential {
  return {
    version: "3",
    user: "u",
    auth: { protocol: auth, key: password },
    ...(priv === undefined ? {} : { priv: { protocol: priv, key: password } }),
  };
}

function newKeys(limits = defaultLimits): UsmKeys {
  return new UsmKeys({ limits, clock, life: unending });
}

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");

describe("keys of SNMPv3 users", () => {
  it.each<[AuthProtocol, string]>([
    ["md5", "526f5eed9fcce26f8964c2930787d82b"],
    ["sha1", "6695febc9288e36282235fc7151f128497b38f3f"],
  ])("are those of RFC 3414 A.3 for %s", async (protocol, key) => {
    expect(hex((await newKeys().keysFor(credential(protocol), engine)).auth)).toBe(key);
  });

  it.each<[PrivProtocol, number]>([
    ["des", 16],
    ["aes128", 16],
    ["aes192", 24],
    ["aes192-cisco", 24],
    ["aes256", 32],
    ["aes256-cisco", 32],
  ])("for %s are %i bytes, whatever the hash gives", async (protocol, bytes) => {
    for (const auth of ["md5", "sha1", "sha512"] as const) {
      expect((await newKeys().keysFor(credential(auth, protocol), engine)).priv?.length).toBe(bytes);
    }
  });

  it("extended by Blumenthal's and by Reeder's way begin alike and end differently", async () => {
    const keys = newKeys();
    const blumenthal = hex((await keys.keysFor(credential("sha1", "aes256"), engine)).priv);
    const reeder = hex((await keys.keysFor(credential("sha1", "aes256-cisco"), engine)).priv);
    expect(blumenthal.slice(0, 40)).toBe(reeder.slice(0, 40));
    expect(blumenthal.slice(40)).not.toBe(reeder.slice(40));
  });

  it("cost one long hash a password, however many engines and requests there are", async () => {
    const keys = newKeys();
    const engines = Array.from({ length: 50 }, (_, index) => Uint8Array.of(0x80, 0, 0, 0, 5, index));
    const derived = await Promise.all([...engines, ...engines].map((id) => keys.keysFor(credential("sha256", "aes128"), id)));
    expect(keys.passwordHashes).toBe(1);
    expect(new Set(derived.map(({ auth }) => hex(auth))).size).toBe(50);
  });

  it("are derived without holding up the loop", async () => {
    const keys = newKeys();
    let turns = 0;
    let isDone = false;
    const watching = (async () => {
      while (!isDone) {
        await clock.sleep(0, unending);
        turns += 1;
      }
    })();
    // The two that Web Crypto lacks are hashed here, in sixteen slices each; the others on a thread of the pool.
    const protocols: readonly AuthProtocol[] = ["md5", "sha224"];
    for (const protocol of protocols) await keys.keysFor(credential(protocol, "aes128", `password of ${protocol}`), engine);
    isDone = true;
    await watching;
    expect(keys.passwordHashes).toBe(2);
    // In one piece each the loop would turn a handful of times.
    expect(turns).toBeGreaterThan(16);
  });

  it("are forgotten beyond their bound, the one used longest ago first", async () => {
    const keys = newKeys({ ...defaultLimits, maxPasswordKeys: 2, maxLocalizedKeys: 2 });
    for (const password of ["password-1", "password-2", "password-3", "password-1"])
      await keys.keysFor(credential("sha1", undefined, password), engine);
    expect(keys.passwordHashes).toBe(4);
  });

  it("need passwords of eight characters", async () => {
    await expect(newKeys().keysFor(credential("sha1", undefined, "seven77"), engine)).rejects.toMatchObject({ code: "driver.auth" });
  });
});
