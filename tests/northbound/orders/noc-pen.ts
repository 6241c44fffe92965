import { exportJWK, generateKeyPair, type JWK } from "jose";
import { type DocumentType, signDocument } from "../../../cloud-bridge/protocol/envelope.ts";
import type { KeyPurpose, PinnedKey, Trust } from "../../../runtime/model/authority.ts";

export interface Pen {
  readonly kid: string;
  readonly jwk: JWK;
  pinned(...purposes: KeyPurpose[]): PinnedKey;
  sign(type: DocumentType, payload: unknown): Promise<Uint8Array>;
}

/** A key of a NOC, or of somebody who would like to be one. */
export async function pen(kid: string): Promise<Pen> {
  const { privateKey } = await generateKeyPair("Ed25519", { extractable: true });
  const jwk = await exportJWK(privateKey);
  return {
    kid,
    jwk,
    pinned: (...purposes) => ({ kid, purposes, algorithm: "Ed25519", jwk: { kty: "OKP", crv: "Ed25519", x: jwk.x ?? "" } }),
    async sign(type, payload) {
      const bytes = typeof payload === "string" ? payload : JSON.stringify(payload);
      return Buffer.from(await signDocument(Buffer.from(bytes), { type, kid }, jwk));
    },
  };
}

export const gateway = "gw-test-01";
export const tenant = "acme";

export interface NocPens {
  readonly root: Pen;
  readonly desired: Pen;
  readonly command: Pen;
  readonly trust: Trust;
}

/** A NOC with a root and both working keys pinned by hand. */
export async function nocPens(): Promise<NocPens> {
  const [root, desired, command] = await Promise.all([pen("root-1"), pen("des-1"), pen("cmd-1")]);
  const pinned = [root.pinned("keys"), desired.pinned("desired"), command.pinned("command")];
  return { root, desired, command, trust: { gateway, tenant, issuer: "noc", pinned } };
}

/** Payload of a manifest; `over` replaces claims. */
export function manifest(gen: number, nowS: number, docs: readonly unknown[] = [], over: Readonly<Record<string, unknown>> = {}): object {
  return { v: 1, iss: "noc", aud: gateway, tenant, epoch: 0, gen, iat: nowS, nbf: nowS, exp: nowS + 86_400, docs, ...over };
}

let counter = 0;

/** Payload of a command with an id of its own. */
export function order(
  op: string,
  nowS: number,
  nonce: string,
  over: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> & { id: string } {
  counter += 1;
  const id = `01K${String(counter).padStart(23, "0")}`;
  return { v: 1, id, op, risk: "read", iss: "noc", aud: gateway, tenant, nonce, iat: nowS, ttl: 120, args: {}, sub: "anna", ...over };
}
