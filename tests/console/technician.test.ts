import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PinnedKey } from "#model/authority.ts";
import { signDocument, verifyDocument } from "../../cloud-bridge/protocol/envelope.ts";
import { openSecret, sealSecret } from "../../cloud-bridge/protocol/sealed-secret.ts";
import { makeDeviceKeys, publicHalf } from "../../cloud-bridge/uplink/enrolment/device-keys.ts";
import { challengeResponse, OfflineChallenge } from "../../runtime/console/offline-challenge.ts";
import { TechnicianTokens } from "../../runtime/console/technician-token.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import type { State } from "../../runtime/ports/state.ts";
import { openState } from "../../runtime/store/state.ts";
import { ManualClock } from "../store/manual-clock.ts";

const dir = mkdtempSync(join(tmpdir(), "technician-"));
let state: State;
beforeAll(() => {
  state = openState(dir, { wallMs: Date.now(), onDamage: () => undefined });
});
afterAll(() => {
  state.close();
  rmSync(dir, { recursive: true, force: true });
});

describe("technicians' tokens", () => {
  const clock = new ManualClock();
  let privateKey: JWK;
  let pinned: PinnedKey;
  let tokens: TechnicianTokens;
  let count = 0;

  beforeAll(async () => {
    const pair = await generateKeyPair("Ed25519", { extractable: true });
    privateKey = await exportJWK(pair.privateKey);
    const { x = "" } = await exportJWK(pair.publicKey);
    pinned = { kid: "tech-1", purposes: ["technician"], algorithm: "Ed25519", jwk: { kty: "OKP", crv: "Ed25519", x } };
    const expected = { type: "gh-tech+jws", purpose: "technician", audience: "gw-1", tenant: "acme", issuer: "noc" } as const;
    tokens = new TechnicianTokens({ verify: (token) => verifyDocument(token, expected, [pinned]), clock, state });
  });

  function claims(change: Readonly<Record<string, unknown>> = {}) {
    const iat = Math.floor(clock.now().wallMs / 1_000);
    count += 1;
    const own = {
      iss: "noc",
      aud: "gw-1",
      tenant: "acme",
      sub: "ana@acme",
      jti: `token-${count}-xx`,
      iat,
      exp: iat + 3_600,
      scope: "view flows.read",
    };
    return { ...own, ...change };
  }

  const signed = (payload: object, type: "gh-tech+jws" | "gh-cmd+jws" = "gh-tech+jws", kid = "tech-1") =>
    signDocument(Buffer.from(JSON.stringify(payload)), { type, kid }, privateKey);

  it("sign in the named person with the named scopes, for as long as the token lasts, once", async () => {
    const token = await signed(claims());
    expect(await tokens.verify(token)).toEqual({ person: "ana@acme", scopes: ["view", "flows.read"], lifeMs: 3_600_000 });
    expect(await tokens.verify(token)).toBeUndefined();
  });

  it.each([
    ["for another gateway", { aud: "gw-2" }],
    ["of another tenant", { tenant: "evil" }],
    ["of another issuer", { iss: "evil" }],
    ["that lasts longer than eight hours", { exp: Math.floor(new ManualClock().now().wallMs / 1_000) + 9 * 3_600 }],
    ["that is out of date", { iat: 1_000, exp: 4_600 }],
    ["of the far future", { iat: 4_000_000_000, exp: 4_000_003_600 }],
    ["without scope", { scope: "" }],
    ["with scopes that do not exist", { scope: "root admin" }],
    ["with an id that is no text", { jti: 5 }],
    ["whose person is not printable", { sub: "ana\u0000" }],
  ])("are refused %s", async (_what, change) => {
    expect(await tokens.verify(await signed(claims(change)))).toBeUndefined();
  });

  it("are refused when they are of another kind, by another key, or changed", async () => {
    expect(await tokens.verify(await signed(claims(), "gh-cmd+jws"))).toBeUndefined();
    expect(await tokens.verify(await signed(claims(), "gh-tech+jws", "other"))).toBeUndefined();
    const other = await exportJWK((await generateKeyPair("Ed25519", { extractable: true })).privateKey);
    const forged = await signDocument(Buffer.from(JSON.stringify(claims())), { type: "gh-tech+jws", kid: "tech-1" }, other);
    expect(await tokens.verify(forged)).toBeUndefined();
    const [header, , signature] = (await signed(claims())).split(".");
    const swapped = Buffer.from(JSON.stringify(claims({ scope: "operate" }))).toString("base64url");
    expect(await tokens.verify(`${header}.${swapped}.${signature}`)).toBeUndefined();
    for (const junk of ["", "a.b.c", "..", "x".repeat(70_000), "{}.{}.{}"]) expect(await tokens.verify(junk)).toBeUndefined();
  });

  it("are taken with a clock that was never set, because dates prove nothing then, and still only once", async () => {
    const lost = new ManualClock();
    lost.quality = "unanchored";
    lost.wallOffsetMs = 0;
    const expected = { type: "gh-tech+jws", purpose: "technician", audience: "gw-1", tenant: "acme" } as const;
    const blind = new TechnicianTokens({ verify: (token) => verifyDocument(token, expected, [pinned]), clock: lost, state });
    const token = await signed(claims());
    expect(await blind.verify(token)).toMatchObject({ lifeMs: 3_600_000 });
    expect(await blind.verify(token)).toBeUndefined();
  });
});

