import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Operation } from "#ports/operations.ts";

/** The log as it is written, to be read along. */
export interface LogSource {
  readonly recent: readonly object[];
  follow(listener: (line: { readonly level: string }) => void): (() => void) | undefined;
}

export interface SiteOperationParts {
  readonly clock: Clock;
  readonly logs?: LogSource | undefined;
  /** Restarts the machine; absent = this gateway may not. */
  readonly reboot?: (() => Promise<void>) | undefined;
}

const levels = ["error", "warn", "info", "debug"] as const;
const maxLines = 2_000;
const linesPerMessage = 50;

/** The log now, the machine anew. */
export function siteOperations(parts: SiteOperationParts): readonly Operation[] {
  return [logsCapture(parts), reboot(parts.reboot)];
}

function logsCapture({ logs, clock }: SiteOperationParts): Operation {
  return {
    name: "logs.capture",
    risk: "read",
    summary: "The newest log lines, and with `seconds` those of the time to come, debug lines included if asked for.",
    argumentsSchema: {
      type: "object",
      additionalProperties: false,
      properties: {
        seconds: { type: "integer", minimum: 0, maximum: 300, default: 0 },
        level: { enum: [...levels], default: "info" },
      },
    },
    maxDurationMs: 310_000,
    async execute(command, progress, signal) {
      if (logs === undefined) throw new GatewayError("driver.unsupported", { message: "this gateway keeps no log to read" });
      const seconds = Number(command.arguments.seconds);
      const least = levels.map(String).indexOf(String(command.arguments.level));
      const isWanted = (line: { readonly level?: string }) => levels.map(String).indexOf(String(line.level)) <= least;
      const before = [...logs.recent].filter(isWanted);
      if (seconds === 0) return { lines: before };
      const lines: object[] = [];
      let fresh: object[] = [];
      const end = logs.follow((line) => {
        if (lines.length >= maxLines || !isWanted(line)) return;
        lines.push(line);
        fresh.push(line);
      });
      if (end === undefined) throw new GatewayError("command.busy", { message: "too many read the log already" });
      try {
        for (let second = 1; second <= seconds; second++) {
          await clock.sleep(1_000, signal);
          if (fresh.length > 0) progress.report({ lines: fresh.slice(0, linesPerMessage) }, (second * 100) / seconds);
          fresh = [];
        }
      } finally {
        end();
      }
      return { before, lines, complete: lines.length < maxLines };
    },
  };
}

function reboot(hook: SiteOperationParts["reboot"]): Operation {
  return {
    name: "gateway.reboot",
    risk: "disruptive",
    summary: "Restart the machine, by the program that the site's file names (authority.rebootCommand).",
    argumentsSchema: { type: "object", additionalProperties: false },
    maxDurationMs: 30_000,
    execute: async () => {
      if (hook === undefined) throw new GatewayError("driver.unsupported", { message: "the site's file names no authority.rebootCommand" });
      await hook();
      return { rebooting: true };
    },
  };
}
