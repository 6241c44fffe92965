import type { BunchedSocket, TakeDatagram } from "#ports/datagrams.ts";
import type { Peer } from "./peer.ts";

/** Datagrams taken at one wake-up, at most: then it is others' turn. */
const mostAtOnce = 64;

/** Sends one datagram alone, and is told why when the kernel refuses it. */
export type SendAlone = (bytes: Uint8Array, peer: Peer) => void;

/** The datagrams of one turn of the loop: they leave together when it is over. */
export class Bunch {
  readonly #socket: BunchedSocket;
  readonly #sendAlone: SendAlone;
  /** By place in the bunch. */
  readonly #peers: Peer[] = [];
  #isScheduled = false;
  #isClosed = false;
  readonly #leave = (): void => {
    this.#isScheduled = false;
    this.#flush();
  };
  readonly #refused = (place: number, bytes: Uint8Array): void => {
    const peer = this.#peers[place];
    if (peer !== undefined && !this.#isClosed) this.#sendAlone(bytes, peer);
  };

  constructor(socket: BunchedSocket, sendAlone: SendAlone) {
    this.#socket = socket;
    this.#sendAlone = sendAlone;
  }

  /** Copies the datagram. @returns false where it has to go alone */
  send(bytes: Uint8Array, peer: Peer): boolean {
    const { ipv4, target } = peer;
    if (ipv4 < 0 || this.#isClosed) return false;
    if (!this.#socket.put(bytes, ipv4, target.port)) {
      this.#flush();
      if (!this.#socket.put(bytes, ipv4, target.port)) return false;
    }
    this.#peers[this.#socket.size - 1] = peer;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(this.#leave);
    }
    return true;
  }

  #flush(): void {
    if (!this.#isClosed) this.#socket.flush(this.#refused);
  }

  /** What has come besides the datagram that the loop told of. */
  receive(take: TakeDatagram): void {
    if (!this.#isClosed) this.#socket.receive(take, mostAtOnce);
  }

  /** Before the descriptor is closed: its number may be another file's afterwards. */
  close(): void {
    this.#isClosed = true;
    this.#socket.close();
    this.#peers.length = 0;
  }
}
