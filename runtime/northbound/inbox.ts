import { type GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { SignedMessages } from "#ports/signed-messages.ts";
import type { InboundMessage } from "#ports/uplink.ts";
import type { Authority } from "./authority/authority.ts";
import type { Desk } from "./command-desk/desk.ts";
import type { BlobFetcher } from "./desired-state/blob-fetcher.ts";
import type { DesiredState } from "./desired-state/engine.ts";
import type { SessionNonce } from "./session-nonce.ts";

export interface InboxParts {
  readonly messages: Pick<SignedMessages, "statedType" | "parseBlobPiece">;
  readonly authority: Authority;
  readonly desired: DesiredState;
  readonly desk: Desk;
  readonly fetcher: BlobFetcher;
  readonly nonce: SessionNonce;
  readonly clock: Clock;
  /** Other keys are in force. */
  readonly onKeys: () => void;
  /** Messages of the remote editor's tunnel; absent = there is none, they are dropped. */
  readonly onEditor?: (payload: Uint8Array) => Promise<void> | void;
}

/** Refusals and repetitions in a second that cost nothing; a broker that goes on is read slowly. Half a second of pause each second at most. */
const freeRefusals = 64;
const regainMs = 1_000;
const pauseMs = 50;

/**
 * Takes what the broker delivers. A message is PUBACKed when this resolves: what is accepted is durable by then, what is refused would not
 * get better. Nothing is written to flash for a message that is not signed, so that nobody can wear it out. Only a disk that refuses keeps
 * a message at the broker.
 */
export class Inbox {
  readonly #parts: InboxParts;
  #refusals = 0;
  #sinceMs = 0;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /** Bound: handed to the link. */
  readonly take = async (message: InboundMessage): Promise<void> => {
    try {
      await this.#take(message);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (!isRefusal(error)) throw error;
      await this.#slowDown();
    }
  };

  async #take({ leaf, payload }: InboundMessage): Promise<void> {
    switch (leaf) {
      case "des":
        return this.#desired(payload);
      case "cmd":
        return this.#command(payload);
      case "blob":
        return this.#blob(payload);
      case "edq":
        await this.#parts.onEditor?.(payload);
        return;
      default:
        return;
    }
  }

  async #desired(payload: Uint8Array): Promise<void> {
    const { authority, desired } = this.#parts;
    const verdict = await authority.desired(payload);
    // Known to the authority, but not to the engine: its memory is older than the mark. What was accepted once is staged again.
    if (verdict.known && desired.memory.knows(verdict.accepted)) return this.#slowDown();
    desired.stage({ ...verdict.accepted, payload: verdict.payload }, authority.acceptance(verdict.accepted));
    authority.accept(verdict.accepted);
  }

  async #command(payload: Uint8Array): Promise<void> {
    const { authority, desk, messages, nonce } = this.#parts;
    if (messages.statedType(payload) === "gh-keys+jws") {
      if (await authority.keys(payload)) this.#parts.onKeys();
      return;
    }
    const signed = await authority.command(payload, nonce.current);
    const outcome = desk.receive(signed);
    if (outcome === "accepted") return;
    if (outcome !== "known") authority.refused(outcome, "cmd");
    await this.#slowDown();
  }

  #blob(payload: Uint8Array): void {
    const { messages, fetcher, authority } = this.#parts;
    try {
      fetcher.take(messages.parseBlobPiece(payload));
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      authority.refused("unreadable piece", "blob");
      throw error;
    }
  }

  async #slowDown(): Promise<void> {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#sinceMs > regainMs) {
      this.#refusals = 0;
      this.#sinceMs = nowMs;
    }
    this.#refusals += 1;
    if (this.#refusals > freeRefusals) await clock.sleep(pauseMs, new AbortController().signal);
  }
}

function isRefusal(error: GatewayError): boolean {
  return error.code.startsWith("codec.") || error.code.startsWith("command.");
}
