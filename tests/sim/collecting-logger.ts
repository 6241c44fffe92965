import type { LogFields, Logger } from "../../runtime/ports/logger.ts";

export interface LogLine {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly fields: LogFields;
  readonly sentence: string;
}

const maxLines = 100_000;

/** A logger that keeps what it is told, for tests. */
export class CollectingLogger implements Logger {
  readonly lines: LogLine[];
  readonly #bound: LogFields;

  constructor(bound: LogFields = {}, lines: LogLine[] = []) {
    this.#bound = bound;
    this.lines = lines;
  }

  error(fields: LogFields, sentence: string): void {
    this.#add("error", fields, sentence);
  }

  warn(fields: LogFields, sentence: string): void {
    this.#add("warn", fields, sentence);
  }

  info(fields: LogFields, sentence: string): void {
    this.#add("info", fields, sentence);
  }

  debug(fields: LogFields, sentence: string): void {
    this.#add("debug", fields, sentence);
  }

  child(fields: LogFields): Logger {
    return new CollectingLogger({ ...this.#bound, ...fields }, this.lines);
  }

  #add(level: LogLine["level"], fields: LogFields, sentence: string): void {
    if (this.lines.length < maxLines) this.lines.push({ level, fields: { ...this.#bound, ...fields }, sentence });
  }
}
