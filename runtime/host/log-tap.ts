import type { LogFields, Logger } from "#ports/logger.ts";
import { presentable } from "./logger.ts";

/** One line as it was logged, without secrets. */
export interface TappedLine {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly sentence: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

const keptLines = 300;
const maxListeners = 4;

/** Passes everything on to a logger, keeps the newest lines and lets others read along, debug lines too: whatever level is written out. */
export class LogTap implements Logger {
  readonly #target: Logger;
  readonly #bound: LogFields;
  readonly #shared: { readonly lines: TappedLine[]; readonly listeners: Set<(line: TappedLine) => void> };

  constructor(target: Logger, bound: LogFields = {}, shared?: LogTap) {
    this.#target = target;
    this.#bound = bound;
    this.#shared = shared === undefined ? { lines: [], listeners: new Set() } : shared.#shared;
  }

  /** The newest lines, oldest first; no debug lines among them. */
  get recent(): readonly TappedLine[] {
    return this.#shared.lines;
  }

  /** Must not throw and not log. Returns the end of listening; undefined = too many listen already. */
  follow(listener: (line: TappedLine) => void): (() => void) | undefined {
    const { listeners } = this.#shared;
    if (listeners.size >= maxListeners) return undefined;
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  error(fields: LogFields, sentence: string): void {
    this.#take("error", fields, sentence);
  }

  warn(fields: LogFields, sentence: string): void {
    this.#take("warn", fields, sentence);
  }

  info(fields: LogFields, sentence: string): void {
    this.#take("info", fields, sentence);
  }

  debug(fields: LogFields, sentence: string): void {
    this.#target.debug(fields, sentence);
    if (this.#shared.listeners.size > 0) this.#tell("debug", fields, sentence);
  }

  child(fields: LogFields): Logger {
    return new LogTap(this.#target.child(fields), { ...this.#bound, ...fields }, this);
  }

  #take(level: "error" | "warn" | "info", fields: LogFields, sentence: string): void {
    this.#target[level](fields, sentence);
    const { lines } = this.#shared;
    lines.push(this.#tell(level, fields, sentence));
    if (lines.length > keptLines) lines.shift();
  }

  #tell(level: TappedLine["level"], fields: LogFields, sentence: string): TappedLine {
    const line: TappedLine = { level, sentence, fields: presentable({ ...this.#bound, ...fields }) };
    for (const listener of this.#shared.listeners) listener(line);
    return line;
  }
}
