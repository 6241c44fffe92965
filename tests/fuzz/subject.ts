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

export type Form = "bytes" | "json" | "text" | "jws";

export const text = (value: unknown): Buffer => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
/** Reads a document whose text is parsed before its reader is called. */
export const parsed = (work: (value: unknown) => unknown) => (bytes: Uint8Array) =>
  void work(JSON.parse(Buffer.from(bytes).toString("utf8")));
/** Understanding is no acceptance: what comes out does not count. */
export const taken = (work: (bytes: Uint8Array) => unknown) => (bytes: Uint8Array) => void work(bytes);
export const asText = (work: (text: string) => unknown) => (bytes: Uint8Array) => void work(Buffer.from(bytes).toString("utf8"));
