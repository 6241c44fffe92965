import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import type { JWK } from "jose";
import { describe, expect, it } from "vitest";
import { type Expectation, type PinnedKey, signDocument, verifyDocument } from "../../../cloud-bridge/protocol/envelope.ts";

const pair = generateKeyPairSync("ed25519");
const privateJwk = pair.privateKey.export({ format: "jwk" }) as JWK;
const publicX = String(pair.publicKey.export({ format: "jwk" }).x);
const otherPair = generateKeyPairSync("ed25519");
const otherX = String(otherPair.publicKey.export({ format: "jwk" }).x);

const pin = (kid: string, x: string, purposes: PinnedKey["purposes"]): PinnedKey => ({
  kid,
  purposes,
  algorithm: "Ed25519",
  jwk: { kty: "OKP", crv: "Ed25519", x },
});
const keys = [pin("noc-1", publicX, ["desired"]), pin("noc-2", otherX, ["command"])];
const expected: Expectation = { type: "gh-desired+jws", purpose: "desired", audience: "gw-00042", tenant: "acme", issuer: "noc" };
const claims = { v: 1, aud: "gw-00042", tenant: "acme", iss: "noc", gen: 1 };
const payloadOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const signed = (value: unknown = claims, kid = "noc-1") => signDocument(payloadOf(value), { type: "gh-desired+jws", kid }, privateJwk);

/** A JWS with any header, signed rightly with the pinned key. */
function withHeader(header: object, signature?: (input: string) => Buffer): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${encode(header)}.${encode(claims)}`;
  const bytes = signature?.(input) ?? sign(null, Buffer.from(input), pair.privateKey);
  return `${input}.${bytes.toString("base64url")}`;
}

const isRefused = (document: string | Uint8Array, more: Partial<Expectation> = {}) =>
  expect(verifyDocument(document, { ...expected, ...more }, keys)).rejects.toMatchObject({ code: "codec.signature" });

describe("a signed document", () => {
  it("gives back the payload that was signed", async () => {
    const { payload, kid } = await verifyDocument(await signed(), expected, keys);
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(claims);
    expect(kid).toBe("noc-1");
  });

  it("is the same compact JWS that node:crypto makes", async () => {
    await expect(
      verifyDocument(withHeader({ alg: "Ed25519", kid: "noc-1", typ: "gh-desired+jws" }), expected, keys),
    ).resolves.toMatchObject({ kid: "noc-1" });
  });

  it("is refused after any flipped bit", async () => {
    const text = Buffer.from(await signed());
    for (let at = 0; at < text.length; at += 7) {
      const broken = Uint8Array.from(text);
      broken[at] = (broken[at] ?? 0) ^ 1;
      await expect(verifyDocument(broken, expected, keys)).rejects.toMatchObject({ name: "GatewayError" });
    }
  });

  it("is refused for another type, purpose, gateway, tenant or issuer", async () => {
    const text = await signed();
    await isRefused(text, { type: "gh-cmd+jws" });
    await isRefused(text, { purpose: "command" });
    await isRefused(text, { audience: "gw-00043" });
    await isRefused(text, { tenant: "other" });
    await isRefused(text, { issuer: "someone" });
  });

  it("is refused with an unknown key id, or one that is pinned for something else", async () => {
    await isRefused(await signed(claims, "noc-9"));
    await isRefused(await signed(claims, "noc-2"));
  });

  it("is refused with any other algorithm: none, HMAC with the public key, EdDSA", async () => {
    const header = { kid: "noc-1", typ: "gh-desired+jws" };
    await isRefused(withHeader({ ...header, alg: "none" }, () => Buffer.from("x")));
    const secret = Buffer.from(publicX, "base64url");
    await isRefused(withHeader({ ...header, alg: "HS256" }, (input) => createHmac("sha256", secret).update(input).digest()));
    await isRefused(withHeader({ ...header, alg: "EdDSA" }));
  });

  it("is refused when its header brings a key or changes what is signed", async () => {
    const header = { alg: "Ed25519", kid: "noc-1", typ: "gh-desired+jws" };
    const jwk = { kty: "OKP", crv: "Ed25519", x: otherX };
    for (const more of [
      { jwk },
      { jku: "https://x" },
      { x5u: "https://x" },
      { x5c: ["x"] },
      { crit: ["b64"], b64: false },
      { b64: true },
      { novelty: 1 },
    ]) {
      await isRefused(withHeader({ ...header, ...more }));
    }
  });

  it("is refused when it is too long or not compact", async () => {
    await expect(verifyDocument("a".repeat(70_000), expected, keys)).rejects.toMatchObject({ code: "codec.limit" });
    for (const text of ["", "a.b", "a.b.c.d", "{}", ` ${await signed()}`, `${await signed()}\n`]) await isRefused(text);
  });

  it("never shows the document in the error", async () => {
    const error = await verifyDocument(await signed({ ...claims, aud: "gw-secret" }), expected, keys).catch((reason: unknown) => reason);
    expect(JSON.stringify([String(error), error])).not.toContain("gw-secret");
  });
});
