import { Duplex } from "node:stream";

export interface StreamWires {
  /** Calls back once all of it is on its way. */
  send(bytes: Uint8Array, done: () => void): void;
  end(): void;
  /** It is over; `isWhole`: both sides had said so before. */
  over(): void;
  /** So many bytes were taken by the reader. */
  taken(bytes: number): void;
}

/** A connection to the editor of a gateway, as a stream that node:http can use like a socket. */
export class TunnelStream extends Duplex {
  readonly #wires: StreamWires;
  readonly #held: Uint8Array[] = [];
  #wantsMore = false;
  #isEnded = false;
  #timer: { readonly ms: number; readonly then: () => void } | undefined;
  /** Sequence of the last frame, each way. */
  sent = 0;
  received = 0;

  constructor(wires: StreamWires) {
    super({ allowHalfOpen: false, readableHighWaterMark: 32_768, writableHighWaterMark: 32_768 });
    this.#wires = wires;
  }

  arrived(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#give();
  }

  ended(): void {
    this.#isEnded = true;
    this.#give();
  }

  override _read(): void {
    this.#wantsMore = true;
    this.#give();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#wires.send(chunk, done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#wires.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    let left = 0;
    for (const bytes of this.#held.splice(0)) left += bytes.length;
    if (left > 0) this.#wires.taken(left);
    this.#wires.over();
    done(error);
  }

  /** What node:http does with sockets and has no meaning here. */
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(ms: number, then: () => void = () => undefined): this {
    this.#timer = ms === 0 ? undefined : { ms, then };
    return this;
  }
  get timeout(): number | undefined {
    return this.#timer?.ms;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  #give(): void {
    while (this.#wantsMore) {
      const bytes = this.#held.shift();
      if (bytes === undefined) break;
      this.#wires.taken(bytes.length);
      this.#wantsMore = this.push(bytes);
    }
    if (this.#isEnded && this.#held.length === 0) {
      this.#isEnded = false;
      this.push(null);
    }
  }
}
