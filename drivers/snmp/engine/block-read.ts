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
}

/** One request on its way for a table read; used for one block after the other. */
export class BlockRead implements AnswerReader {
  readonly exchange: Exchange;
  block: Block;
  /** Absent when every cell was the predicted one. */
  findings: CarefulFindings | undefined;
  errorStatus = 0;
  errorIndex = 0;
  readonly #owner: BlockOwner;

  constructor(owner: BlockOwner, peer: Peer, block: Block, request: PreparedRequest) {
    this.#owner = owner;
    this.block = block;
    this.exchange = new Exchange(peer, this, request);
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
}
