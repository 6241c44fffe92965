/**
 * 64-bit counters as 32-bit halves. Producers report in the same arrays again and again, all columns of a table in one buffer: the view of the last one is
 * nearly always the right one, and to look it up by column costs as much as a column's rows.
 */
export class CounterHalves {
  #buffer: ArrayBufferLike | undefined;
  #view: Uint32Array = new Uint32Array(0);
  /** Producers report in the same buffers again and again. */
  readonly #known = new WeakMap<ArrayBufferLike, Uint32Array>();

  /** All of the buffer; `values[i]` is at `values.byteOffset / 4 + 2 * i`, low half first: little-endian machines only. */
  of({ buffer }: BigUint64Array): Uint32Array {
    if (buffer === this.#buffer) return this.#view;
    this.#buffer = buffer;
    this.#view = this.#known.get(buffer) ?? this.#make(buffer);
    return this.#view;
  }

  #make(buffer: ArrayBufferLike): Uint32Array {
    const view = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
    this.#known.set(buffer, view);
    return view;
  }
}
