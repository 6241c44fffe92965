import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** People compare the fingerprint, once: a date that a box without a clock could miss would only make them used to warnings. */
const [validFrom, validUntil] = ["2025-01-01T00:00:00Z", "2049-12-31T23:59:59Z"];

/** Key and certificate of a server that vouches for itself, PEM. @param names by which browsers reach it */
export async function makeOwnCertificate(
  names: readonly string[],
  serialNumber: string,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const keys = await crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const alternatives = names.map((name) => ({ type: isIP(name) === 0 ? ("dns" as const) : ("ip" as const), value: name }));
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: [{ CN: [names[0] ?? "gatehouse"] }],
    ...{ notBefore: new Date(validFrom), notAfter: new Date(validUntil), signingAlgorithm: ecdsa, keys },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(alternatives),
    ],
  });
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const key = `-----BEGIN PRIVATE KEY-----\n${der.replace(/(.{64})/g, "$1\n").trimEnd()}\n-----END PRIVATE KEY-----\n`;
  return { certificate: `${certificate.toString("pem")}\n`, key };
}

/** SHA-256 as browsers show it. */
export function fingerprintOf(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256;
}
