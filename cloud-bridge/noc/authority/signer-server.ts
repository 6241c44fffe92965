import { chmodSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import type { SignerPolicy } from "./signer-policy.ts";
import { maxLineBytes, parseRequest, type SignerAnswer } from "./signer-wire.ts";
import type { SigningKeys } from "./signing-keys.ts";

export interface SignerServerOptions {
  readonly socket: string;
  readonly keys: SigningKeys;
  readonly policy: SignerPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onListening?: () => void;
}

const maxConnections = 32;
const requestTimeoutMs = 10_000;

/**
 * The role that holds the signing keys, alone: whoever may open its socket (owner and group) has documents signed that the policy admits, and
 * gets nothing else of it. Keys are not read out, made or rotated over the socket.
 */
export class SignerServer implements Unit {
  readonly name = "signer";
  readonly #options: SignerServerOptions;
  readonly #sockets = new Set<Socket>();

  constructor(options: SignerServerOptions) {
    this.#options = options;
  }

  /** @throws GatewayError noc.store when the socket cannot be made or another signer answers there */
  async run(signal: AbortSignal): Promise<void> {
    const server = createServer({ allowHalfOpen: true });
    server.maxConnections = maxConnections;
    server.on("connection", (socket) => this.#take(socket, signal));
    try {
      await listen(server, this.#options.socket);
      this.#options.onListening?.();
      await new Promise<void>((resolve, reject) => {
        server.on("error", reject);
        signal.addEventListener("abort", () => resolve(), { once: true });
        if (signal.aborted) resolve();
      });
    } finally {
      for (const socket of this.#sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
      this.#options.policy.close();
    }
  }

  #take(socket: Socket, signal: AbortSignal): void {
    const { clock, logger } = this.#options;
    this.#sockets.add(socket);
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      over.abort(new Error("closed"));
    });
    socket.on("error", () => socket.destroy());
    clock.sleep(requestTimeoutMs, both).then(
      () => socket.destroy(),
      () => undefined,
    );
    let text = "";
    socket.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      const end = text.indexOf("\n");
      if (text.length > maxLineBytes) return void socket.destroy();
      if (end < 0) return;
      socket.pause();
      this.#answer(text.slice(0, end)).then(
        (answer) => socket.end(`${JSON.stringify(answer)}\n`),
        (error: unknown) => {
          logger.error({ error: error instanceof Error ? (error.stack ?? error.message) : "unknown" }, "the signer has a bug");
          socket.destroy();
        },
      );
    });
  }

  async #answer(line: string): Promise<SignerAnswer> {
    const { keys, policy, logger } = this.#options;
    try {
      const request = parseRequest(line);
      await keys.refresh();
      let jws: string | undefined;
      if (request.op === "document") jws = await keys.document(request.tenant);
      if (request.op === "sign") {
        const payload = Buffer.from(request.payload, "base64");
        policy.admit(request.type, payload);
        jws = await keys.sign(request.type, payload);
      }
      const facts = { version: keys.version, epoch: keys.epoch, root: keys.rootPublic, keys: keys.list };
      return { ok: true, facts, ...(jws === undefined ? {} : { jws }) };
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      logger.warn({ code: error.code, reason: error.message.slice(0, 300) }, "something was not signed");
      const code =
        error.code === "noc.denied" || error.code.startsWith("codec.")
          ? "noc.denied"
          : error.code === "noc.invalid"
            ? error.code
            : "noc.store";
      return { ok: false, code, message: error.message.slice(0, 1_000) };
    }
  }
}

async function listen(server: Server, path: string): Promise<void> {
  try {
    await listenOnce(server, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") throw error;
      if (await isAnswered(path)) throw new GatewayError("noc.store", { message: `another signer answers on ${path}` });
      // Left behind by a process that was killed.
      unlinkSync(path);
      await listenOnce(server, path);
    });
    // The group is how the operator says which user may ask.
    chmodSync(path, 0o660);
  } catch (cause) {
    if (isGatewayError(cause)) throw cause;
    throw new GatewayError("noc.store", { message: `the signer cannot listen on ${path}; is its folder there, and its own?`, cause });
  }
}

function listenOnce(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
