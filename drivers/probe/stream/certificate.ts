import type { DetailedPeerCertificate, PeerCertificate } from "node:tls";

const dayMs = 86_400_000;
const maxChain = 8;
const maxText = 200;

/** What a certificate says of itself, for people and alarms. Texts of strangers: cut and without control characters. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly altNames: string;
  readonly validFrom: string;
  readonly validTo: string;
  readonly daysLeft: number;
  readonly serial: string;
  readonly sha256: string;
  /** Subjects from the server's certificate upwards, as far as they were sent or known. */
  readonly chain: readonly string[];
}

/** @returns undefined when the peer showed none */
export function certificateFacts(certificate: DetailedPeerCertificate, wallMs: number): CertificateFacts | undefined {
  if (certificate.fingerprint256 === undefined) return undefined;
  return {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    altNames: printable(certificate.subjectaltname ?? "", 1_000),
    validFrom: dateOf(certificate.valid_from),
    validTo: dateOf(certificate.valid_to),
    daysLeft: daysLeft(certificate.valid_to, wallMs),
    serial: printable(certificate.serialNumber, 64),
    sha256: printable(certificate.fingerprint256, 100),
    chain: chainOf(certificate),
  };
}

/** Whole days, negative after the end; NaN when the date cannot be read. */
export function daysLeft(validTo: string, wallMs: number): number {
  return Math.floor((Date.parse(validTo) - wallMs) / dayMs);
}

function chainOf(certificate: DetailedPeerCertificate): readonly string[] {
  const chain: string[] = [];
  let current: DetailedPeerCertificate | undefined = certificate;
  while (current !== undefined && chain.length < maxChain) {
    chain.push(nameOf(current.subject));
    const above: DetailedPeerCertificate | undefined = current.issuerCertificate;
    // A root is its own issuer.
    current = above === current || above?.fingerprint256 === current.fingerprint256 ? undefined : above;
  }
  return chain;
}

function nameOf(name: PeerCertificate["subject"] | undefined): string {
  const common = name?.CN ?? name?.O ?? "";
  return printable(Array.isArray(common) ? common.join(" / ") : common, maxText);
}

function dateOf(text: string): string {
  const at = Date.parse(text);
  return Number.isNaN(at) ? "unreadable" : new Date(at).toISOString();
}

export function printable(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replaceAll(/[\p{Cc}\p{Cf}]/gu, " ");
}
