import type { GatewayError } from "#model/errors.ts";
import { type AnswerReader, Exchange } from "./exchange.ts";
import type { Peer } from "./peer.ts";
import type { PreparedRequest } from "./request.ts";
import type { CarefulFindings } from "./table-careful.ts";
import type { Block } from "./table-plan.ts";

/** The table read that a block belongs to. */
export interface BlockOwner {
  readonly signal: AbortSignal;
  /** See AnswerReader.read; fills in what was found. */
  readBlock(read: BlockRead, bytes: Uint8Array): boolean;
  blockDone(read: BlockRead, nowMs: number): void;
  blockFailed(read: BlockRead, error: GatewayError): void;
  blockStale(read: BlockRead): void;
  /** See AnswerReader. */
  mayRepeat(): boolean;
}

/** One request on its way for a table read; used for one block after the other. */
export class BlockRead implements AnswerReader {
  readonly exchange: Exchange;
  block: Block;
  /** Absent when every cell was the predicted one. */
  findings: CarefulFindings | undefined;
  /** It has an opening, and is not as predicted. */
  isToRepeat = false;
  errorStatus = 0;
  errorIndex = 0;
  #owner: BlockOwner;

  constructor(owner: BlockOwner, peer: Peer, block: Block, request: PreparedRequest) {
    this.#owner = owner;
    this.block = block;
    this.exchange = new Exchange(peer, this, request);
  }

  /** Made ready for another read, perhaps of other equipment. */
  assign(owner: BlockOwner, peer: Peer): void {
    this.#owner = owner;
    this.exchange.peer = peer;
    this.exchange.staleTimes = 0;
  }

  get signal(): AbortSignal {
    return this.#owner.signal;
  }

  read(bytes: Uint8Array): boolean {
    return this.#owner.readBlock(this, bytes);
  }

  done(nowMs: number): void {
    this.#owner.blockDone(this, nowMs);
  }

  failed(error: GatewayError): void {
    this.#owner.blockFailed(this, error);
  }

  stale(): void {
    this.#owner.blockStale(this);
  }

  mayRepeat(): boolean {
    return this.#owner.mayRepeat();
  }
}

/** As many as are on their way when the polls of a busy site share a wake-up; the dispatcher lets no more of them out at once. */
const maxIdle = 1_024;
const noOwner: BlockOwner = {
  signal: AbortSignal.abort(),
  readBlock: () => false,
  blockDone: () => undefined,
  blockFailed: () => undefined,
  blockStale: () => undefined,
  mayRepeat: () => false,
};

/** After so many loans what was idle all the time is let go of, see IdlePool. */
const loansBetweenLooks = 8_192;

/** Block reads that wait for their next use; one pool per engine. */
export class BlockReads {
  readonly #idle: BlockRead[] = [];
  #loans = 0;
  /** Fewest idle ones since the last look. */
  #least = 0;

  take(owner: BlockOwner, peer: Peer, block: Block, request: PreparedRequest): BlockRead {
    const read = this.#idle.pop();
    if (this.#idle.length < this.#least) this.#least = this.#idle.length;
    if (++this.#loans % loansBetweenLooks === 0) {
      this.#idle.splice(0, this.#least);
      this.#least = this.#idle.length;
    }
    if (read === undefined) return new BlockRead(owner, peer, block, request);
    read.assign(owner, peer);
    return read;
  }

  /** @param reads whose exchanges have settled */
  giveBack(reads: readonly BlockRead[]): void {
    for (const read of reads) {
      if (this.#idle.length >= maxIdle) return;
      // Nothing of the read that is over is kept alive.
      read.assign(noOwner, read.exchange.peer);
      read.findings = undefined;
      this.#idle.push(read);
    }
  }
}
