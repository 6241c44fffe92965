import { type GatewayError, isGatewayError } from "#model/errors.ts";
import type { BufferStats } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Backlog } from "./backlog.ts";

export interface BacklogKeeperParts {
  /** Opens or replaces the database. @param isUnfit its counts could not be taken twice: it is to be set aside. @throws GatewayError buffer.* */
  readonly open: (isUnfit: boolean) => Backlog;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Logger;
}

const retryEveryMs = 5_000;
/** So often may a database open and then not let itself be counted: a check of its structure need not see what keeps it from being read. */
const maxUncounted = 2;

/**
 * The backlog database and its troubles. One that failed is never asked again: it is closed, and opened anew a while later, since nobody
 * knows what of its last transaction reached the medium. The journal goes on without it meanwhile.
 */
export class BacklogKeeper {
  state: BufferStats["state"] = "ok";
  /** Called when a database was opened again; counts must be taken from it. */
  onMended: (backlog: Backlog) => void = () => undefined;
  readonly #parts: BacklogKeeperParts;
  #backlog: Backlog | undefined;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #writtenBefore = 0;
  #deadLetters = 0;
  #uncounted = 0;

  constructor(parts: BacklogKeeperParts) {
    this.#parts = parts;
    this.#open();
  }

  /** undefined: not to be had at the moment. */
  get backlog(): Backlog | undefined {
    return this.#backlog;
  }

  get writtenBytes(): number {
    return this.#writtenBefore + (this.#backlog?.writtenBytes ?? 0);
  }

  get deadLetters(): number {
    this.#deadLetters = this.#backlog?.deadLetters ?? this.#deadLetters;
    return this.#deadLetters;
  }

  /** Runs `work` on the database if it is there. @returns undefined when it is not, or refused */
  attempt<T>(work: (backlog: Backlog) => T): { readonly value: T } | undefined {
    if (this.#backlog === undefined) return undefined;
    try {
      return { value: work(this.#backlog) };
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#failed(error);
      return undefined;
    }
  }

  /** Tries to come back, at most every few seconds. */
  mend(): void {
    if (this.#backlog !== undefined || this.#parts.clock.monotonicMs() < this.#retryAtMs) return;
    if (this.#open() && this.takeIn()) this.proven();
  }

  /** Has the counts taken from a database that was just opened. @returns false: it is damaged where its opening did not look, and is opened again later */
  takeIn(): boolean {
    if (this.#backlog === undefined) return false;
    const isCounted = this.attempt((backlog) => this.onMended(backlog)) !== undefined;
    this.#uncounted = isCounted ? 0 : this.#uncounted + 1;
    return isCounted;
  }

  /** A write went through. */
  proven(): void {
    if (this.state === "ok") return;
    this.#parts.log.info({}, "the backlog can be used again");
    this.state = "ok";
  }

  close(): void {
    this.#shut();
  }

  #open(): boolean {
    try {
      this.#backlog = this.#parts.open(this.#uncounted >= maxUncounted);
      return true;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (error.code === "buffer.corrupt") this.#uncounted += 1;
      this.#failed(error);
      return false;
    }
  }

  #failed(error: GatewayError): void {
    if (this.state === "ok") this.#parts.log.error({ code: error.code, ...error.fields }, "the backlog cannot be used");
    this.state = error.code === "buffer.disk-full" ? "disk-full" : error.code === "buffer.denied" ? "read-only" : "io";
    if (this.state !== "io") return; // It can still be read, and written when there is room again.
    this.#shut();
  }

  #shut(): void {
    this.#retryAtMs = this.#parts.clock.monotonicMs() + retryEveryMs;
    const backlog = this.#backlog;
    this.#backlog = undefined;
    if (backlog === undefined) return;
    this.#writtenBefore += backlog.writtenBytes;
    this.#deadLetters = backlog.deadLetters;
    try {
      backlog.close();
    } catch (error) {
      if (!isGatewayError(error)) throw error; // Closing folds the log in, which may fail like anything else.
    }
  }
}
