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
/** Answers at the first attempt after which answers twice as large are tried. */
const growAfter = 64;
/** So many losses within `retryWindowAfter` answers make answers smaller; one that is lost while a size is on trial does so at once. */
const lossesBorne = 3;
/** One Ethernet frame's worth: `mostCells` are meant for answers of this size. */
const frameBytes = 1472;

export interface LearnedStart {
  readonly timeoutMs: number;
  readonly targetMessageBytes: number;
  /** As far as answers may grow for agents that bear it; `targetMessageBytes` or less = they stay as they are. */
  readonly largestMessageBytes: number;
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
  /** Answers are planned for this size; lowered by agents that cut them shorter, raised for quick ones that take more. */
  answerBytes: number;
  /** What they were planned for before a larger size was tried; undefined = no size is on trial. */
  #provenBytes: number | undefined;
  /** As far as `answerBytes` grows. */
  #answerCeiling: number;
  /** The agent itself said how large its answers become: nothing larger is tried any more. */
  #isCut = false;
  #answersUntilGrown = growAfter;
  #losses = 0;
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
    this.#answerCeiling = start.largestMessageBytes;
  }

  /** What answers to walks are sized by: a walk does not know where it ends. */
  get walkBytes(): number {
    return Math.min(this.answerBytes, this.#start.targetMessageBytes);
  }

  /** How many Ethernet frames an answer takes about: what it counts against the receive buffer. */
  get answerFrames(): number {
    return Math.max(1, Math.ceil(this.answerBytes / frameBytes));
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
    return attempt === 0 ? learntMs : Math.max(learntMs, Math.min(configuredMs, learntMs * 2 ** attempt));
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
    this.#noteSize(bytes);
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

  /** Large answers save most of what polling costs, but they come in fragments, and all the agent's work for them is done in one go. */
  #noteSize(bytes: number): void {
    if (this.#provenBytes !== undefined && bytes > this.#provenBytes) this.#provenBytes = undefined;
    if (this.#answersInRow % retryWindowAfter === 0) {
      this.#losses = 0;
      if (!this.#isCut) this.#answerCeiling = this.#start.largestMessageBytes;
    }
    if (--this.#answersUntilGrown > 0) return;
    this.#answersUntilGrown = growAfter;
    if (this.answerBytes >= this.#answerCeiling || this.#provenBytes !== undefined || !(this.#smoothedMs < quickMs)) return;
    this.#provenBytes = this.answerBytes;
    this.#resize(Math.min(this.#answerCeiling, this.answerBytes * 2));
  }

  #resize(bytes: number): void {
    this.answerBytes = bytes;
    this.revision += 1;
    // What the agent was too slow for stays as it was found.
    if (this.#cellsCeiling < mostCells || this.maxCells < this.#cellsCeiling) return;
    this.#cellsCeiling = Math.max(mostCells, Math.floor((mostCells * bytes) / frameBytes));
    this.maxCells = this.#cellsCeiling;
  }

  /**
   * A request came to nothing: answers beyond one frame become as large as is known to be well, since they may be why. @param silenced nothing came
   * back at all: a size that was on trial is not tried again, it may have ended the agent
   * @returns whether they were beyond one frame
   */
  blameSize(silenced = false): boolean {
    if (this.answerBytes <= this.#start.targetMessageBytes) return false;
    if (silenced && this.#provenBytes !== undefined) this.#isCut = true;
    const well = this.#provenBytes ?? Math.max(this.#start.targetMessageBytes, this.answerBytes >> 1);
    this.#answersUntilGrown = growAfter;
    this.#losses = 0;
    this.#provenBytes = undefined;
    this.#answerCeiling = well;
    this.#resize(well);
    return true;
  }

  /** An answer took more than one attempt: perhaps the agent does not bear several requests at once, or fragments were lost. */
  noteLoss(): void {
    this.#losses += 1;
    if (this.#provenBytes !== undefined || this.#losses >= lossesBorne) this.blameSize();
    if (this.window > 1) this.#windowCeiling = this.window - 1;
    this.window = 1;
    this.#answersInRow = 0;
  }

  /** The agent is alive but did not answer for so many values in time. */
  noteSlow(cells: number): void {
    this.#goodInRow = 0;
    // So much is asked of it only since answers grew, and they have become smaller for it.
    if (cells > this.maxCells) return;
    const tooMany = Math.min(this.maxCells, cells);
    this.maxCells = Math.max(fewestCells, tooMany >> 2);
    this.#cellsCeiling = Math.max(fewestCells, tooMany >> 1);
    this.revision += 1;
  }

  /** tooBig for so many varbinds, repeated so often. */
  noteTooBig(requestVarbinds: number, repetitions: number): void {
    if (this.blameSize()) return;
    if (requestVarbinds === 1 && repetitions > 1) this.shrinkRepetitions(repetitions);
    else this.shrinkRequest(requestVarbinds);
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
    this.#isCut = true;
    // Below what it answered whole before it does not fall because more was asked for.
    const bounded = Math.max(smallestAnswerBytes, bytes, this.#provenBytes ?? 0);
    this.#provenBytes = undefined;
    this.#answerCeiling = Math.min(this.#answerCeiling, bounded);
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
