import { createHmac } from "node:crypto";
import { CompactSign, importJWK } from "jose";
import { manifest, type NocPens, order, pen, tenant } from "./noc-pen.ts";
import type { Stand } from "./stand.ts";

export type Leaf = "des" | "cmd";

/** One way to get something accepted that should not be. `reason` = the word it is counted under. */
export interface Attack {
  readonly name: string;
  readonly leaf: Leaf;
  readonly reason: string;
  readonly make: (stand: Stand, noc: NocPens) => Promise<Uint8Array>;
}

export const encode = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
export const nonceOf = (stand: Stand) => stand.nonce.current ?? "";

/** A JWS with any header, signed with a key of any kind. */
async function forged(header: Record<string, unknown>, payload: unknown, noc: NocPens): Promise<Uint8Array> {
  const key = await importJWK(noc.command.jwk, "Ed25519");
  const signed = await new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg: "Ed25519" }).sign(key);
  const [, body = ""] = signed.split(".");
  const head = encode(header);
  const { createPrivateKey, sign } = await import("node:crypto");
  const signature = sign(null, Buffer.from(`${head}.${body}`), createPrivateKey({ key: { ...noc.command.jwk }, format: "jwk" }));
  return Buffer.from(`${head}.${body}.${signature.toString("base64url")}`);
}

export const cmd = (stand: Stand, over: Record<string, unknown> = {}) => order("test.note", stand.nowS, nonceOf(stand), over);
const head = { alg: "Ed25519", kid: "cmd-1", typ: "gh-cmd+jws" };
export const own = (over: Record<string, unknown>) => async (stand: Stand, noc: NocPens) =>
  noc.command.sign("gh-cmd+jws", cmd(stand, over));
const withHead = (extra: Record<string, unknown>) => async (stand: Stand, noc: NocPens) => forged({ ...head, ...extra }, cmd(stand), noc);
export const des = (over: Record<string, unknown>) => async (stand: Stand, noc: NocPens) =>
  noc.desired.sign("gh-desired+jws", manifest(9, stand.nowS, [], over));

function hmacOver(payload: unknown, key: Buffer): Uint8Array {
  const text = `${encode({ alg: "HS256", kid: "cmd-1", typ: "gh-cmd+jws" })}.${encode(payload)}`;
  return Buffer.from(`${text}.${createHmac("sha256", key).update(text).digest("base64url")}`);
}

/** Wrong in form, header, key or type. */
export const attacksOnForm: readonly Attack[] = [
  {
    name: "alg none, no signature",
    leaf: "cmd",
    reason: "not a compact JWS",
    make: async (s) => Buffer.from(`${encode({ ...head, alg: "none" })}.${encode(cmd(s))}.`),
  },
  {
    name: "alg none, some signature",
    leaf: "cmd",
    reason: "algorithm",
    make: async (s) => Buffer.from(`${encode({ ...head, alg: "none" })}.${encode(cmd(s))}.AAAA`),
  },
  { name: "alg nOnE", leaf: "cmd", reason: "algorithm", make: withHead({ alg: "nOnE" }) },
  { name: "alg EdDSA for an Ed25519 key", leaf: "cmd", reason: "algorithm", make: withHead({ alg: "EdDSA" }) },
  {
    name: "HS256 keyed with the public key (JWK text)",
    leaf: "cmd",
    reason: "algorithm",
    make: async (s, n) => hmacOver(cmd(s), Buffer.from(JSON.stringify(n.trust.pinned[2]?.jwk))),
  },
  {
    name: "HS256 keyed with the public key (raw)",
    leaf: "cmd",
    reason: "algorithm",
    make: async (s, n) => hmacOver(cmd(s), Buffer.from(n.command.jwk.x ?? "", "base64url")),
  },
  {
    name: "embedded jwk",
    leaf: "cmd",
    reason: "header parameter",
    make: withHead({ jwk: { kty: "OKP", crv: "Ed25519", x: "A".repeat(43) } }),
  },
  { name: "jku", leaf: "cmd", reason: "header parameter", make: withHead({ jku: "https://evil.example/keys" }) },
  { name: "x5u", leaf: "cmd", reason: "header parameter", make: withHead({ x5u: "https://evil.example/cert" }) },
  { name: "x5c", leaf: "cmd", reason: "header parameter", make: withHead({ x5c: ["AAAA"] }) },
  { name: "crit", leaf: "cmd", reason: "header parameter", make: withHead({ crit: ["exp"] }) },
  { name: "b64 false", leaf: "cmd", reason: "header parameter", make: withHead({ b64: false }) },
  {
    name: "alg twice in the header",
    leaf: "cmd",
    reason: "header",
    make: async (s) => Buffer.from(`${encode('{"alg":"none","alg":"Ed25519","kid":"cmd-1","typ":"gh-cmd+jws"}')}.${encode(cmd(s))}.AAAA`),
  },
  { name: "a kid nobody pinned", leaf: "cmd", reason: "key", make: withHead({ kid: "cmd-9" }) },
  { name: "kid as a path", leaf: "cmd", reason: "key", make: withHead({ kid: "../../etc/passwd" }) },
  { name: "kid __proto__", leaf: "cmd", reason: "key", make: withHead({ kid: "__proto__" }) },
  {
    name: "a stranger's key under a known kid",
    leaf: "cmd",
    reason: "signature",
    make: async (s) => (await pen("cmd-1")).sign("gh-cmd+jws", cmd(s)),
  },
  { name: "the desired-state key signs a command", leaf: "cmd", reason: "key", make: async (s, n) => n.desired.sign("gh-cmd+jws", cmd(s)) },
  { name: "the root signs a command", leaf: "cmd", reason: "key", make: async (s, n) => n.root.sign("gh-cmd+jws", cmd(s)) },
  {
    name: "the command key signs a manifest",
    leaf: "des",
    reason: "key",
    make: async (s, n) => n.command.sign("gh-desired+jws", manifest(9, s.nowS)),
  },
  {
    name: "the command key signs a key document",
    leaf: "cmd",
    reason: "key",
    make: async (s, n) =>
      n.command.sign("gh-keys+jws", {
        v: 1,
        iss: "noc",
        aud: "gateways",
        tenant,
        version: 9,
        iat: s.nowS,
        keys: [{ kid: "evil", roles: ["cmd"], x: "A".repeat(43) }],
      }),
  },
  {
    name: "a manifest sent as a command",
    leaf: "cmd",
    reason: "type",
    make: async (s, n) => n.desired.sign("gh-desired+jws", manifest(9, s.nowS)),
  },
  { name: "a command sent as a manifest", leaf: "des", reason: "type", make: async (s, n) => n.command.sign("gh-cmd+jws", cmd(s)) },
  { name: "type in capitals", leaf: "cmd", reason: "type", make: withHead({ typ: "GH-CMD+JWS" }) },
  { name: "type missing", leaf: "cmd", reason: "type", make: withHead({ typ: undefined }) },
];

export function flip(document: Uint8Array): Uint8Array {
  const text = Buffer.from(document).toString();
  const at = text.indexOf(".") + 20;
  return Buffer.from(text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1));
}

export function swapped(document: Uint8Array, payload: unknown): Uint8Array {
  const [first, , last] = Buffer.from(document).toString().split(".");
  return Buffer.from(`${first}.${encode(payload)}.${last}`);
}
