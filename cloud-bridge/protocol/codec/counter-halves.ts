/**
 * 64-bit counters as 32-bit halves. Producers report in the same arrays again and again, all columns of a table in one buffer: the view of the last one is
 * nearly always the right one, and to look it up by column costs as much as a column's rows.
 */
export class CounterHalves {
  #buffer: ArrayBufferLike | undefined;
  #view: Uint32Array = new Uint32Array(0);

  /** All of the buffer; `values[i]` is at `values.byteOffset / 4 + 2 * i`, low half first: little-endian machines only. */
  of({ buffer }: BigUint64Array): Uint32Array {
    if (buffer === this.#buffer) return this.#view;
    this.#buffer = buffer;
    this.#view = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
    return this.#view;
  }
}
