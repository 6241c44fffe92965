export interface RunOptions {
  readonly inputs: number;
  readonly seed: number;
  /** Told how many were read, before each. */
  readonly onProgress?: (done: number) => void;
}

/** Something that reads what others wrote: a handler of messages, or a parser of files. */
export interface FuzzSubject {
  readonly name: string;
  /** Files whose coverage is the reader's, relative to the project. */
  readonly files: readonly string[];
  open(): Opened | Promise<Opened>;
  /** Costs more than a parser: a share of the inputs in the small run. */
  readonly share?: number;
  /** Even the inputs that the others are made from are refused: their nonce is another's. */
  readonly refusesValid?: boolean;
}

export interface Opened {
  /** What the inputs are made from. */
  readonly valid: readonly Uint8Array[];
  /** How: bytes (default), JSON text (members and types as well as bytes), lines of text, words of a signed document. */
  readonly form?: Form;
  /**
   * Reads one input; may throw a GatewayError, or what the border it stands at turns into one. @returns true when it was taken for genuine, which
   * an input that differs must never be; anything else where understanding is no acceptance
   */
  read(bytes: Uint8Array): unknown;
  /** What must hold when all was read: memory of its own, units that still run. */
  check?(): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** What makes its inputs itself: a conversation of many ends, or messages on their whole way through the gateway. */
export interface FuzzRun {
  readonly name: string;
  readonly files: readonly string[];
  /** So many inputs for each that a reader gets. */
  readonly factor?: number;
  /** @throws Error when something crashed, is stuck, or was taken for genuine */
  run(options: RunOptions): Promise<{ readonly inputs: number; readonly refused: number; readonly understood: number }>;
}

export type Form = "bytes" | "json" | "text" | "jws";

export const text = (value: unknown): Buffer => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
/** Reads a document whose text is parsed before its reader is called. */
export const parsed = (work: (value: unknown) => unknown) => (bytes: Uint8Array) =>
  void work(JSON.parse(Buffer.from(bytes).toString("utf8")));
/** Understanding is no acceptance: what comes out does not count. */
export const taken = (work: (bytes: Uint8Array) => unknown) => (bytes: Uint8Array) => void work(bytes);
export const asText = (work: (text: string) => unknown) => (bytes: Uint8Array) => void work(Buffer.from(bytes).toString("utf8"));
/** Other text may hold the same bytes: the last characters of base64url have bits that mean nothing. */
export const sameBytes = (a: string, b: string) =>
  [a, b]
    .map((one) =>
      one
        .split(".")
        .map((part) => Buffer.from(part, "base64url").toString("hex"))
        .join(),
    )
    .every((one, _, [first]) => one === first);
