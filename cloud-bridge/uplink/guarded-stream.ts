import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type GateFault, PacketGate } from "./packet-gate.ts";

export interface GuardedSocket {
  readonly socket: Socket;
  /** `connect` for TCP, `secureConnect` for TLS: nothing is written before it, so no credential reaches an unproven peer. */
  readonly readyEvent: "connect" | "secureConnect";
}

const maxPacketsInARow = 64;

interface PendingWrite {
  readonly chunk: Buffer;
  readonly done: (error?: Error | null) => void;
}

/** The part of a destination that `pipe` needs: mqtt.js's parser behind a Writable. */
interface PacketSink {
  write(chunk: Uint8Array, done: (error?: Error | null) => void): boolean;
}

/**
 * The socket as mqtt.js sees it. Inbound bytes are cut into packets and handed over one at a time, each inside a try: a packet that
 * makes the library throw costs the connection, not the process. The peer is read no faster than its packets are handled.
 */
export class GuardedStream extends Duplex {
  bytesIn = 0;
  bytesOut = 0;
  readonly #socket: Socket;
  readonly #gate: PacketGate;
  readonly #inspect: (packet: Buffer) => Buffer;
  #ready = false;
  #busy = false;
  #inARow = 0;
  #sink: PacketSink | undefined;
  #pending: PendingWrite | undefined;

  /** @param inspect sees every inbound packet before the library, and says what the library gets */
  constructor(guarded: GuardedSocket, maxPacketBytes: number, inspect: (packet: Buffer) => Buffer) {
    super({ emitClose: true, autoDestroy: true, writableHighWaterMark: 65_536 });
    this.#socket = guarded.socket;
    this.#gate = new PacketGate(maxPacketBytes);
    this.#inspect = inspect;
    const { socket } = guarded;
    socket.once(guarded.readyEvent, () => this.#open());
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    socket.on("end", () => this.destroy());
  }

  /** mqtt.js calls this with its parser; backpressure is by packet, not by byte. */
  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    this.#sink = {
      write: (chunk, done) => destination.write(chunk, (error) => done(error)),
    };
    this.#handOver();
    return destination;
  }

  override _read(): void {
    // Nothing is read from this side: packets go straight to the sink.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (!this.#ready) {
      this.#pending = { chunk, done };
      return;
    }
    this.bytesOut += chunk.length;
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    // The library writes a packet in many small pieces; one segment instead of ten.
    this._write(Buffer.concat(chunks.map((entry) => entry.chunk)), "utf8", done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#pending = undefined;
    this.#sink = undefined;
    this.#socket.destroy();
    done(error);
  }

  #open(): void {
    this.#ready = true;
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) this._write(pending.chunk, "utf8", pending.done);
  }

  #receive(bytes: Buffer): void {
    if (this.destroyed) return;
    this.bytesIn += bytes.length;
    this.#gate.push(bytes);
    this.#handOver();
  }

  #handOver(): void {
    while (!this.#busy && this.#sink !== undefined && !this.destroyed) {
      const packet = this.#gate.next();
      if (packet === undefined) {
        this.#socket.resume();
        return;
      }
      if (typeof packet === "string") {
        this.destroy(faultError(packet));
        return;
      }
      this.#busy = true;
      try {
        this.#sink.write(this.#inspect(packet), () => this.#handled());
      } catch (error) {
        // The library choked on a foreign packet: a border, whatever it threw.
        this.destroy(faultError("handler-threw", error));
        return;
      }
    }
    if (this.#busy && this.#gate.heldBytes > 0) this.#socket.pause();
  }

  #handled(): void {
    this.#busy = false;
    this.#inARow += 1;
    if (this.#inARow < maxPacketsInARow) {
      this.#handOver();
      return;
    }
    // The library goes from packet to packet without giving the event loop a turn; a flood of tiny ones must not starve everything else.
    this.#inARow = 0;
    this.#busy = true;
    setImmediate(() => {
      this.#busy = false;
      this.#handOver();
    });
  }
}

type StreamFault = GateFault | "handler-threw";
const streamFaults: ReadonlySet<string> = new Set<StreamFault>([
  "packet-too-large",
  "malformed-length",
  "malformed-header",
  "handler-threw",
]);

/** Whether an error code of this stream is the peer's fault in the protocol rather than the line's. */
export function isGateFault(code: string | undefined): boolean {
  return code !== undefined && streamFaults.has(code);
}

function faultError(code: StreamFault, cause?: unknown): Error {
  return Object.assign(new Error(code, { cause }), { code });
}
