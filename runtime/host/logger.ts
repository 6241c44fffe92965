import { destination, type Logger as PinoLogger, pino } from "pino";
import type { Clock } from "#ports/clock.ts";
import type { LogFields, Logger } from "#ports/logger.ts";
import { LineLimiter } from "./log-limit.ts";
import { asText } from "./log-text.ts";

export type LogLevel = "error" | "warn" | "info" | "debug";

export interface LoggerOptions {
  readonly level: LogLevel;
  /** json: one object per line; text: for people. */
  readonly format: "json" | "text";
  /** File descriptor: 1 or 2. */
  readonly descriptor: number;
  /** Whether the text may be coloured. */
  readonly colour?: boolean;
  readonly clock: Clock;
}

/** A root logger whose level can be changed while it runs (`log.level` applies live). */
export interface RootLogger extends Logger {
  setLevel(level: LogLevel): void;
  /** Writes out what is still held; call before the process ends. */
  flush(): void;
}

/** Held in memory while the reader of the pipe is slow; beyond it lines are lost. */
const maxHeldBytes = 1024 * 1024;
const maxTextLength = 2048;
/** Field names whose value is a secret wherever it comes from. A safety net: secrets are not to be logged in the first place. */
const secretName = /pass(word|phrase)?$|community$|secret|token|^auth$|^priv$|(private|auth|priv|api)Key$/i;

/** Logger port on pino: levels, redaction, a limit per sentence. */
export function createLogger(options: LoggerOptions): RootLogger {
  const out = destination({ fd: options.descriptor, sync: false, maxLength: maxHeldBytes });
  // What the reader cannot take is lost; stopping for a slow log would be worse.
  out.on("drop", () => undefined);
  out.on("error", () => undefined);
  const stream = options.format === "json" ? out : { write: (line: string) => void out.write(asText(line, options.colour === true)) };
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date(options.clock.now().wallMs).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: "message",
    },
    stream,
  );
  const limiter = new LineLimiter(() => options.clock.monotonicMs());
  return Object.assign(wrap(root, {}, limiter), {
    setLevel: (level: LogLevel) => {
      root.level = level;
    },
    flush: () => {
      try {
        out.flushSync();
      } catch (error) {
        // The pipe is closed or the stream was never opened: there is nobody to flush to.
        if (!(error instanceof Error)) throw error;
      }
    },
  });
}

function wrap(target: PinoLogger, bound: LogFields, limiter: LineLimiter): Logger {
  const write = (level: LogLevel, fields: LogFields, sentence: string) => {
    if (!target.isLevelEnabled(level)) return;
    const suppressed = limiter.admit(level, sentence);
    if (suppressed === undefined) return;
    const extra = suppressed > 0 ? { suppressedLines: suppressed } : {};
    target[level](presentable({ ...bound, ...fields, ...extra }), sentence);
  };
  return {
    error: (fields, sentence) => write("error", fields, sentence),
    warn: (fields, sentence) => write("warn", fields, sentence),
    info: (fields, sentence) => write("info", fields, sentence),
    debug: (fields, sentence) => write("debug", fields, sentence),
    child: (fields) => wrap(target, { ...bound, ...fields }, limiter),
  };
}

/** Secrets out, long texts cut. Names that pino writes itself are not overwritten by a field. */
export function presentable(fields: LogFields): Record<string, string | number | boolean> {
  const result: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const key = name === "time" || name === "level" || name === "message" ? `${name}Field` : name;
    if (secretName.test(name) && typeof value === "string") result[key] = "[redacted]";
    else result[key] = typeof value === "string" && value.length > maxTextLength ? `${value.slice(0, maxTextLength)}...` : value;
  }
  return result;
}
