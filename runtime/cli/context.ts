import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { DriverDescription } from "../config/driver-settings.ts";
import type { ExitCode } from "./exit-codes.ts";

export const logLevels = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Why a command's stop signal aborts: a person, or init, wanted it to end. Not an error of the program. */
export class Interrupted extends Error {
  constructor(signal: string) {
    super(`ended by ${signal} before it was done; what was ordered already goes on`);
  }
}

/** What a command may use of the world. Everything that costs time or memory comes lazily. */
export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Writes to standard output: what was asked for. */
  print(text: string): void;
  /** Writes to standard error: everything else. */
  say(text: string): void;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Columns of the terminal; 80 if it is none. */
  readonly columns: number;
  /** The level given by --log-level, if it was. */
  readonly logLevel: LogLevel | undefined;
  /** Long-running roles log to standard output, tools to standard error. `level` and `format` come from a configuration; --log-level wins. */
  logger(options?: {
    readonly to?: "stdout" | "stderr";
    readonly level?: LogLevel;
    readonly format?: "auto" | "json" | "text";
  }): Promise<Logger>;
  /** Aborts, with `Interrupted`, at the first SIGINT or SIGTERM; a second one ends the process at once. */
  stopSignal(): AbortSignal;
  /** Names and settings schemas of the drivers of this program. */
  drivers(): Promise<readonly DriverDescription[]>;
  /** Sets the exit code that the process ends with after the command returned. */
  finish(code: ExitCode): void;
}
