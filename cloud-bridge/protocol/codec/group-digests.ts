const digestBytes = 32;
/** SHA-256, then the length as 32 bits. */
const bytesEach = digestBytes + 4;
/** Room for an eighth more than there are, and at least for so many. */
const leastRoom = 64;

/**
 * SHA-256 and length of the text of each group of a dictionary, in the order of its groups and in one block: a text of 32 characters for each would be half as
 * large again, and an object to hold both twice as large.
 */
export class GroupDigests {
  #block = Buffer.alloc(0);
  #count = 0;

  /** @param digest 32 bytes */
  push(digest: Uint8Array, textBytes: number): void {
    const at = this.#count * bytesEach;
    if (at + bytesEach > this.#block.length) {
      const room = this.#count + Math.max(leastRoom, this.#count >>> 3);
      const longer = Buffer.from(new ArrayBuffer(room * bytesEach));
      longer.set(this.#block);
      this.#block = longer;
    }
    this.#block.set(digest, at);
    this.#block.writeUInt32LE(textBytes, at + digestBytes);
    this.#count += 1;
  }

  /** Those behind it move up. */
  remove(place: number): void {
    this.#block.copyWithin(place * bytesEach, (place + 1) * bytesEach, this.#count * bytesEach);
    this.#count -= 1;
  }

  /** Good until the next change. */
  digestAt(place: number): Uint8Array {
    return this.#block.subarray(place * bytesEach, place * bytesEach + digestBytes);
  }

  textBytesAt(place: number): number {
    return this.#block.readUInt32LE(place * bytesEach + digestBytes);
  }
}
