const windowMs = 60_000;
/** Different sentences that are remembered; sentences are constants of the program, so this is plenty. */
const maxSentences = 1024;
const linesPerWindow = { error: 120, warn: 120, info: 120, debug: 6000 } as const;

interface Window {
  startMs: number;
  lines: number;
  suppressed: number;
}

/** Lets a sentence through 120 times a minute (debug: 6,000); then says how often it was held back. */
export class LineLimiter {
  readonly #windows = new Map<string, Window>();
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** undefined = hold this line back; else the number of lines held back since the last one that was let through. */
  admit(level: keyof typeof linesPerWindow, sentence: string): number | undefined {
    const nowMs = this.#monotonicMs();
    const key = `${level} ${sentence}`;
    const window = this.#windows.get(key) ?? this.#open(key, nowMs);
    if (nowMs - window.startMs >= windowMs) {
      window.startMs = nowMs;
      window.lines = 0;
    }
    if (window.lines >= linesPerWindow[level]) {
      window.suppressed += 1;
      return undefined;
    }
    window.lines += 1;
    const { suppressed } = window;
    window.suppressed = 0;
    return suppressed;
  }

  #open(key: string, nowMs: number): Window {
    if (this.#windows.size >= maxSentences) {
      const [oldest] = this.#windows.keys();
      if (oldest !== undefined) this.#windows.delete(oldest);
    }
    const window = { startMs: nowMs, lines: 0, suppressed: 0 };
    this.#windows.set(key, window);
    return window;
  }
}
