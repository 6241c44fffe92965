import type { DriverDescription } from "../config/driver-settings.ts";
import { endProcess } from "../host/end-process.ts";
import { SystemClock } from "../host/system-clock.ts";
import { systemEntropy } from "../host/system-entropy.ts";
import { synchronisationProbe } from "../host/time-synchronisation.ts";
import { type CommandContext, Interrupted, type LogLevel, logLevels } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";

/** The command context of a real process, and what it recorded. */
export interface ProcessContext extends CommandContext {
  /** What the command asked the process to end with. */
  readonly exitCode: ExitCode;
  /** Writes out what the loggers still hold. */
  flush(): void;
}

export function processContext(args: readonly string[], drivers: () => Promise<readonly DriverDescription[]>): ProcessContext {
  const clock = new SystemClock(synchronisationProbe("auto"));
  const logLevel = levelGiven(args);
  const flushes: (() => void)[] = [];
  let exitCode: ExitCode = exitCodes.ok;
  let stop: AbortController | undefined;
  endQuietlyOnClosedPipe();
  return {
    environment: process.env,
    clock,
    entropy: systemEntropy,
    print: (text) => void process.stdout.write(text),
    say: (text) => void process.stderr.write(text),
    isTerminal: process.stdout.isTTY === true,
    columns: process.stdout.columns ?? 80,
    logLevel,
    logger: async ({ to = "stderr", level, format = "auto" } = {}) => {
      const { createLogger } = await import("../host/logger.ts");
      const stream = to === "stdout" ? process.stdout : process.stderr;
      const shape = format === "auto" ? (stream.isTTY ? "text" : "json") : format;
      const colour = stream.isTTY && process.env.NO_COLOR === undefined;
      const logger = createLogger({
        level: logLevel ?? level ?? "info",
        format: shape,
        descriptor: to === "stdout" ? 1 : 2,
        colour,
        clock,
      });
      flushes.push(() => logger.flush());
      return logger;
    },
    stopSignal: () => {
      stop ??= abortOnSignals();
      return stop.signal;
    },
    drivers,
    finish: (code) => {
      exitCode = code;
    },
    get exitCode() {
      return exitCode;
    },
    flush: () => {
      for (const flush of flushes) flush();
    },
  };
}

/** --log-level counts wherever it stands; commander checks it again and complains about wrong values. */
function levelGiven(args: readonly string[]): LogLevel | undefined {
  const index = args.findIndex((arg) => arg === "--log-level" || arg.startsWith("--log-level="));
  const given = args[index]?.includes("=") === true ? args[index]?.split("=")[1] : args[index + 1];
  return index < 0 ? undefined : logLevels.find((level) => level === given);
}

function abortOnSignals(): AbortController {
  const stop = new AbortController();
  const numbers = { SIGINT: 2, SIGTERM: 15 } as const;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      // The second one means: now.
      if (stop.signal.aborted) endProcess(128 + numbers[name]);
      stop.abort(new Interrupted(name));
    });
  }
  return stop;
}

/** `gatehouse ... | head`: the reader has enough. */
function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(exitCodes.ok);
      throw error;
    });
  }
}
