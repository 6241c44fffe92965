import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { CrashHistory, defaultRestartPolicy, type RestartPolicy } from "./restart-policy.ts";

export interface SupervisorOptions {
  readonly units: readonly Unit[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy?: RestartPolicy;
  /** How long units may take to end after the abort, milliseconds. */
  readonly drainMs?: number;
}

export interface UnitStatus {
  readonly name: string;
  readonly state: "running" | "waiting" | "ended";
  readonly restarts: number;
}

/** A unit crashed too often; the process must end so that init starts it afresh. */
export class GivenUp extends Error {
  readonly unit: string;

  constructor(unit: string, cause: unknown) {
    super(`unit ${unit} crashed too often`, { cause });
    this.name = "GivenUp";
    this.unit = unit;
  }
}

const defaultDrainMs = 30_000;

/** Runs units side by side and restarts those that crash. One abort ends them all. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #states = new Map<string, { state: UnitStatus["state"]; restarts: number }>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    for (const unit of options.units) this.#states.set(unit.name, { state: "ended", restarts: 0 });
  }

  status(): readonly UnitStatus[] {
    return [...this.#states].map(([name, { state, restarts }]) => ({ name, state, restarts }));
  }

  /** Resolves when all units ended after the abort. @throws GivenUp, Error naming the units that did not end in time */
  async run(signal: AbortSignal): Promise<void> {
    const { units, clock, drainMs = defaultDrainMs } = this.#options;
    const stop = new AbortController();
    const abort = () => stop.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    let failure: unknown;
    const running = units.map((unit) =>
      this.#keep(unit, stop.signal).catch((error: unknown) => {
        failure ??= error;
        stop.abort(error);
      }),
    );
    try {
      await new Promise<void>((resolve) => {
        if (stop.signal.aborted || units.length === 0) resolve();
        else stop.signal.addEventListener("abort", () => resolve(), { once: true });
      });
      const drained = new AbortController();
      const late = clock.sleep(drainMs, drained.signal).then(
        () => "late",
        () => "drained",
      );
      const outcome = await Promise.race([Promise.all(running).then(() => "drained"), late]);
      drained.abort(new Error("drained"));
      if (failure !== undefined) throw failure;
      if (outcome === "late") throw new Error(`units did not end within ${drainMs} ms: ${this.#unfinished().join(", ")}`);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #unfinished(): readonly string[] {
    return this.status()
      .filter(({ state }) => state !== "ended")
      .map(({ name }) => name);
  }

  async #keep(unit: Unit, signal: AbortSignal): Promise<void> {
    const { clock, logger, policy = defaultRestartPolicy } = this.#options;
    const state = this.#states.get(unit.name) ?? { state: "ended", restarts: 0 };
    const history = new CrashHistory(policy);
    try {
      while (!signal.aborted) {
        state.state = "running";
        const crash = await this.#runOnce(unit, signal);
        if (signal.aborted) {
          if (crash !== undefined && crash !== signal.reason)
            logger.error({ unit: unit.name, error: describe(crash) }, "unit failed while stopping");
          return;
        }
        const delayMs = history.crashed(clock.monotonicMs());
        logger.error({ unit: unit.name, restarts: state.restarts, error: describe(crash) }, "unit crashed");
        if (delayMs === undefined) throw new GivenUp(unit.name, crash);
        state.state = "waiting";
        state.restarts += 1;
        await clock.sleep(delayMs, signal).catch(() => undefined);
      }
    } finally {
      state.state = "ended";
    }
  }

  async #runOnce(unit: Unit, signal: AbortSignal): Promise<unknown> {
    try {
      await unit.run(signal);
      return signal.aborted ? undefined : new Error("ended although nobody asked it to");
    } catch (error) {
      return error;
    }
  }
}

function describe(crash: unknown): string {
  if (!(crash instanceof Error)) return String(crash);
  return (crash.stack ?? `${crash.name}: ${crash.message}`).slice(0, 4_000);
}
