/** Timeouts learnt stay within these (milliseconds). */
const minTimeoutMs = 250;
const maxTimeoutMs = 10_000;
/** Answers in a row without trouble after which more values an answer are asked for again. */
const recoverAfter = 512;
/** Answers in a row at the first attempt after which one request more is tried at once; and after which a window that failed is tried again. */
const widenAfter = 8;
const retryWindowAfter = 4096;
/** More requests at once than this only for agents that answer within so many milliseconds: they serve one after the other. */
const modestWindow = 4;
const quickMs = 50;
const mostCells = 128;
const fewestCells = 8;
const smallestAnswerBytes = 200;

export interface LearnedStart {
  readonly timeoutMs: number;
  readonly targetMessageBytes: number;
  /** Most requests at once that are tried. */
  readonly maxWindow: number;
  /** v1 has no GETBULK. */
  readonly bulk: boolean;
}

/** What one session learnt about its agent: round trip, sizes, what it cannot do. Plain numbers; no history. */
export class Learned {
  /** False once the agent turned out not to understand GETBULK. */
  bulk: boolean;
  /** Set by the first good answer to a GETBULK: from then on a silent agent is silent, not bulk-less. */
  bulkProven = false;
  /** Most varbinds that a request may carry; lowered for good by tooBig. */
  maxRequestVarbinds = 60;
  /** Most repetitions of a GETBULK; lowered for good by tooBig. */
  maxRepetitions = mostCells;
  /** Most values asked for at once; lowered for slow agents, and raised again bit by bit. */
  maxCells = mostCells;
  /** Requests of one table read that may be on their way at once; grows while none is lost. */
  window = 1;
  /** Answers are planned for this size; lowered by agents that cut them shorter. */
  answerBytes: number;
  /** Largest answer seen. */
  largestAnswerBytes = 0;
  /** Changes whenever a plan's blocks would be cut differently. */
  revision = 0;
  #smoothedMs = Number.NaN;
  #varianceMs = 0;
  #goodInRow = 0;
  #answersInRow = 0;
  #windowCeiling: number;
  /** As far as `maxCells` recovers: below what was once too much. */
  #cellsCeiling = mostCells;
  readonly #start: LearnedStart;

  constructor(start: LearnedStart) {
    this.#start = start;
    this.bulk = start.bulk;
    this.#windowCeiling = start.maxWindow;
    this.answerBytes = start.targetMessageBytes;
  }

  /** Smoothed round trip, milliseconds; NaN before the first answer. */
  get roundTripMs(): number {
    return this.#smoothedMs;
  }

  /** Time to wait for the answer to attempt 0, 1, 2 ... (RFC 6298 2 with our bounds; doubled from attempt to attempt up to the configured one). */
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
    this.#answersInRow += 1;
    if (
      this.#answersInRow % widenAfter === 0 &&
      this.window < this.#windowCeiling &&
      (this.window < modestWindow || this.#smoothedMs < quickMs)
    )
      this.window += 1;
    if (this.#answersInRow % retryWindowAfter === 0 && this.#windowCeiling < this.#start.maxWindow) this.#windowCeiling += 1;
    if (this.maxCells >= this.#cellsCeiling || ++this.#goodInRow < recoverAfter) return;
    this.#goodInRow = 0;
    this.maxCells = Math.min(this.#cellsCeiling, this.maxCells * 2);
    this.revision += 1;
  }

  /** An answer took more than one attempt: perhaps the agent does not bear several requests at once. */
  noteLoss(): void {
    if (this.window > 1) this.#windowCeiling = this.window - 1;
    this.window = 1;
    this.#answersInRow = 0;
  }

  /** The agent is alive but did not answer for so many values in time. */
  noteSlow(cells: number): void {
    this.#goodInRow = 0;
    const tooMany = Math.min(this.maxCells, cells);
    this.maxCells = Math.max(fewestCells, tooMany >> 2);
    this.#cellsCeiling = Math.max(fewestCells, tooMany >> 1);
    this.revision += 1;
  }

  /** tooBig for so many repetitions of one varbind. */
  shrinkRepetitions(repetitions: number): void {
    this.maxRepetitions = Math.max(1, Math.min(this.maxRepetitions, repetitions) >> 1);
    this.revision += 1;
  }

  /** tooBig for so many varbinds. */
  shrinkRequest(requestVarbinds: number): void {
    this.maxRequestVarbinds = Math.max(1, Math.min(this.maxRequestVarbinds, requestVarbinds) >> 1);
    this.revision += 1;
  }

  /** The agent answered fewer varbinds than asked for, in a message of so many bytes. */
  noteTruncated(bytes: number): void {
    const bounded = Math.max(smallestAnswerBytes, bytes);
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
