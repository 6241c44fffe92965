import type { Clock } from "#ports/clock.ts";
import { type BlobRequest, formatBlobPiece } from "../../protocol/messages/blob.ts";
import type { AuthorityStore } from "./authority-store.ts";

/** Bytes a second for one gateway, and at once. Orders and telemetry travel beside it. */
export const defaultBlobRate = { bytesPerSecond: 262_144, burstBytes: 524_288 } as const;
/** Requests of one gateway that wait for their turn; beyond it they are dropped, and the gateway asks again. */
const maxWaiting = 16;
const maxGateways = 100_000;

interface Bucket {
  tokens: number;
  atMs: number;
  waiting: number;
}

/** Answers requests for pieces of documents, each gateway at its own pace. Stateless but for the pace: the gateway drives. */
export class BlobDesk {
  readonly #store: AuthorityStore;
  readonly #clock: Clock;
  readonly #rate: { readonly bytesPerSecond: number; readonly burstBytes: number };
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    store: AuthorityStore,
    clock: Clock,
    rate: { readonly bytesPerSecond: number; readonly burstBytes: number } = defaultBlobRate,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#rate = rate;
  }

  /** The piece, when it is its turn; undefined = there is no such document, or too much waits. */
  async answer(gateway: string, request: BlobRequest, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const blob = this.#store.blob(request.sha256);
    if (blob === undefined || request.off > blob.length) return undefined;
    const bytes = blob.subarray(request.off, request.off + request.len);
    const bucket = this.#bucket(gateway);
    if (bucket.waiting >= maxWaiting) return undefined;
    bucket.waiting += 1;
    try {
      const pauseMs = this.#take(bucket, bytes.length);
      if (pauseMs > 0) await this.#clock.sleep(pauseMs, signal);
    } finally {
      bucket.waiting -= 1;
    }
    return formatBlobPiece({ requestId: request.rid, offset: request.off, totalBytes: blob.length, bytes });
  }

  /** @returns milliseconds until this many bytes may go */
  #take(bucket: Bucket, bytes: number): number {
    const { bytesPerSecond, burstBytes } = this.#rate;
    const nowMs = this.#clock.monotonicMs();
    bucket.tokens = Math.min(burstBytes, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * bytesPerSecond) - bytes;
    bucket.atMs = nowMs;
    return bucket.tokens >= 0 ? 0 : (-bucket.tokens / bytesPerSecond) * 1_000;
  }

  #bucket(gateway: string): Bucket {
    const known = this.#buckets.get(gateway);
    if (known !== undefined) return known;
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size >= maxGateways && oldest !== undefined) this.#buckets.delete(oldest);
    const made: Bucket = { tokens: this.#rate.burstBytes, atMs: this.#clock.monotonicMs(), waiting: 0 };
    this.#buckets.set(gateway, made);
    return made;
  }
}
