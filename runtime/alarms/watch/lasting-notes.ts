import { isGatewayError } from "#model/errors.ts";
import type { Logger } from "#ports/logger.ts";
import type { State } from "#ports/state.ts";

/** A note waits so long at most for others to be written with. */
const gatherMs = 30_000;
/** Notes in one transaction: some milliseconds of the main thread. The rest has its turn as long after it. */
const maxAtOnce = 256;
/** Notes that wait; two for each equipment there can be. Further ones are refused: they are made again when their equipment tells something new. */
const maxWaiting = 8_192;

/**
 * What watches remember over a restart and may lose in a power cut, as it is learnt again: identities, how long ports have been up. Each write to the
 * state waits for the disk, and the main loop with it; a thousand switches that are met at a start must not be a thousand such waits.
 */
export class LastingNotes {
  readonly #state: State;
  readonly #logger: Logger;
  readonly #waiting = new Map<string, string>();
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(state: State, logger: Logger) {
    this.#state = state;
    this.#logger = logger;
  }

  /** As last noted. */
  getText(key: string): string | undefined {
    return this.#waiting.get(key) ?? this.#state.getText(key);
  }

  note(key: string, text: string): void {
    if (this.#waiting.size < maxWaiting || this.#waiting.has(key)) this.#waiting.set(key, text);
  }

  /** To be put into the state together with something that must be durable now; `written` once it is. */
  next(): Readonly<Record<string, string>> {
    const entries: Record<string, string> = {};
    let left = maxAtOnce;
    for (const [key, text] of this.#waiting) {
      if (left-- === 0) break;
      entries[key] = text;
    }
    return entries;
  }

  /** @param entries of `next` */
  written(entries: Readonly<Record<string, string>>): void {
    for (const [key, text] of Object.entries(entries)) if (this.#waiting.get(key) === text) this.#waiting.delete(key);
  }

  /** Called once a second. */
  tick(nowMs: number): void {
    if (this.#waiting.size === 0) {
      this.#dueMs = Number.POSITIVE_INFINITY;
    } else if (this.#dueMs === Number.POSITIVE_INFINITY) {
      this.#dueMs = nowMs + gatherMs;
    } else if (nowMs >= this.#dueMs) {
      this.#dueMs = nowMs + gatherMs;
      this.#write();
    }
  }

  /** Everything, for the end. */
  flush(): void {
    while (this.#waiting.size > 0 && this.#write());
  }

  #write(): boolean {
    const entries = this.next();
    try {
      this.#state.put(entries);
    } catch (error) {
      // A full disk: they go on waiting, and the store says what is wrong with it.
      if (!isGatewayError(error)) throw error;
      this.#logger.debug({ code: error.code }, "what alarms remember could not be kept");
      return false;
    }
    this.written(entries);
    return true;
  }
}
