import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import { headLength, parseHead, type RequestHead } from "./request-head.ts";
import type { ConsoleTls } from "./source.ts";

const maxConnections = 96;
const maxConnectionsOfOne = 32;
const maxHeadBytes = 16_384;
const headTimeoutMs = 10_000;

/** Who takes a connection whose head was read. `socket` is paused and `head` are the bytes that were taken from it, more than the head included. */
export type Doorkeeper = (socket: Socket, request: RequestHead, head: Buffer) => void;

/**
 * Accepts connections, reads the head of the first request within bounds, and passes both on. Each connection carries one request: who may
 * ask is checked for every single one, and nothing that was handed to another process can come back with a second question.
 */
export class FrontDoor {
  readonly #clock: Clock;
  readonly #keeper: Doorkeeper;
  readonly #byAddress = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  readonly #closed = new AbortController();
  #server: Server | undefined;

  constructor(clock: Clock, keeper: Doorkeeper) {
    this.#clock = clock;
    this.#keeper = keeper;
  }

  /** Resolves with the port. @throws GatewayError host.port-in-use | host.denied */
  async listen(host: string, port: number, tls?: Pick<ConsoleTls, "certificate" | "key">): Promise<number> {
    const admit = (socket: Socket) => this.#admit(socket);
    const server = tls === undefined ? createServer({ pauseOnConnect: true, allowHalfOpen: false }, admit) : encrypted(tls, admit);
    server.maxConnections = maxConnections;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
      server.listen({ host, port, backlog: 64 }, resolve);
    });
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error("the console closes"));
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #admit(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const count = (this.#byAddress.get(address) ?? 0) + 1;
    if (count > maxConnectionsOfOne) {
      socket.destroy();
      return;
    }
    this.#byAddress.set(address, count);
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#byAddress.set(address, left);
      else this.#byAddress.delete(address);
    });
    this.#readHead(socket);
  }

  #readHead(socket: Socket): void {
    const done = new AbortController();
    let bytes: Buffer = Buffer.alloc(0);
    const onData = (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece]);
      const length = headLength(bytes);
      if (length < 0 && bytes.length <= maxHeadBytes) return;
      socket.off("data", onData);
      socket.pause();
      done.abort(new Error("read"));
      const request = length < 0 || length > maxHeadBytes ? undefined : parseHead(bytes.subarray(0, length));
      if (request === undefined) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
      else this.#keeper(socket, request, bytes);
    };
    socket.on("data", onData);
    socket.on("close", () => done.abort(new Error("closed")));
    this.#clock.sleep(headTimeoutMs, AbortSignal.any([done.signal, this.#closed.signal])).then(
      () => socket.destroy(),
      () => undefined,
    );
    socket.resume();
  }
}

function encrypted({ certificate, key }: Pick<ConsoleTls, "certificate" | "key">, admit: (socket: Socket) => void): Server {
  const options = { cert: certificate, key, minVersion: "TLSv1.3", handshakeTimeout: headTimeoutMs } as const;
  try {
    const server = createTlsServer(options, admit);
    // Strangers, scanners, and browsers that do not believe the certificate yet.
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    return server;
  } catch (cause) {
    throw new GatewayError("config.invalid", { message: "certificate and key of the console do not fit", cause });
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): GatewayError {
  const fields = { host, port };
  if (error.code === "EADDRINUSE") return new GatewayError("host.port-in-use", { cause: error, fields });
  return new GatewayError("host.denied", { cause: error, fields: { ...fields, code: error.code ?? "unknown" } });
}
