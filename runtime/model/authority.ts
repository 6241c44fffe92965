/** What a key may sign. A key that may sign commands may not sign desired state unless it is pinned for both. */
export type KeyPurpose = "desired" | "command" | "keys" | "technician" | "evidence";

/** A public key the reader trusts. The algorithm stands here and is never taken from a document. */
export interface PinnedKey {
  readonly kid: string;
  readonly purposes: readonly KeyPurpose[];
  readonly algorithm: "Ed25519";
  /** RFC 8037: `{ kty: "OKP", crv: "Ed25519", x }`. */
  readonly jwk: { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string };
}

/** Who the gateway is to those who sign for it, and whom it trusts from the start. */
export interface Trust {
  readonly gateway: string;
  readonly tenant: string;
  /** `iss` of everything that is accepted. */
  readonly issuer: string;
  /** Pinned by configuration or enrolment: the root (`keys`), or the working keys themselves. Empty: every order is refused. */
  readonly pinned: readonly PinnedKey[];
}

/** Place of a manifest in the order of all of them: the epoch first, then the generation. */
export interface Generation {
  readonly epoch: number;
  readonly gen: number;
}

/** A command as it was signed, verified; times in Unix seconds. */
export interface SignedCommand {
  readonly id: string;
  readonly op: string;
  readonly risk: "read" | "write" | "disruptive" | "destructive";
  readonly nonce?: string;
  readonly iat: number;
  readonly ttl: number;
  /** Equipment, where the operation is for one. */
  readonly dev?: string;
  readonly args?: Readonly<Record<string, unknown>>;
  /** The person who gave the order. */
  readonly sub?: string;
}

/** One entry of a manifest. */
export interface ManifestDocument {
  readonly k: string;
  readonly id: string;
  readonly rev: number | string;
  readonly sha256: string;
  readonly size: number;
  readonly enc: string;
  readonly inline?: unknown;
  readonly src?: readonly string[];
  /** The whole generation fails when this document cannot be applied. */
  readonly must?: boolean;
}

/** What the NOC wants, verified; times in Unix seconds. */
export interface Manifest {
  readonly epoch?: number;
  readonly gen: number;
  readonly iat: number;
  readonly nbf?: number;
  readonly exp: number;
  readonly min_agent?: string;
  readonly docs: readonly ManifestDocument[];
}

/** Which keys of the NOC are trusted, and for what; verified against the root. Times in Unix seconds. */
export interface KeyDocument {
  readonly version: number;
  readonly epoch?: number;
  readonly iat: number;
  readonly exp?: number;
  readonly keys: readonly {
    readonly kid: string;
    readonly roles: readonly string[];
    readonly x: string;
    readonly nbf?: number;
    readonly exp?: number;
  }[];
}

/** One answer to a command on its way to the NOC. */
export interface CommandResponse {
  readonly v: 1;
  readonly id: string;
  readonly seq: number;
  readonly st: "accepted" | "running" | "ok" | "error" | "expired" | "denied";
  readonly pct?: number;
  readonly out?: unknown;
  readonly err?: { readonly code: string; readonly msg?: string; readonly retryable?: boolean };
  /** A piece of a result that is too long for one message: base64 of bytes `off` and following of `size`, whose digest is `sha256`. */
  readonly part?: { readonly off: number; readonly size: number; readonly sha256: string; readonly data: string };
  readonly fin?: boolean;
}

/** How far the newest manifest is applied. */
export interface ReportedState {
  readonly v: 1;
  readonly gen: number;
  readonly phase: "none" | "received" | "verified" | "fetching" | "staged" | "applying" | "probation" | "ok" | "rolled_back" | "failed";
  /** Unix ms. */
  readonly since?: number;
  readonly agent?: string;
  /** Version of the key document in force. */
  readonly keys?: number;
  readonly prev_gen?: number;
  readonly reason?: string;
  /** The last update, or the one under way: phase of the updater, version it is about, why it went wrong. */
  readonly fw?: { readonly st: string; readonly version?: string; readonly msg?: string };
  readonly docs: readonly ReportedDocument[];
  readonly drift?: readonly Readonly<Record<string, unknown>>[];
}

export interface ReportedDocument {
  readonly id: string;
  readonly rev?: number | string;
  readonly sha256?: string;
  readonly st: string;
  /** Milliseconds from the start of applying to this outcome. */
  readonly ms?: number;
  readonly err?: { readonly code?: string; readonly path?: string; readonly msg?: string };
  /** Steps so far, with milliseconds since the manifest was received: `[["validated", 3], ["healthy", 1840]]`. */
  readonly steps?: readonly (readonly [string, number] | readonly [string, number, string])[];
}

/** A piece of a content-addressed document. */
export interface BlobPiece {
  readonly requestId: string;
  readonly offset: number;
  readonly totalBytes: number;
  readonly bytes: Uint8Array;
}
