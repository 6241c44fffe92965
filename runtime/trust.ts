import type { PinnedKey, Trust } from "#model/authority.ts";
import { GatewayError } from "#model/errors.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";

const purposes = { des: "desired", cmd: "command", tech: "technician" } as const;

/** Whom this gateway trusts by its configuration, or by its enrolment where the configuration names no root. @throws GatewayError config.invalid when authority.root is no public key */
export function trustOf(configuration: GatewayConfiguration, enrolledRoot?: string): Trust {
  const { authority, gateway } = configuration;
  const pinned: PinnedKey[] = authority.keys.map(({ kid, x, roles }) => ({
    kid,
    purposes: roles.map((role) => purposes[role]),
    algorithm: "Ed25519",
    jwk: { kty: "OKP", crv: "Ed25519", x },
  }));
  const root = authority.root ?? enrolledRoot;
  if (root !== undefined) pinned.push(rootKey(root));
  return { gateway: gateway.id, tenant: gateway.tenant, issuer: authority.issuer, pinned };
}

function rootKey(text: string): PinnedKey {
  const wrong = (what: string) => new GatewayError("config.invalid", { message: `/authority/root: ${what}` });
  let jwk: unknown;
  try {
    jwk = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw wrong("is not a JSON Web Key");
  }
  const { kty, crv, x, kid, d } = (jwk ?? {}) as Readonly<Record<string, unknown>>;
  if (d !== undefined) throw wrong("holds the private key; it belongs nowhere but in the safe. Give the public one");
  if (kty !== "OKP" || crv !== "Ed25519" || typeof x !== "string" || !/^[A-Za-z0-9_-]{43}$/.test(x))
    throw wrong("must be a public Ed25519 key as JSON Web Key");
  return { kid: typeof kid === "string" ? kid : "root", purposes: ["keys"], algorithm: "Ed25519", jwk: { kty, crv, x } };
}
