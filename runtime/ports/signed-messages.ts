import type {
  BlobPiece,
  CommandResponse,
  KeyDocument,
  KeyPurpose,
  Manifest,
  PinnedKey,
  ReportedState,
  SignedCommand,
} from "#model/authority.ts";

/** Who a signed document must be for, and from whom. */
export interface DocumentExpectation {
  readonly type: "gh-desired+jws" | "gh-cmd+jws" | "gh-keys+jws" | "gh-tech+jws" | "gh-evidence+jws";
  readonly purpose: KeyPurpose;
  /** Must equal the payload's `aud`. */
  readonly audience: string;
  readonly tenant: string;
  readonly issuer?: string;
}

/** How orders of the NOC are read and answered: the protocol's functions, handed in by the assembly. */
export interface SignedMessages {
  /** The type a document says it has; proves nothing. */
  statedType(document: Uint8Array): string | undefined;
  /**
   * Form, key, signature, addressee, duplicate claims.
   * @throws GatewayError codec.signature | codec.limit | codec.malformed
   */
  verify(
    document: Uint8Array | string,
    expected: DocumentExpectation,
    keys: readonly PinnedKey[],
  ): Promise<{ readonly payload: Uint8Array; readonly kid: string }>;
  /** Audience of key documents. */
  readonly keysAudience: string;
  /** Parsers of verified payloads. @throws GatewayError codec.malformed | codec.limit */
  parseManifest(payload: Uint8Array): Manifest;
  parseCommand(payload: Uint8Array): SignedCommand;
  parseKeys(payload: Uint8Array): KeyDocument;
  /** JSON without duplicate names, `__proto__` or endless depth. @throws GatewayError codec.malformed */
  parseStrictJson(text: string): unknown;
  /** @throws GatewayError codec.malformed | codec.limit */
  parseBlobPiece(payload: Uint8Array): BlobPiece;
  formatReported(report: ReportedState): Uint8Array;
  formatResponse(response: CommandResponse): Uint8Array;
  formatBlobRequest(request: { readonly sha256: string; readonly off: number; readonly len: number; readonly rid: string }): Uint8Array;
}
