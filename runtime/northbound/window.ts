import { GatewayError } from "#model/errors.ts";
import { AdaptiveLimit } from "./adaptive-limit.ts";

const maxWaiting = 64;

interface Waiter {
  readonly bytes: number;
  admit(): void;
}

/** Bytes without PUBACK, over all lanes. */
export const mostWindowBytes = 1_048_576;
const firstWindowBytes = 131_072;
const leastWindowBytes = 16_384;

/**
 * Publications without PUBACK, bounded in messages (the broker's Receive Maximum) and in bytes (what may sit in the line ahead of the
 * next urgent message). One per session, shared by everybody who publishes. A message larger than the byte limit goes alone.
 */
export class PublishWindow {
  readonly maxMessages: number;
  readonly #limit: AdaptiveLimit;
  #messages = 0;
  #bytes = 0;
  readonly #waiters: Waiter[] = [];

  constructor(maxMessages: number, firstBytes: number = firstWindowBytes) {
    this.maxMessages = maxMessages;
    this.#limit = new AdaptiveLimit({ firstBytes, leastBytes: Math.min(leastWindowBytes, firstBytes), mostBytes: mostWindowBytes });
  }

  /** As learnt so far. */
  get maxBytes(): number {
    return this.#limit.bytes;
  }

  /** A PUBACK came: learns from the time it took. The room is given back by `give`. */
  learn(sentAtMs: number, nowMs: number): void {
    this.#limit.learn(sentAtMs, nowMs);
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a message of this size may go now. Those who wait come first. */
  hasRoom(bytes: number): boolean {
    return this.#waiters.length === 0 && this.#fits(bytes);
  }

  /** Takes room; the caller has asked `hasRoom`. */
  take(bytes: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
  }

  /** Gives room back, first to those who wait. */
  give(bytes: number): void {
    this.#messages -= 1;
    this.#bytes -= bytes;
    let [first] = this.#waiters;
    while (first !== undefined && this.#fits(first.bytes)) {
      this.#waiters.shift();
      this.take(first.bytes);
      first.admit();
      [first] = this.#waiters;
    }
  }

  /** Waits for room and takes it. @throws GatewayError uplink.rejected when 64 wait already; the signal's reason */
  acquire(bytes: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.hasRoom(bytes)) {
      this.take(bytes);
      return Promise.resolve();
    }
    if (this.#waiters.length >= maxWaiting) {
      return Promise.reject(
        new GatewayError("uplink.rejected", { message: "too many publications wait", fields: { waiting: maxWaiting } }),
      );
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        bytes,
        admit: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      const leave = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal.reason);
      };
      this.#waiters.push(waiter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #fits(bytes: number): boolean {
    if (this.#messages >= this.maxMessages) return false;
    return this.#messages === 0 || this.#bytes + bytes <= this.#limit.bytes;
  }
}
