import type { Command, CommandResult } from "#model/command.ts";

/** What an operation may say while it runs. At most 64 messages of 16 KiB each reach the NOC; more are counted, not sent. */
export interface OperationProgress {
  /** @param percent 0 to 100, if it is known */
  report(output: unknown, percent?: number): void;
}

/**
 * One thing that the NOC (or a technician with the scope for it) may order: `poll.now`, `snmp.set`, `check.run`. The room that can do it
 * offers it; the command desk owns authority, journal, time-to-live, idempotence, the local lock and the audit record, so that an operation
 * only does its work.
 */
export interface Operation {
  /** `[a-z]+(.[a-z_]+)+`, unique on the gateway. */
  readonly name: string;
  readonly risk: Command["risk"];
  /** One sentence for people. */
  readonly summary: string;
  /** JSON Schema (draft 2020-12) of Command.arguments; the desk checks before it calls. */
  readonly argumentsSchema: Readonly<Record<string, unknown>>;
  /** Longest run in milliseconds; the signal aborts then. */
  readonly maxDurationMs: number;
  /**
   * What of its arguments and its output may be written down and told; absent = everything. The journal of commands, the NOC and whoever ordered at the
   * site get no more than that; `execute` gets everything. Both bear anything and, given their own answer, return the same again.
   */
  readonly remembered?: {
    arguments(args: Command["arguments"]): Command["arguments"];
    output(output: unknown, args: Command["arguments"]): unknown;
    /** For the audit, of remembered arguments: what it was done to, one short line. */
    about(args: Command["arguments"]): string;
  };
  /**
   * JSON values only. A GatewayError becomes a result with status `error`; anything else is a bug and does, too, but is logged as one.
   * @throws GatewayError
   */
  execute(command: Command, progress: OperationProgress, signal: AbortSignal): Promise<CommandResult["output"]>;
}

/** A command that was already authorised is run and its result returned; the same id never runs twice, restarts included. */
export interface CommandDesk {
  readonly operations: readonly Operation[];
  submit(command: Command, by: { readonly actor: string; readonly from: string }, signal: AbortSignal): Promise<CommandResult>;
}
