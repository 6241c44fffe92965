import { connect, createServer, type Server, type Socket } from "node:net";

const sliceMs = 5;
const maxWaitMs = 250;

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

  /** Bytes leave at the line's rate, one slice after the other, and arrive a delay later, in order; the sender is held back while more than a quarter second waits. */
  #carry(from: Socket, to: Socket, way: "up" | "down"): void {
    const perMs = this.#bitsPerS / 8_000;
    const slice = Math.max(1, Math.floor(perMs * sliceMs));
    const waiting: { readonly dueMs: number; readonly bytes: Uint8Array }[] = [];
    let freeAtMs = 0;
    const arrive = () => {
      const nowMs = performance.now();
      for (let next = waiting[0]; next !== undefined && next.dueMs <= nowMs; next = waiting[0]) {
        waiting.shift();
        if (to.writable) to.write(next.bytes);
      }
      if (waiting.length > 0) setTimeout(arrive, Math.max(1, (waiting[0]?.dueMs ?? 0) - performance.now()));
      if (freeAtMs - nowMs <= maxWaitMs) from.resume();
    };
    from.on("data", (bytes: Buffer) => {
      const isIdle = waiting.length === 0;
      freeAtMs = Math.max(freeAtMs, performance.now());
      this.bytes[way] += bytes.length;
      for (let at = 0; at < bytes.length; at += slice) {
        const part = bytes.subarray(at, at + slice);
        freeAtMs += part.length / perMs;
        waiting.push({ dueMs: freeAtMs + this.#delayMs, bytes: part });
      }
      if (isIdle) setTimeout(arrive, this.#delayMs);
      if (freeAtMs - performance.now() > maxWaitMs) from.pause();
    });
    from.on("close", () => setTimeout(() => to.destroy(), this.#delayMs));
  }
}