describe("sign-in by telephone", () => {
  const key = Buffer.alloc(32, 3);

  it("takes the answer to its challenge once, however it is typed, for half an hour and without the editor", async () => {
    const offline = new OfflineChallenge(key, state, systemEntropy);
    const challenge = offline.challenge();
    const answer = challengeResponse(key, challenge);
    expect(answer).toMatch(/^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
    expect(await offline.verify(answer.toLowerCase().replace("-", " "))).toEqual({
      person: "challenge and response",
      scopes: ["view", "operate"],
      lifeMs: 1_800_000,
    });
    expect(await offline.verify(answer)).toBeUndefined();
  });

  it("refuses the answer to an older challenge, of another device, or none", async () => {
    const offline = new OfflineChallenge(key, state, systemEntropy);
    const old = challengeResponse(key, offline.challenge());
    const challenge = offline.challenge(true);
    expect(await offline.verify(old)).toBeUndefined();
    expect(await offline.verify(challengeResponse(Buffer.alloc(32, 4), challenge))).toBeUndefined();
    expect(await offline.verify("")).toBeUndefined();
    expect(await new OfflineChallenge(key, state, systemEntropy).verify("0000000000")).toBeUndefined();
  });

  it("never shows the same challenge twice, restarts included", () => {
    const seen = new Set(Array.from({ length: 50 }, () => new OfflineChallenge(key, state, systemEntropy).challenge()));
    expect(seen.size).toBe(50);
  });
});

describe("sealed secrets", () => {
  it("open with the right key for the right gateway only, and say nothing of what was inside", async () => {
    const [mine, other] = [await makeDeviceKeys(), await makeDeviceKeys()];
    const sealed = await sealSecret("CANARY-community", "gw-1", await publicHalf(mine.sealing, "sealing"));
    expect(sealed).not.toContain("CANARY");
    expect(await openSecret(sealed, "gw-1", mine.sealing)).toBe("CANARY-community");
    const parts = sealed.split(".");
    const attempts: readonly (readonly [string, string, string])[] = [
      [sealed, "gw-2", mine.sealing],
      [sealed, "gw-1", other.sealing],
      [parts.with(3, Buffer.from("changed").toString("base64url")).join("."), "gw-1", mine.sealing],
      [
        parts.with(0, Buffer.from('{"alg":"dir","enc":"A256GCM","typ":"gh-secret+jwe"}').toString("base64url")).join("."),
        "gw-1",
        mine.sealing,
      ],
      ["x".repeat(40_000), "gw-1", mine.sealing],
      ["", "gw-1", mine.sealing],
    ];
    for (const [text, gateway, key] of attempts) {
      const refusal = await openSecret(text, gateway, key).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: "config.secret" });
      expect(JSON.stringify(refusal) + String(refusal)).not.toContain("CANARY");
    }
  });
});
