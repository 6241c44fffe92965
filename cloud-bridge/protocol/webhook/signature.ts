import { createHmac, timingSafeEqual } from "node:crypto";

const encodedSecretPrefix = "whsec_";

/**
 * Headers of one signed message: HMAC-SHA256 over `id.timestamp.body`, base64, behind its version. A receiver checks the signature in
 * constant time, refuses a timestamp more than five minutes away, and takes an id once.
 * @param secret text, or base64 behind `whsec_`
 * @param atS Unix seconds
 */
export function signedHeaders(secret: string, id: string, atS: number, body: string): Readonly<Record<string, string>> {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(atS),
    "webhook-signature": `v1,${mac(secret, id, atS, body).toString("base64")}`,
  };
}

/** For receivers and tests: whether one of the signatures of the header (several are parted by spaces) is right. */
export function isSignedBy(secret: string, headers: Readonly<Record<string, string | undefined>>, body: string): boolean {
  const atS = Number(headers["webhook-timestamp"]);
  const expected = mac(secret, headers["webhook-id"] ?? "", atS, body);
  return (headers["webhook-signature"] ?? "").split(" ").some((signature) => {
    const given = Buffer.from(signature.startsWith("v1,") ? signature.slice(3) : "", "base64");
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function mac(secret: string, id: string, atS: number, body: string): Buffer {
  const key = secret.startsWith(encodedSecretPrefix) ? Buffer.from(secret.slice(encodedSecretPrefix.length), "base64") : secret;
  return createHmac("sha256", key).update(`${id}.${atS}.${body}`).digest();
}
