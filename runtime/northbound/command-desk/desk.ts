import type { SignedCommand } from "#model/authority.ts";
import type { Command, CommandResult } from "#model/command.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { CommandDesk, Operation } from "#ports/operations.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { withDeadline } from "../../concurrency/deadline.ts";
import { WakeUp } from "../wake-up.ts";
import { ArgumentsCheck } from "./arguments-check.ts";
import { CommandJournal, isExpired, type JournalEntry } from "./journal.ts";
import type { LocalLock } from "./local-lock.ts";
import { Progress } from "./progress.ts";
import { Remembered } from "./remembered.ts";
import type { ResponseSender } from "./response-sender.ts";
import { bounded, commandOf, failed, stackOf } from "./results.ts";

/** Commands that run at once, and that wait. */
const maxRunning = 4;
const maxQueued = 64;
const idleMs = 60_000;

export interface CommandDeskParts {
  readonly state: State;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly lock: LocalLock;
  readonly operations: () => readonly Operation[];
  /** Who is told; undefined while there is no way to the NOC. */
  readonly responses: Pick<ResponseSender, "say" | "result"> | undefined;
  /** Every order and its outcome: who, what, from where. */
  readonly audit: (entry: AuditEntry) => void;
}

export interface AuditEntry {
  readonly id: string;
  readonly operation: string;
  readonly risk: Command["risk"];
  readonly equipment?: string;
  readonly actor: string;
  readonly from: string;
  readonly status: CommandResult["status"];
  readonly code?: string;
  /** What it was done to, where the operation says so. */
  readonly about?: string;
}

/**
 * The one place where orders are carried out, whoever gave them. Owns journal, time to live, idempotence, the local lock and the audit record;
 * the operations only do their work.
 */
export class Desk implements CommandDesk, Unit {
  readonly name = "command-desk";
  readonly journal: CommandJournal;
  readonly #parts: CommandDeskParts;
  readonly #check = new ArgumentsCheck();
  readonly #remembered: Remembered;
  readonly #wakeUp: WakeUp;
  readonly #queue: string[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #waiters = new Map<string, ((result: CommandResult) => void)[]>();

  constructor(parts: CommandDeskParts) {
    this.#parts = parts;
    this.#wakeUp = new WakeUp(parts.clock);
    this.journal = new CommandJournal(parts.state, parts.clock);
    this.#remembered = new Remembered(parts.operations);
  }

  get operations(): readonly Operation[] {
    return this.#parts.operations();
  }

  /** For status. */
  status(): { readonly queued: number; readonly running: number; readonly remembered: number; readonly lock: LocalLock["state"] } {
    return { queued: this.#queue.length, running: this.#running.size, remembered: this.journal.size, lock: this.#parts.lock.state };
  }

  /**
   * A command of the NOC, verified. It is in the journal when this returns, or it was there before.
   * @returns why it may not be taken: `replay` = its id belongs to another command
   */
  receive(signed: SignedCommand): "accepted" | "known" | "replay" | "journal full" | "schema" {
    const command = commandOf(signed);
    if (command === undefined) return "schema";
    const before = this.journal.get(signed.id);
    if (before !== undefined) {
      if (!this.#remembered.isSame(before, command)) return "replay";
      this.#repeat(before);
      return "known";
    }
    if (!this.journal.makeRoom(signed.nonce)) return "journal full";
    const by = { actor: signed.sub ?? "noc", from: "noc" };
    this.#take(command, by, { iat: signed.iat, ttl: signed.ttl, ...(signed.nonce === undefined ? {} : { nonce: signed.nonce }) });
    return "accepted";
  }

  submit(command: Command, by: { readonly actor: string; readonly from: string }, signal: AbortSignal): Promise<CommandResult> {
    const before = this.journal.get(command.id);
    if (before !== undefined && !this.#remembered.isSame(before, command)) {
      return Promise.reject(new GatewayError("command.refused", { message: "this id belongs to another command" }));
    }
    if (before?.result !== undefined) return Promise.resolve(before.result);
    if (before === undefined) {
      if (!this.journal.makeRoom(undefined))
        return Promise.reject(new GatewayError("command.busy", { message: "the journal of commands is full" }));
      const iat = Math.floor(this.#parts.clock.now().wallMs / 1_000);
      this.#take(command, by, { iat, ttl: 120 });
    }
    return this.#outcome(command.id, signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    const wake = this.#wakeUp.wake;
    signal.addEventListener("abort", wake, { once: true });
    this.#recover();
    const crashed = new AbortController();
    let failure: unknown;
    try {
      while (!signal.aborted && !crashed.signal.aborted) {
        const id = this.#running.size < maxRunning ? this.#queue.shift() : undefined;
        if (id === undefined) {
          await this.#wakeUp.sleep(idleMs);
          continue;
        }
        const task = this.#execute(id, signal).catch((error: unknown) => {
          failure = error;
          crashed.abort();
        });
        this.#running.add(task);
        void task.then(() => {
          this.#running.delete(task);
          wake();
        });
      }
    } finally {
      signal.removeEventListener("abort", wake);
      await Promise.allSettled(this.#running);
    }
    if (failure !== undefined) throw failure;
  }

  /** What was accepted before a restart goes on; what was running is not run again. */
  #recover(): void {
    for (const found of this.journal.entries) {
      const entry = this.#remembered.cleaned(found);
      if (entry !== found) this.journal.put(entry);
      const { id } = entry.command;
      if (entry.phase === "accepted" && !this.#queue.includes(id)) this.#queue.push(id);
      if (entry.phase !== "running") continue;
      const error = new GatewayError("command.interrupted", {
        message: "the gateway stopped while the command ran; whether it took effect is not known",
      });
      this.#finish(entry, failed(id, error));
    }
  }

  #take(command: Command, by: JournalEntry["by"], validity: Pick<JournalEntry, "iat" | "ttl" | "nonce">): void {
    const now = this.#parts.clock.now();
    const entry: JournalEntry = {
      ...this.#remembered.taken(command),
      by,
      ...validity,
      bootId: now.bootId,
      acceptedMs: now.monotonicMs,
      acceptedWallMs: now.wallMs,
      phase: "accepted",
    };
    try {
      const operation = this.#allowed(command, by);
      this.#check.checked(operation, command.arguments);
      if (this.#queue.length >= maxQueued) throw new GatewayError("command.busy", { message: `${maxQueued} commands wait already` });
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#finish(entry, failed(command.id, error));
      return;
    }
    this.#remembered.hold(command);
    this.journal.put(entry);
    this.#parts.responses?.say(command.id, { st: "accepted" });
    this.#queue.push(command.id);
    this.#wakeUp.wake();
  }

  /** @throws GatewayError command.refused | command.locked */
  #allowed(command: Command, by: JournalEntry["by"]): Operation {
    const operation = this.operations.find((one) => one.name === command.operation);
    if (operation === undefined) {
      throw new GatewayError("command.refused", {
        message: "this gateway does not know the operation",
        fields: { operation: command.operation },
      });
    }
    // The NOC asks a second person by the risk it believes: an understated one would slip past that.
    if (operation.risk !== command.risk) {
      throw new GatewayError("command.refused", { message: `${operation.name} is ${operation.risk}, not ${command.risk}` });
    }
    if (by.from === "noc" && operation.risk !== "read" && this.#parts.lock.isLocked) {
      const { reason } = this.#parts.lock.state;
      throw new GatewayError("command.locked", {
        message: `the gateway is locked at the site${reason === undefined || reason === "" ? "" : `: ${reason}`}`,
      });
    }
    return operation;
  }

  #repeat(entry: JournalEntry): void {
    const { responses } = this.#parts;
    if (entry.result !== undefined) responses?.result(entry.command.id);
    else responses?.say(entry.command.id, { st: entry.phase === "running" ? "running" : "accepted" });
  }

