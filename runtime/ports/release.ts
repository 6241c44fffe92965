/** A file of a release as it travels. */
export interface ReleaseFile {
  /** Path in the repository. */
  readonly path: string;
  readonly length: number;
  /** Of the bytes that travel, 64 hex digits. */
  readonly sha256: string;
  readonly format: "zstd" | "delta";
  /** SHA-256 of the program that a delta starts from. */
  readonly base?: string;
}

/** One version for one kind of hardware, as signed. */
export interface Release {
  readonly version: string;
  readonly hardware: string;
  /** Of the unpacked program. */
  readonly sha256: string;
  readonly length: number;
  readonly files: readonly ReleaseFile[];
  /** Oldest version that may ever be installed from now on; absent = none is excluded. */
  readonly floor?: string;
}

/** Where releases come from. Whatever the peer sends: only what trusted keys signed gets through. */
export interface ReleaseSource {
  /**
   * Brings the trusted metadata up to date, durably, and looks the version up.
   * @throws GatewayError update.unreachable | update.untrusted (not signed, too few signatures, older than what was seen, expired, mixed) |
   * update.refused (no such version for this hardware)
   */
  find(version: string, hardware: string, signal: AbortSignal): Promise<Release>;
  /** The bytes of a file from a position on; ends early or late as the peer likes, so count. @throws GatewayError update.unreachable */
  read(file: ReleaseFile, fromByte: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Turns what travelled into the program, in little memory (16 MiB at most). Not more than `release.length` bytes come out.
   * @param base file of the program that runs, for a delta
   * @throws GatewayError update.untrusted when the file does not unpack
   */
  unpack(file: ReleaseFile, packed: string, base: string, release: Release): AsyncIterable<Uint8Array>;
}
