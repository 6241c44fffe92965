import type { Command, CommandResult } from "#model/command.ts";
import { GatewayError } from "#model/errors.ts";
import type { Operation } from "#ports/operations.ts";
import type { JournalEntry } from "./journal.ts";
import { isSame } from "./results.ts";

/**
 * What the journal may hold of commands: an operation says what of its arguments may be written down, and the rest is in memory while its
 * command waits or runs. Bounded by the desk's queue and what runs at once.
 */
export class Remembered {
  readonly #operations: () => readonly Operation[];
  readonly #whole = new Map<string, Command>();

  constructor(operations: () => readonly Operation[]) {
    this.#operations = operations;
  }

  /** Of a command that was just taken, for its entry. */
  taken(command: Command): Pick<JournalEntry, "command" | "withheld"> {
    const remembered = this.#command(command);
    return isSame(remembered, command) ? { command } : { command: remembered, withheld: true };
  }

  /** It will run: keeps what its entry does not. */
  hold(command: Command): void {
    if (this.taken(command).withheld === true) this.#whole.set(command.id, command);
  }

  drop(id: string): void {
    this.#whole.delete(id);
  }

  /** @throws GatewayError command.interrupted when what is missing was held by a run of the gateway that is over */
  wholeOf({ command, withheld }: JournalEntry): Command {
    const whole = withheld === true ? this.#whole.get(command.id) : command;
    if (whole !== undefined) return whole;
    const message = "the gateway stopped before the command ran; what it was to write is kept nowhere, so it was not run: order it again";
    throw new GatewayError("command.interrupted", { message });
  }

  /** By what is remembered: two orders under one id that differ in nothing but a secret count as one, and the second never runs. */
  isSame(before: JournalEntry, command: Command): boolean {
    return isSame(this.#command(before.command), this.#command(command));
  }

  /** Without what a version before this one wrote down in clear; the entry itself when there is nothing of it. */
  cleaned(entry: JournalEntry): JournalEntry {
    const command = this.#command(entry.command);
    const result = entry.result === undefined ? undefined : this.result(entry.command, entry.result);
    // Nearly all of them; a full journal is 8 MiB of text.
    if (command === entry.command && result === entry.result) return entry;
    if (isSame(command, entry.command) && JSON.stringify(result) === JSON.stringify(entry.result)) return entry;
    if (entry.phase === "accepted") this.hold(entry.command);
    return { ...entry, command, withheld: true, ...(result === undefined ? {} : { result }) };
  }

  /** For the audit; empty where the operation says no more than its name and equipment. */
  about(command: Command): string {
    return this.#of(command)?.remembered?.about(command.arguments).slice(0, 512) ?? "";
  }

  result(command: Command, result: CommandResult): CommandResult {
    const remembered = this.#of(command)?.remembered;
    if (remembered === undefined || result.output === undefined) return result;
    return { ...result, output: remembered.output(result.output, command.arguments) };
  }

  /** Of an operation that is not known here nobody can tell which argument is a secret: none is remembered. */
  #command(command: Command): Command {
    const operation = this.#of(command);
    if (operation === undefined) return { ...command, arguments: {} };
    return operation.remembered === undefined ? command : { ...command, arguments: operation.remembered.arguments(command.arguments) };
  }

  #of({ operation }: Command): Operation | undefined {
    return this.#operations().find((one) => one.name === operation);
  }
}
