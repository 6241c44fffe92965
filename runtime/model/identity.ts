/** The three keys of a device (DECISIONS, Authority), private keys as PKCS#8 PEM. Made on the device; they never leave it. */
export interface DeviceKeys {
  /** P-256: TLS client certificate, renewal. */
  readonly identity: string;
  /** P-256: secrets sealed to this device (ECDH-ES+A256KW, A256GCM). */
  readonly sealing: string;
  /** Ed25519: evidence. */
  readonly evidence: string;
}

/** What the NOC made of this device at enrolment. */
export interface GatewayIdentity {
  readonly gateway: string;
  readonly tenant: string;
  readonly site: string;
  /** `mqtts://...` */
  readonly broker: string;
  /** Leaf first, PEM. */
  readonly certificate: string;
  /** The only authority to believe, PEM. */
  readonly authority: string;
  /** `https://...`: where the certificate is renewed. */
  readonly door: string;
  /** Root of trust for signed documents as the NOC gave it. */
  readonly trust?: unknown;
  /** 32 bytes, base64url: challenge and response for technicians without network. */
  readonly offlineKey?: string;
}
