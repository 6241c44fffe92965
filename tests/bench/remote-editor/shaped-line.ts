import { connect, createServer, type Server, type Socket } from "node:net";

const sliceMs = 5;

/** A TCP line of so many bits a second and so much delay, each way, between whoever connects here and a port of this machine. */
export class ShapedLine {
  readonly #server: Server;
  readonly #bitsPerS: number;
  readonly #delayMs: number;
  readonly bytes = { up: 0, down: 0 };

  /** @param oneWayMs delay of each direction */
  constructor(target: number, options: { readonly bitsPerS: number; readonly oneWayMs: number }) {
    this.#bitsPerS = options.bitsPerS;
    this.#delayMs = options.oneWayMs;
    this.#server = createServer((near) => {
      const far = connect(target, "127.0.0.1");
      for (const one of [near, far]) {
        one.setNoDelay(true);
        one.on("error", () => undefined);
      }
      this.#carry(near, far, "up");
      this.#carry(far, near, "down");
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => {
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  close(): void {
    this.#server.close();
  }

  /** Bytes leave at the line's rate, one slice after the other, and arrive a delay later; the sender is held back while more than a quarter second waits. */
  #carry(from: Socket, to: Socket, way: "up" | "down"): void {
    const perMs = this.#bitsPerS / 8_000;
    let freeAtMs = 0;
    from.on("data", (bytes: Buffer) => {
      const nowMs = performance.now();
      const slice = Math.max(1, Math.floor(perMs * sliceMs));
      freeAtMs = Math.max(freeAtMs, nowMs);
      for (let at = 0; at < bytes.length; at += slice) {
        const part = bytes.subarray(at, at + slice);
        freeAtMs += part.length / perMs;
        this.bytes[way] += part.length;
        setTimeout(() => to.writable && to.write(part), freeAtMs - nowMs + this.#delayMs);
      }
      if (freeAtMs - nowMs <= 250) return;
      from.pause();
      setTimeout(() => from.resume(), freeAtMs - nowMs - 250);
    });
    from.on("close", () => setTimeout(() => to.destroy(), this.#delayMs));
  }
}
