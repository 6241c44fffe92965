/**
 * Documents by the digest of their content, durable. What is there is whole: a document whose bytes do not have its digest is not there.
 * @throws GatewayError buffer.* when the disk refuses
 */
export interface DocumentStore {
  has(sha256: string): boolean;
  /** undefined = not there, or damaged (then it is removed). */
  read(sha256: string): Uint8Array | undefined;
  /** Makes the document durable. @throws GatewayError codec.malformed when the bytes have another digest */
  write(sha256: string, bytes: Uint8Array): void;
  /** Bytes of a transfer that was begun, for going on after an interruption. */
  partial(sha256: string): Uint8Array | undefined;
  /** Keeps what has come so far; `undefined` forgets it. Not durable at once. */
  keepPartial(sha256: string, bytes: Uint8Array | undefined): void;
  /** Removes every document and transfer that is not named. */
  retain(wanted: ReadonlySet<string>): void;
  /** A small note beside the documents, apart from the databases: the highest generation ever accepted. Whole or as before. */
  readMark(): string | undefined;
  writeMark(text: string): void;
}
