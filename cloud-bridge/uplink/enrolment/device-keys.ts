import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { DeviceKeys } from "#model/identity.ts";
import type { PublicJwk } from "../../protocol/enrolment.ts";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** New keys for a device; call it once in a device's life, or after its owner changed. */
export async function makeDeviceKeys(): Promise<DeviceKeys> {
  const identity = await crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const sealing = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const evidence = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  return {
    identity: await pkcs8(identity.privateKey),
    sealing: await pkcs8(sealing.privateKey),
    evidence: await pkcs8(evidence.privateKey),
  };
}

/** PKCS#10 request for the identity key, PEM. The NOC chooses the names itself. */
export async function certificateRequest(identity: string, name: string): Promise<string> {
  const privateKey = await crypto.subtle.importKey("pkcs8", bytesOf(identity), ecdsa, true, ["sign"]);
  const { d: _, key_ops: _operations, ...jwk } = await crypto.subtle.exportKey("jwk", privateKey);
  const publicKey = await crypto.subtle.importKey("jwk", { ...jwk, key_ops: ["verify"] }, ecdsa, true, ["verify"]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys: { privateKey, publicKey },
    signingAlgorithm: ecdsa,
  });
  return `${request.toString("pem")}\n`;
}

/** The public half of a PKCS#8 PEM as JWK. */
export async function publicHalf(pem: string, kind: "sealing" | "evidence"): Promise<PublicJwk> {
  const algorithm = kind === "sealing" ? { name: "ECDH", namedCurve: "P-256" } : "Ed25519";
  const usages: KeyUsage[] = kind === "sealing" ? ["deriveBits"] : ["sign"];
  const key = await crypto.subtle.importKey("pkcs8", bytesOf(pem), algorithm, true, usages);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key);
  return { kty: kty as "EC" | "OKP", crv: crv as "P-256" | "Ed25519", x: x ?? "", ...(y === undefined ? {} : { y }) };
}

async function pkcs8(key: CryptoKey): Promise<string> {
  const bytes = await crypto.subtle.exportKey("pkcs8", key);
  const text = Buffer.from(bytes)
    .toString("base64")
    .replace(/(.{64})/g, "$1\n")
    .trimEnd();
  return `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`;
}

function bytesOf(pem: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(pem.replace(/-----[A-Z ]+-----/g, "").replace(/\s/g, ""), "base64"));
}