  #outcome(id: string, signal: AbortSignal): Promise<CommandResult> {
    const known = this.journal.get(id)?.result;
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(id) ?? [];
      waiters.push(resolve);
      this.#waiters.set(id, waiters);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  async #execute(id: string, signal: AbortSignal): Promise<void> {
    const entry = this.journal.get(id);
    if (entry === undefined || entry.phase !== "accepted") return;
    const { clock, logger } = this.#parts;
    if (isExpired(entry, clock.now())) {
      const error = { code: "command.expired", message: "the command waited longer than it was good for", retryable: true };
      this.#finish(entry, { id, status: "expired", error });
      return;
    }
    let result: CommandResult;
    try {
      // Asked again: the lock may have been set while it waited.
      const operation = this.#allowed(entry.command, entry.by);
      const whole = this.#remembered.wholeOf(entry);
      const command = { ...whole, arguments: this.#check.checked(operation, whole.arguments) };
      const running: JournalEntry = { ...entry, phase: "running" };
      this.journal.put(running);
      const progress = new Progress(id, this.#parts.responses);
      progress.begin();
      const output = await withDeadline(
        clock,
        operation.maxDurationMs,
        signal,
        { code: "driver.limit", fields: { operation: operation.name } },
        (stop) => operation.execute(command, progress, stop),
      );
      result = this.#remembered.result(command, { id, status: "ok", ...(output === undefined ? {} : { output: bounded(output) }) });
    } catch (error) {
      // A stop of the gateway: the entry stays `running`, and the next start says that it was interrupted.
      if (signal.aborted && !isGatewayError(error)) return;
      if (!isGatewayError(error)) logger.error({ operation: entry.command.operation, error: stackOf(error) }, "an operation has a bug");
      result = failed(
        id,
        isGatewayError(error)
          ? error
          : new GatewayError("command.refused", { message: "the operation failed with a bug; see the gateway's log" }),
      );
    }
    this.#finish(this.journal.get(id) ?? entry, result);
  }

  #finish(entry: JournalEntry, result: CommandResult): void {
    const { id, operation, risk, equipment } = entry.command;
    this.#remembered.drop(id);
    this.journal.put({ ...entry, phase: "done", result, reported: entry.by.from !== "noc" });
    const code = result.error?.code;
    const about = this.#remembered.about(entry.command);
    this.#parts.audit({
      id,
      operation,
      risk,
      ...entry.by,
      status: result.status,
      ...(equipment === undefined ? {} : { equipment }),
      ...(code === undefined ? {} : { code }),
      ...(about === "" ? {} : { about }),
    });
    if (entry.by.from === "noc") this.#parts.responses?.result(id);
    for (const resolve of this.#waiters.get(id) ?? []) resolve(result);
    this.#waiters.delete(id);
  }

  /** The broker took the final answer. */
  reported(id: string): void {
    const entry = this.journal.get(id);
    if (entry?.phase === "done" && entry.reported !== true) this.journal.put({ ...entry, reported: true });
  }

  unreported(): readonly string[] {
    return this.journal.entries.filter((entry) => entry.phase === "done" && entry.reported !== true).map((entry) => entry.command.id);
  }
}
