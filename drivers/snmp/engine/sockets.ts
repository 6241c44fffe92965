import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Logger } from "#ports/logger.ts";
import type { EngineLimits } from "./limits.ts";

export type DatagramHandler = (bytes: Buffer, from: RemoteInfo) => void;

interface OpenSocket {
  readonly socket: Socket;
  /** Frames of the answers to requests sent lately and not answered; kept by the dispatcher. */
  fresh: number;
  /** As many answers as its receive buffer can hold at once. */
  maxFresh: number;
}

/** Kernel memory that one full-sized answer takes in a receive buffer, with a margin. */
const answerFootprintBytes = 3072;
const minFresh = 32;

/** The engine's UDP sockets: one per address family, more only for many sessions. Opened on first use, replaced when the kernel breaks one. */
export class Sockets {
  /** IPv4 first, then IPv6; `maxSockets` places each. */
  readonly #open: (OpenSocket | undefined)[] = [];
  readonly #limits: EngineLimits;
  readonly #logger: Logger;
  readonly #onDatagram: DatagramHandler;
  #closed = false;
  /** Why the last socket could not be opened or broke; undefined when all is well. */
  failure: string | undefined;

  constructor(limits: EngineLimits, logger: Logger, onDatagram: DatagramHandler) {
    this.#limits = limits;
    this.#logger = logger;
    this.#onDatagram = onDatagram;
  }

  get count(): number {
    return this.#open.filter((socket) => socket !== undefined).length;
  }

  /** The socket of a family; undefined after `close`. */
  get(family: 4 | 6, index: number): OpenSocket | undefined {
    const place = family === 4 ? index : this.#limits.maxSockets + index;
    const known = this.#open[place];
    if (known !== undefined || this.#closed) return known;
    const opened: OpenSocket = { socket: this.#create(family, place), fresh: 0, maxFresh: minFresh };
    this.#open[place] = opened;
    opened.socket.once("listening", () => {
      this.failure = undefined;
      const answers = Math.floor(opened.socket.getRecvBufferSize() / answerFootprintBytes);
      opened.maxFresh = Math.min(this.#limits.maxFreshPerSocket, Math.max(minFresh, answers));
    });
    return opened;
  }

  #create(family: 4 | 6, place: number): Socket {
    const socket = createSocket({
      type: family === 4 ? "udp4" : "udp6",
      ...(family === 6 ? { ipv6Only: true } : {}),
      recvBufferSize: this.#limits.receiveBufferBytes,
      // Addresses are literals by now. The default lookup would defer every single datagram.
      lookup: (address, _options, done) => done(null, address, family),
    });
    socket.on("message", this.#onDatagram);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // Said once: it is opened again for every request, and may fail each time.
      if (this.failure === undefined) this.#logger.warn({ family, reason: error.code }, "udp socket failed and is replaced");
      this.failure = error.code ?? error.message;
      if (this.#open[place]?.socket === socket) this.#open[place] = undefined;
      socket.close();
    });
    return socket;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const sockets = this.#open.splice(0).filter((socket) => socket !== undefined);
    await Promise.all(sockets.map(({ socket }) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }
}
