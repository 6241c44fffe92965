import type { BlobPiece, ManifestDocument } from "#model/authority.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { DocumentStore } from "#ports/document-store.ts";
import type { Entropy } from "#ports/entropy.ts";
import { decodeTransfer, maxDocumentBytes } from "./unpack.ts";

/** Bytes asked for at once; with its frame it fits the smallest packet that brokers of ours allow. */
const pieceBytes = 32_768;
/** Requests under way at once. */
const windowPieces = 4;
/** An answer that has not come is asked for again after this time. */
const answerMs = 15_000;
/** So many requests in a row without an answer: the NOC does not have it, or is not there. */
const maxUnanswered = 4;
/** What has come is written down each time this much more is there. */
const keepEveryBytes = 262_144;

export interface BlobFetcherParts {
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** @throws GatewayError uplink.* */
  readonly request: (
    body: { readonly sha256: string; readonly off: number; readonly len: number; readonly rid: string },
    signal: AbortSignal,
  ) => Promise<void>;
}

interface Transfer {
  readonly entry: ManifestDocument;
  /** Bytes of the transfer; known from the first answer. */
  total: number | undefined;
  pieces: Map<number, Uint8Array>;
  readonly waiting: Map<string, { readonly offset: number; readonly sinceMs: number }>;
  unanswered: number;
  wake: () => void;
}

/** Pulls documents over MQTT: receiver-driven, a window of pieces, resumed where it broke off, believed only by its digest. */
export class BlobFetcher {
  readonly #parts: BlobFetcherParts;
  #transfer: Transfer | undefined;
  /** Pieces that nobody asked for. */
  unasked = 0;

  constructor(parts: BlobFetcherParts) {
    this.#parts = parts;
  }

  /** A piece came in. */
  take(piece: BlobPiece): void {
    const transfer = this.#transfer;
    const asked = transfer?.waiting.get(piece.requestId);
    if (transfer === undefined || asked === undefined || asked.offset !== piece.offset || !isFitting(piece, transfer)) {
      this.unasked += 1;
      return;
    }
    transfer.waiting.delete(piece.requestId);
    transfer.unanswered = 0;
    transfer.total = piece.totalBytes;
    transfer.pieces.set(piece.offset, piece.bytes.slice());
    transfer.wake();
  }

  /**
   * The document's decoded bytes, durable in the store when this returns.
   * @throws GatewayError uplink.lost when the NOC does not answer, codec.* when what came is not what was named
   */
  async fetch(entry: ManifestDocument, onProgress: (percent: number) => void, signal: AbortSignal): Promise<Uint8Array> {
    const { documents } = this.#parts;
    const there = documents.read(entry.sha256);
    if (there !== undefined) return there;
    const begun = documents.partial(entry.sha256);
    const transfer: Transfer = { entry, total: undefined, pieces: new Map(), waiting: new Map(), unanswered: 0, wake: () => undefined };
    let received = begun ?? new Uint8Array();
    this.#transfer = transfer;
    try {
      while (transfer.total === undefined || received.length < transfer.total) {
        received = await this.#advance(transfer, received, signal);
        onProgress(transfer.total === undefined || transfer.total === 0 ? 0 : Math.floor((received.length * 100) / transfer.total));
      }
      return this.#finish(entry, received);
    } finally {
      if (received.length > 0 && !documents.has(entry.sha256)) documents.keepPartial(entry.sha256, received);
      this.#transfer = undefined;
    }
  }

  #finish(entry: ManifestDocument, received: Uint8Array): Uint8Array {
    const { documents } = this.#parts;
    try {
      const decoded = decodeTransfer(entry, received);
      documents.write(entry.sha256, decoded);
      return decoded;
    } catch (error) {
      if (isGatewayError(error)) documents.keepPartial(entry.sha256, undefined);
      throw error;
    }
  }

  /** Fills the window, waits for news, joins what is contiguous. */
  async #advance(transfer: Transfer, received: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    await this.#fill(transfer, received.length, signal);
    await this.#news(transfer, signal);
    const joined: Uint8Array[] = [received];
    let end = received.length;
    for (let piece = transfer.pieces.get(end); piece !== undefined; piece = transfer.pieces.get(end)) {
      transfer.pieces.delete(end);
      joined.push(piece);
      end += piece.length;
      if (piece.length === 0) break;
    }
    if (joined.length === 1) return received;
    const all = concat(joined, end);
    if (Math.floor(end / keepEveryBytes) > Math.floor(received.length / keepEveryBytes)) {
      this.#parts.documents.keepPartial(transfer.entry.sha256, all);
    }
    return all;
  }

  async #fill(transfer: Transfer, from: number, signal: AbortSignal): Promise<void> {
    const { clock, entropy, request } = this.#parts;
    const nowMs = clock.monotonicMs();
    for (const [rid, { sinceMs }] of transfer.waiting) {
      if (nowMs - sinceMs < answerMs) continue;
      transfer.waiting.delete(rid);
      transfer.unanswered += 1;
    }
    if (transfer.unanswered >= maxUnanswered) {
      throw new GatewayError("uplink.lost", {
        message: "the NOC does not answer requests for a document",
        fields: { document: transfer.entry.id },
      });
    }
    const asked = new Set([...transfer.waiting.values()].map(({ offset }) => offset));
    // Before the first answer its length is not known: one request finds out.
    const window = transfer.total === undefined ? 1 : windowPieces;
    for (let offset = from; transfer.waiting.size < window && offset < (transfer.total ?? from + 1); offset += pieceBytes) {
      if (asked.has(offset) || transfer.pieces.has(offset)) continue;
      const rid = Buffer.from(entropy.bytes(9)).toString("base64url");
      transfer.waiting.set(rid, { offset, sinceMs: nowMs });
      await request({ sha256: transfer.entry.sha256, off: offset, len: pieceBytes, rid }, signal);
    }
  }

  async #news(transfer: Transfer, signal: AbortSignal): Promise<void> {
    if (transfer.pieces.size > 0) return;
    const over = new AbortController();
    const abort = () => over.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    const woken = new Promise<void>((resolve) => {
      transfer.wake = resolve;
    });
    const late = this.#parts.clock.sleep(answerMs, over.signal).catch(() => undefined);
    try {
      await Promise.race([woken, late]);
    } finally {
      signal.removeEventListener("abort", abort);
      over.abort(new Error("news"));
    }
    signal.throwIfAborted();
  }
}

/** A NOC that changes its mind about the length, or sends more than was asked for, is not believed. */
function isFitting(piece: BlobPiece, transfer: Transfer): boolean {
  if (piece.totalBytes > maxDocumentBytes || (transfer.total !== undefined && transfer.total !== piece.totalBytes)) return false;
  return piece.bytes.length === Math.min(pieceBytes, piece.totalBytes - piece.offset);
}

function concat(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
