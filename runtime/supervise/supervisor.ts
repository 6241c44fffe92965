import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { Backoff } from "../concurrency/backoff.ts";
import { CrashHistory, defaultRestartPolicy, type RestartPolicy } from "./restart-policy.ts";

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly restart?: RestartPolicy;
  /** Time the units have to end after the abort, milliseconds. */
  readonly drainMs?: number;
}

/** How a unit is, for `gatehouse status`. */
export interface UnitHealth {
  readonly unit: string;
  /** waiting: crashed, its restart is due soon; stopped: ended after the abort. */
  readonly state: "running" | "waiting" | "stopped";
  readonly restarts: number;
  /** Monotonic milliseconds since the state was entered. */
  readonly sinceMs: number;
  /** Code or name of the last error. */
  readonly lastError?: string;
}

interface Supervised {
  readonly unit: Unit;
  readonly crashes: CrashHistory;
  readonly backoff: Backoff;
  state: UnitHealth["state"];
  sinceMs: number;
  lastError: string | undefined;
}

const defaultDrainMs = 30_000;

/**
 * Keeps units running. A unit that settles or throws before the abort has crashed and is restarted after a pause; five crashes in 60 s,
 * or an error that no retry can mend, end all units and reject `run`, so that the process exits and init starts it afresh.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #units = new Map<string, Supervised>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** One entry per unit, in the order given to `run`. */
  health(): readonly UnitHealth[] {
    const nowMs = this.#options.clock.monotonicMs();
    return [...this.#units.values()].map(({ unit, crashes, state, sinceMs, lastError }) => ({
      unit: unit.name,
      state,
      restarts: crashes.total,
      sinceMs: nowMs - sinceMs,
      ...(lastError === undefined ? {} : { lastError }),
    }));
  }

  /**
   * Runs the units until the signal aborts, then until they ended.
   * @throws the error of the unit that crashed too often or beyond mending
   * @throws Error naming the units that did not end in time; they are left behind
   */
  async run(units: readonly Unit[], signal: AbortSignal): Promise<void> {
    const inner = new AbortController();
    const abort = () => inner.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    let failure: { readonly error: unknown } | undefined;
    const fail = (error: unknown) => {
      failure ??= { error };
      inner.abort(error);
    };
    try {
      const running = units.map((unit) => this.#keep(this.#enter(unit), inner.signal, fail));
      await aborted(inner.signal);
      await this.#drain(Promise.all(running));
    } finally {
      signal.removeEventListener("abort", abort);
    }
    if (failure !== undefined) throw failure.error;
  }

  #enter(unit: Unit): Supervised {
    const policy = this.#options.restart ?? defaultRestartPolicy;
    if (this.#units.has(unit.name)) throw new Error(`two units are named ${unit.name}`);
    const supervised: Supervised = {
      unit,
      crashes: new CrashHistory(policy),
      backoff: new Backoff(policy.backoff, this.#options.entropy),
      state: "running",
      sinceMs: this.#options.clock.monotonicMs(),
      lastError: undefined,
    };
    this.#units.set(unit.name, supervised);
    return supervised;
  }

  async #keep(supervised: Supervised, signal: AbortSignal, fail: (error: unknown) => void): Promise<void> {
    while (!signal.aborted) {
      this.#changeState(supervised, "running");
      const error = await outcomeOf(supervised.unit, signal);
      if (signal.aborted) {
        this.#judgeEnd(supervised, error, signal, fail);
        break;
      }
      const pauseMs = this.#judgeCrash(supervised, error ?? new Error(`unit ${supervised.unit.name} ended by itself`), fail);
      if (pauseMs === undefined) break;
      this.#changeState(supervised, "waiting");
      // Rejects only with the abort, which the loop's condition sees.
      await this.#options.clock.sleep(pauseMs, signal).catch(() => undefined);
    }
    this.#changeState(supervised, "stopped");
  }

  /** @returns milliseconds until the restart, undefined if there is none */
  #judgeCrash(supervised: Supervised, error: unknown, fail: (error: unknown) => void): number | undefined {
    const nowMs = this.#options.clock.monotonicMs();
    const tooOften = supervised.crashes.add(nowMs);
    const beyondMending = isGatewayError(error) && !error.retryable;
    supervised.lastError = nameOf(error);
    if (tooOften || beyondMending) {
      this.#options.logger.error(
        { unit: supervised.unit.name, code: nameOf(error), crashes: supervised.crashes.total },
        "unit is given up",
      );
      fail(error);
      return undefined;
    }
    if (supervised.crashes.hadRecovered(nowMs)) supervised.backoff.reset();
    const pauseMs = supervised.backoff.nextDelayMs();
    const fields = { unit: supervised.unit.name, code: nameOf(error), restartInMs: Math.round(pauseMs), ...detailOf(error) };
    this.#options.logger.error(fields, "unit crashed");
    return pauseMs;
  }

  /** After the abort a unit may end in any way but a bug or a loss. */
  #judgeEnd(supervised: Supervised, error: unknown, signal: AbortSignal, fail: (error: unknown) => void): void {
    if (error === undefined || error === signal.reason || isAbort(error)) return;
    supervised.lastError = nameOf(error);
    this.#options.logger.error({ unit: supervised.unit.name, code: nameOf(error), ...detailOf(error) }, "unit failed while it stopped");
    if (!isGatewayError(error) || !error.retryable) fail(error);
  }

  async #drain(ended: Promise<unknown>): Promise<void> {
    const drainMs = this.#options.drainMs ?? defaultDrainMs;
    const timer = new AbortController();
    const late = this.#options.clock.sleep(drainMs, timer.signal).then(
      () => true,
      () => false,
    );
    const isLate = await Promise.race([ended.then(() => false), late]);
    timer.abort(new Error("drained"));
    if (!isLate) return;
    const hanging = [...this.#units.values()].filter(({ state }) => state !== "stopped").map(({ unit }) => unit.name);
    this.#options.logger.error({ units: hanging.join(","), drainMs }, "units did not stop in time");
    throw new Error(`units that did not stop within ${drainMs} ms: ${hanging.join(", ")}`);
  }

  #changeState(supervised: Supervised, state: UnitHealth["state"]): void {
    if (supervised.state !== state) supervised.sinceMs = this.#options.clock.monotonicMs();
    supervised.state = state;
  }
}

/** How a run ended: undefined, or what it threw. The supervisor is the border where bugs of units end. */
async function outcomeOf(unit: Unit, signal: AbortSignal): Promise<unknown> {
  try {
    await unit.run(signal);
    return undefined;
  } catch (error) {
    return error ?? new Error(`unit ${unit.name} threw nothing`);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function nameOf(error: unknown): string {
  if (isGatewayError(error)) return error.code;
  return error instanceof Error ? error.name : typeof error;
}

/** A bug is shown with its stack; a GatewayError with its sentence. */
function detailOf(error: unknown): { readonly detail?: string } {
  if (isGatewayError(error)) return { detail: error.message };
  return error instanceof Error ? { detail: error.stack ?? error.message } : {};
}
