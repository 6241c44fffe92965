import type { Socket } from "node:net";
import { editorFrame, FrameReader, messageFrame } from "../frames.ts";
import type { FromHost, ToHost } from "../protocol.ts";

/** Orders that wait for their answer; beyond it a flow's order fails at once. */
const maxOpenOrders = 4_000;
/** Bytes the telemetry process has not taken yet; beyond it what may be lost (logs, statuses) is lost. */
const maxWaitingBytes = 4 * 1024 * 1024;

interface OpenOrder {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** An order that the telemetry process refused or that failed; `code` is stable. */
export class OrderError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "OrderError";
    this.code = code;
  }
}

/** The host's end of the inherited pipe. */
export class Line {
  readonly #socket: Socket;
  readonly #open = new Map<number, OpenOrder>();
  #next = 0;
  #lost = 0;

  constructor(
    socket: Socket,
    handlers: { onMessage(message: ToHost): void; onEditor(connection: number, bytes: Uint8Array): void; onEnd(): void },
  ) {
    this.#socket = socket;
    const reader = new FrameReader((frame) => {
      if (frame.kind === "editor") handlers.onEditor(frame.connection, frame.bytes);
      // The telemetry process is trusted: what it sends is what protocol.ts says.
      else this.#received(JSON.parse(frame.text) as ToHost, handlers.onMessage);
    });
    socket.on("data", (bytes: Uint8Array) => reader.push(bytes));
    socket.on("error", handlers.onEnd);
    socket.on("close", handlers.onEnd);
  }

  /** Logs and statuses lost because the telemetry process did not read. */
  get lost(): number {
    return this.#lost;
  }

  send(message: FromHost): void {
    if (this.#socket.writableLength > maxWaitingBytes && (message.t === "log" || message.t === "status")) {
      this.#lost += 1;
      return;
    }
    this.#socket.write(messageFrame(JSON.stringify(message)));
  }

  sendEditor(connection: number, bytes: Uint8Array): void {
    this.#socket.write(editorFrame(connection, bytes));
  }

  /** @throws OrderError */
  order(service: string, node: string, operation: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.#open.size >= maxOpenOrders) return Promise.reject(new OrderError("E_BUSY", `more than ${maxOpenOrders} orders are open`));
    this.#next += 1;
    const n = this.#next;
    this.send({ t: "order", n, service, node, operation, arguments: args });
    return new Promise((resolve, reject) => this.#open.set(n, { resolve, reject }));
  }

  #received(message: ToHost, onMessage: (message: ToHost) => void): void {
    if (message.t !== "answer") {
      onMessage(message);
      return;
    }
    const order = this.#open.get(message.n);
    this.#open.delete(message.n);
    if (message.error === undefined) order?.resolve(message.value);
    else order?.reject(new OrderError(message.error.code, message.error.message));
  }
}
