/** Timeouts learnt stay within these (milliseconds). */
const minTimeoutMs = 250;
const maxTimeoutMs = 10_000;
/** Answers in a row without trouble after which a limit that was lowered is tried again a bit higher. */
const recoverAfter = 64;

export interface LearnedStart {
  readonly timeoutMs: number;
  readonly targetMessageBytes: number;
  /** v1 has no GETBULK. */
  readonly bulk: boolean;
}

/** What one session learnt about its agent: round trip, sizes, what it cannot do. Plain numbers; no history. */
export class Learned {
  /** False once the agent turned out not to understand GETBULK. */
  bulk: boolean;
  /** Set by the first good answer to a GETBULK: from then on a silent agent is silent, not bulk-less. */
  bulkProven = false;
  /** Most varbinds that a request may carry. */
  maxRequestVarbinds = 60;
  /** Most repetitions of a GETBULK; lowered by agents that are slow or say tooBig. */
  maxRepetitions = 100;
  /** Answers are planned for this size; lowered by agents that cut them shorter. */
  answerBytes: number;
  /** Largest answer seen. */
  largestAnswerBytes = 0;
  /** Changes whenever a plan's blocks would be cut differently. */
  revision = 0;
  #smoothedMs = Number.NaN;
  #varianceMs = 0;
  #goodInRow = 0;
  readonly #start: LearnedStart;

  constructor(start: LearnedStart) {
    this.#start = start;
    this.bulk = start.bulk;
    this.answerBytes = start.targetMessageBytes;
  }

  /** Smoothed round trip, milliseconds; NaN before the first answer. */
  get roundTripMs(): number {
    return this.#smoothedMs;
  }

  /** Time to wait for the answer to attempt 0, 1, 2 ... (RFC 6298 2, with our bounds; doubled from attempt to attempt up to the configured one). */
  timeoutMs(attempt: number): number {
    const configuredMs = clamp(this.#start.timeoutMs);
    if (Number.isNaN(this.#smoothedMs)) return configuredMs;
    const learntMs = clamp(this.#smoothedMs + 4 * this.#varianceMs);
    return Math.max(learntMs, Math.min(configuredMs, learntMs * 2 ** attempt));
  }

  noteRoundTrip(ms: number): void {
    if (Number.isNaN(this.#smoothedMs)) {
      this.#smoothedMs = ms;
      this.#varianceMs = ms / 2;
      return;
    }
    this.#varianceMs += (Math.abs(this.#smoothedMs - ms) - this.#varianceMs) / 4;
    this.#smoothedMs += (ms - this.#smoothedMs) / 8;
  }

  noteAnswer(bytes: number): void {
    if (bytes > this.largestAnswerBytes) this.largestAnswerBytes = bytes;
    if (this.maxRepetitions >= 100 && this.maxRequestVarbinds >= 60) return;
    this.#goodInRow += 1;
    if (this.#goodInRow < recoverAfter) return;
    this.#goodInRow = 0;
    this.maxRepetitions = Math.min(100, this.maxRepetitions + 4);
    this.maxRequestVarbinds = Math.min(60, this.maxRequestVarbinds + 1);
    this.revision += 1;
  }

  /** tooBig, or no answer to a large request: ask for less. */
  shrink(requestVarbinds: number, repetitions: number): void {
    this.#goodInRow = 0;
    this.revision += 1;
    if (repetitions > 1) this.maxRepetitions = Math.max(1, Math.min(this.maxRepetitions, repetitions) >> 1);
    else if (requestVarbinds > 1) this.maxRequestVarbinds = Math.max(1, Math.min(this.maxRequestVarbinds, requestVarbinds) >> 1);
  }

  /** The agent refused a request for the number of its varbinds. */
  shrinkRequest(requestVarbinds: number): void {
    this.#goodInRow = 0;
    this.revision += 1;
    this.maxRequestVarbinds = Math.max(1, Math.min(this.maxRequestVarbinds, requestVarbinds) >> 1);
  }

  /** The agent answered fewer varbinds than asked for, in a message of so many bytes. */
  noteTruncated(bytes: number): void {
    const bounded = Math.max(200, bytes);
    if (bounded >= this.answerBytes) return;
    this.answerBytes = bounded;
    this.revision += 1;
  }

  giveUpBulk(): void {
    this.bulk = false;
    this.revision += 1;
  }
}

function clamp(ms: number): number {
  return Math.min(maxTimeoutMs, Math.max(minTimeoutMs, ms));
}
