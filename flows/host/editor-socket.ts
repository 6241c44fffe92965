import { Duplex } from "node:stream";
import { editorWindowBytes } from "../protocol.ts";

export interface SocketWires {
  send(bytes: Uint8Array): void;
  /** So many bytes of the browser's were taken by the editor. */
  taken(bytes: number): void;
  ended(): void;
  destroyed(): void;
}

/**
 * One connection of a browser as the editor's HTTP server sees it: a stream whose other end is in the telemetry process. Never more than one window
 * of bytes is on its way.
 */
export class EditorSocket extends Duplex {
  readonly remoteAddress = "console";
  readonly encrypted = false;
  readonly #wires: SocketWires;
  #credit = editorWindowBytes;
  #waiting: { readonly bytes: Uint8Array; readonly done: (error?: Error | null) => void } | undefined;

  constructor(wires: SocketWires) {
    super({ allowHalfOpen: true });
    this.#wires = wires;
  }

  received(bytes: Uint8Array): void {
    if (this.destroyed) return;
    this.push(Buffer.from(bytes));
    this.#wires.taken(bytes.length);
  }

  receivedEnd(): void {
    if (!this.destroyed) this.push(null);
  }

  /** The browser took so many bytes. */
  grant(bytes: number): void {
    this.#credit += bytes;
    this.#flush();
  }

  override _read(): void {
    // Bytes come when they come: the telemetry process keeps the window.
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#waiting = { bytes: chunk, done };
    this.#flush();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#wires.ended();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wires.destroyed();
    done(error);
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#credit <= 0) return;
    const now = waiting.bytes.subarray(0, Math.min(this.#credit, 32_768));
    const rest = waiting.bytes.subarray(now.length);
    this.#credit -= now.length;
    this.#wires.send(now);
    if (rest.length > 0) {
      this.#waiting = { bytes: rest, done: waiting.done };
      this.#flush();
      return;
    }
    this.#waiting = undefined;
    waiting.done();
  }

  // What http and ws ask of a net.Socket; time is the telemetry process's business.
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  destroySoon(): void {
    this.end(() => this.destroy());
  }
}
