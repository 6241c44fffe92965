import "reflect-metadata";
import { createHash, createPublicKey } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { PublicJwk } from "../../protocol/enrolment.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;
/** Clocks without a battery start in the past: a certificate made now must be valid for them, too. */
const backDateMs = dayMs;
const rootYears = 20;
export const leafDays = 90;
const crlDays = 30;

/** The authority's own key and certificate as PEM. The key file is readable by its owner only. */
export interface AuthorityFiles {
  readonly key: string;
  readonly certificate: string;
}

export interface Revocation {
  /** Hexadecimal, as in the certificate. */
  readonly serialNumber: string;
  readonly atMs: number;
}

/**
 * The NOC's private certificate authority (RELIABILITY 5.1): ECDSA P-256, certificates of 90 days for gateways, back-dated by a day. Its key
 * belongs to the enrolment role alone: brokers and ingest workers hold only the certificate.
 */
export class CertificateAuthority {
  readonly certificatePem: string;
  /** SHA-256 of the certificate (DER), 64 hex digits. */
  readonly fingerprint: string;
  readonly #certificate: x509.X509Certificate;
  readonly #key: CryptoKey;
  readonly #clock: Clock;
  readonly #entropy: Entropy;

  private constructor(parts: { readonly certificate: x509.X509Certificate; readonly key: CryptoKey }, clock: Clock, entropy: Entropy) {
    this.#certificate = parts.certificate;
    this.#key = parts.key;
    this.#clock = clock;
    this.#entropy = entropy;
    this.certificatePem = `${parts.certificate.toString("pem")}\n`;
    this.fingerprint = createHash("sha256").update(new Uint8Array(parts.certificate.rawData)).digest("hex");
  }

  /** Makes a new authority. @param name common name, as people see it in a certificate viewer */
  static async create(name: string, clock: Clock, entropy: Entropy): Promise<AuthorityFiles> {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const nowMs = clock.now().wallMs;
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(entropy),
      name: [{ CN: [name] }],
      notBefore: new Date(nowMs - backDateMs),
      notAfter: new Date(nowMs + rootYears * 365 * dayMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    return { key: pemOf("PRIVATE KEY", pkcs8), certificate: `${certificate.toString("pem")}\n` };
  }

  /** @throws GatewayError config.invalid when the files are not an authority's */
  static async open(files: AuthorityFiles, clock: Clock, entropy: Entropy): Promise<CertificateAuthority> {
    try {
      const certificate = new x509.X509Certificate(files.certificate);
      const key = await crypto.subtle.importKey("pkcs8", bytesOf(files.key), algorithm, false, ["sign"]);
      return new CertificateAuthority({ certificate, key }, clock, entropy);
    } catch (cause) {
      throw new GatewayError("config.invalid", { message: "the authority's key or certificate cannot be read", cause });
    }
  }

  /**
   * Certificate of a gateway: common name = gateway id = MQTT client id and user name; organisation = tenant.
   * @param csr PEM; only its key is taken. @throws GatewayError noc.invalid when it is no request, or not signed by its own key, or not P-256
   */
  async issueGateway(
    csr: string,
    gateway: string,
    tenant: string,
  ): Promise<{ readonly pem: string; readonly serialNumber: string; readonly notAfterMs: number }> {
    const request = await readRequest(csr);
    const nowMs = this.#clock.now().wallMs;
    const notAfterMs = nowMs + leafDays * dayMs;
    const number = serialNumber(this.#entropy);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: number,
      subject: [{ CN: [gateway] }, { O: [tenant] }],
      issuer: this.#certificate.subject,
      notBefore: new Date(nowMs - backDateMs),
      notAfter: new Date(notAfterMs),
      signingAlgorithm: algorithm,
      signingKey: this.#key,
      publicKey: request.publicKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      ],
    });
    return { pem: `${certificate.toString("pem")}\n`, serialNumber: number, notAfterMs };
  }

  /** Certificate of a server of the NOC (broker, enrolment) for these names. Key and certificate as PEM. */
  async issueServer(names: readonly string[], days: number): Promise<AuthorityFiles> {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const nowMs = this.#clock.now().wallMs;
    const alternatives = names.map((name) => ({ type: isAddress(name) ? ("ip" as const) : ("dns" as const), value: name }));
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(this.#entropy),
      subject: [{ CN: [names[0] ?? "gatehouse"] }],
      issuer: this.#certificate.subject,
      notBefore: new Date(nowMs - backDateMs),
      notAfter: new Date(nowMs + days * dayMs),
      signingAlgorithm: algorithm,
      signingKey: this.#key,
      publicKey: keys.publicKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(alternatives),
      ],
    });
    const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    return { key: pemOf("PRIVATE KEY", pkcs8), certificate: `${certificate.toString("pem")}\n${this.certificatePem}` };
  }

  /** The list of revoked certificates for the broker (RFC 5280 section 5), PEM. Valid for 30 days: it is to be made anew before. */
  async revocationList(revoked: readonly Revocation[]): Promise<string> {
    const nowMs = this.#clock.now().wallMs;
    const list = await x509.X509CrlGenerator.create({
      issuer: this.#certificate.subject,
      thisUpdate: new Date(nowMs - backDateMs),
      nextUpdate: new Date(nowMs + crlDays * dayMs),
      signingAlgorithm: algorithm,
      signingKey: this.#key,
      entries: revoked.map((one) => ({ serialNumber: one.serialNumber, revocationDate: new Date(one.atMs) })),
    });
    // RFC 7468 section 6; the library writes its own label, which OpenSSL does not take.
    return pemOf("X509 CRL", list.rawData);
  }
}

/** The key of a certificate request: SHA-256 of its SPKI, base64url, and itself as JWK. @throws GatewayError noc.invalid */
export async function requestKey(csr: string): Promise<{ readonly thumbprint: string; readonly jwk: PublicJwk }> {
  const { publicKey } = await readRequest(csr);
  const jwk = createPublicKey(publicKey.toString("pem")).export({ format: "jwk" }) as unknown as PublicJwk;
  return { thumbprint: createHash("sha256").update(new Uint8Array(publicKey.rawData)).digest("base64url"), jwk };
}

async function readRequest(csr: string): Promise<x509.Pkcs10CertificateRequest> {
  try {
    const request = new x509.Pkcs10CertificateRequest(csr);
    const { namedCurve } = request.publicKey.algorithm as { readonly namedCurve?: string };
    if (namedCurve !== "P-256") throw new Error("the key is not P-256");
    if (!(await request.verify())) throw new Error("the request is not signed by its own key");
    return request;
  } catch (cause) {
    throw new GatewayError("noc.invalid", { message: "the certificate request is not one for a P-256 key that signed it", cause });
  }
}

/** RFC 5280 4.1.2.2: positive, at most 20 octets, unguessable. */
function serialNumber(entropy: Entropy): string {
  const bytes = Buffer.from(entropy.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function isAddress(name: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || name.includes(":");
}

function pemOf(label: string, bytes: ArrayBuffer): string {
  const text = Buffer.from(bytes)
    .toString("base64")
    .replace(/(.{64})/g, "$1\n")
    .trimEnd();
  return `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;
}

function bytesOf(pem: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(pem.replace(/-----[A-Z ]+-----/g, "").replace(/\s/g, ""), "base64"));
}
