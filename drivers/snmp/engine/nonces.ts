import type { Entropy } from "#ports/entropy.ts";

const batchBytes = 4096;

/** Unpredictable 15-bit numbers of at least 128, drawn in batches: one system call per 2,048 requests. */
export class Nonces {
  readonly #entropy: Entropy;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  next(): number {
    if (this.#at + 2 > this.#bytes.length) {
      this.#bytes = this.#entropy.bytes(batchBytes);
      this.#at = 0;
    }
    const value = (((this.#bytes[this.#at] ?? 0) << 8) | (this.#bytes[this.#at + 1] ?? 0)) & 0x7fff;
    this.#at += 2;
    return value < 128 ? value + 128 : value;
  }
}
