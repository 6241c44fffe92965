import { createPrivateKey } from "node:crypto";
import { GatewayError } from "#model/errors.ts";
import type { PublicJwk } from "./enrolment.ts";

const algorithm = "ECDH-ES+A256KW";
const encryption = "A256GCM";
const type = "gh-secret+jwe";
const maxSealedBytes = 32_768;
const allowedHeaders = new Set(["alg", "enc", "typ", "epk"]);

/**
 * Seals a secret to one gateway (RFC 7516; DECISIONS "Authority"): only the holder of the sealing key reads it, and only as a secret of that
 * gateway. Neither broker nor ingest nor a backup of the NOC learns it.
 */
export async function sealSecret(secret: string, gateway: string, sealingKey: PublicJwk): Promise<string> {
  const { CompactEncrypt, importJWK } = await import("jose");
  const key = await importJWK({ ...sealingKey }, algorithm);
  const clear = Buffer.from(JSON.stringify({ gateway, secret }));
  return new CompactEncrypt(clear).setProtectedHeader({ alg: algorithm, enc: encryption, typ: type }).encrypt(key);
}

/**
 * @param sealingKey PKCS#8 PEM
 * @throws GatewayError config.secret when it is not for this gateway, was changed, or is of another kind; never says what was inside
 */
export async function openSecret(sealed: string, gateway: string, sealingKey: string): Promise<string> {
  try {
    if (sealed.length > maxSealedBytes) throw new Error("too long");
    const { compactDecrypt, decodeProtectedHeader } = await import("jose");
    const header = decodeProtectedHeader(sealed);
    // Key, algorithm and compression are ours to choose: a header that names anything else is refused before a key is touched.
    if (header.alg !== algorithm || header.enc !== encryption || header.typ !== type) throw new Error("kind");
    if (Object.keys(header).some((name) => !allowedHeaders.has(name))) throw new Error("header");
    const { plaintext } = await compactDecrypt(sealed, createPrivateKey(sealingKey), {
      keyManagementAlgorithms: [algorithm],
      contentEncryptionAlgorithms: [encryption],
    });
    const content = JSON.parse(Buffer.from(plaintext).toString("utf8")) as Readonly<Record<string, unknown>>;
    if (content["gateway"] !== gateway || typeof content["secret"] !== "string") throw new Error("addressee");
    return content["secret"];
  } catch (cause) {
    throw new GatewayError("config.secret", {
      message:
        "a sealed secret does not open: it is for another gateway or another key of this one, or was changed. Let the NOC seal it again",
      cause: cause instanceof Error ? cause.name : "unknown",
    });
  }
}
