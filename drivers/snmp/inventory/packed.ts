import { deflateRawSync, inflateRawSync } from "node:zlib";

/**
 * A value of JSON kept small: an inventory is looked at a few times a day and would take more memory than the rest of its equipment.
 */
export class Packed<T> {
  readonly #bytes: Buffer;

  constructor(value: T) {
    // A copy of its own: deflate hands out views of a large block.
    this.#bytes = Buffer.from(Uint8Array.from(deflateRawSync(JSON.stringify(value))).buffer);
  }

  /** A new object each time. */
  unpack(): T {
    return JSON.parse(inflateRawSync(this.#bytes).toString("utf8"));
  }
}
