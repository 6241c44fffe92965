import type { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type AnswerReader, Exchange } from "./exchange.ts";
import { ipv4Of } from "./ipv4.ts";
import type { Names } from "./names.ts";
import type { Peer } from "./peer.ts";
import type { PreparedRequest } from "./request.ts";

/** Makes a session's security able to speak: nothing for communities, discovery and keys for v3. */
export interface Readiness {
  readonly isReady: boolean;
  becomeReady(conversation: Conversation, signal: AbortSignal): Promise<void>;
  /** After a timeout: what else is known about the silence. The same error when nothing is. */
  explainSilence?(conversation: Conversation, error: GatewayError): Promise<GatewayError>;
}

/** One question. */
export interface Question {
  /** Called again when the security state has changed. */
  readonly prepare: () => PreparedRequest;
  /** See AnswerReader.read. */
  readonly read: (bytes: Uint8Array) => boolean;
  readonly signal: AbortSignal;
  readonly deadlineMs?: number;
  /** Absent = as many as the target's retries allow. */
  readonly attemptsMax?: number;
}

/** What get, walk and table reads share: one peer, its address, one question at a time. */
export class Conversation {
  readonly peer: Peer;
  readonly dispatcher: Dispatcher;
  readonly #clock: Clock;
  readonly #names: Names;
  readonly #readiness: Readiness;
  readonly #life: AbortSignal;
  #becoming: Promise<void> | undefined;

  constructor(parts: { peer: Peer; dispatcher: Dispatcher; clock: Clock; names: Names; readiness: Readiness; life: AbortSignal }) {
    this.peer = parts.peer;
    this.dispatcher = parts.dispatcher;
    this.#clock = parts.clock;
    this.#names = parts.names;
    this.#readiness = parts.readiness;
    this.#life = parts.life;
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Nothing to wait for: the usual case, in which `ready` would only cost. */
  get isReady(): boolean {
    return this.peer.isLiteral && this.#readiness.isReady;
  }

  /** Address known and security ready. @throws GatewayError driver.unreachable | driver.timeout | driver.auth */
  async ready(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { peer } = this;
    if (!peer.isLiteral) await this.#resolve(signal);
    while (!this.#readiness.isReady) {
      // Calls that overlap wait for one discovery. It is short and bounded, so it lives as long as the session rather than by one caller's signal.
      this.#becoming ??= this.#readiness.becomeReady(this, this.#life).finally(() => {
        this.#becoming = undefined;
      });
      await this.#becoming;
      signal.throwIfAborted();
    }
  }

  async #resolve(signal: AbortSignal): Promise<void> {
    const { peer, dispatcher } = this;
    const known = this.#names.known(peer.target.address) ?? (await this.#names.resolve(peer.target.address, signal));
    if (known.address === peer.address) return;
    dispatcher.strike(peer);
    peer.address = known.address;
    peer.ipv4 = ipv4Of(known.address);
    peer.family = known.family;
    dispatcher.enrol(peer);
  }

  /**
   * Asks once. Call `ready` before. @throws GatewayError driver.*; the signal's reason when aborted
   */
  ask(question: Question): Promise<void> {
    const { peer, dispatcher } = this;
    return new Promise((resolve, reject) => {
      const asking = new Asking({ question, conversation: this, resolve, reject });
      const { exchange } = asking;
      exchange.attemptsMax = question.attemptsMax ?? 1 + peer.target.retries;
      exchange.deadlineMs = question.deadlineMs ?? Number.POSITIVE_INFINITY;
      dispatcher.submit(exchange, this.nowMs());
    });
  }

  /** The error to hand on for a request that got none or no good answer. */
  async explain(error: GatewayError): Promise<GatewayError> {
    if (error.code !== "driver.timeout") return error;
    return (await this.#readiness.explainSilence?.(this, error)) ?? error;
  }
}

interface AskingParts {
  readonly question: Question;
  readonly conversation: Conversation;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A question on its way. */
class Asking implements AnswerReader {
  readonly exchange: Exchange;
  readonly #parts: AskingParts;

  constructor(parts: AskingParts) {
    this.#parts = parts;
    this.exchange = new Exchange(parts.conversation.peer, this, parts.question.prepare());
  }

  get signal(): AbortSignal {
    return this.#parts.question.signal;
  }

  read(bytes: Uint8Array): boolean {
    return this.#parts.question.read(bytes);
  }

  done(): void {
    this.#parts.resolve();
  }

  failed(error: unknown): void {
    this.#parts.reject(this.signal.aborted ? this.signal.reason : error);
  }

  stale(): void {
    const { conversation, question } = this.#parts;
    conversation.ready(this.signal).then(
      () => {
        this.exchange.request = question.prepare();
        conversation.dispatcher.submit(this.exchange, conversation.nowMs());
      },
      (error: unknown) => this.failed(error),
    );
  }
}
