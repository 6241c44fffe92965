import type { GuestProcess, GuestSpawner } from "#ports/child.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import { attribute, type HostFailure, hangVerdict, type Verdict } from "./failure.ts";
import { HostLink } from "./host-link.ts";
import { hostLimits } from "./host-options.ts";
import type { KnownSecrets } from "./known-secrets.ts";
import type { FromHost, UnitFlow } from "./protocol.ts";
import { type FlowSettings, standardThresholds, type Thresholds } from "./settings.ts";

const maxLogPerS = 20;
const maxLinesPerLife = 100;

/** What the next child shall run. */
export interface StartSet {
  readonly units: readonly UnitFlow[];
  readonly credentials: unknown;
  readonly settings: unknown;
  readonly credentialSecret: string;
  /** What flows remembered, JSON by unit. */
  readonly contexts: Readonly<Record<string, string>>;
  /** Nothing is started; the editor works. */
  readonly safe: boolean;
}

export interface KeeperHandlers {
  startSet(): StartSet;
  onMessage(message: FromHost, link: HostLink): void;
  onEditor(connection: number, bytes: Uint8Array): void;
  /** Flows run. */
  onRunning(types: ReadonlySet<string>): void;
  isUnit(unit: string): boolean;
  /** Unit in a message storm, if there is one. */
  storming(): string | undefined;
  /** Told once per end that nobody ordered. @returns pause before the restart, milliseconds */
  onFailure(failure: HostFailure): number;
  /** The child is gone, for whatever reason. */
  onGone(): void;
}

export interface KeeperParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly spawner: GuestSpawner;
  readonly settings: FlowSettings;
  readonly gateway: string;
  readonly handlers: KeeperHandlers;
  readonly secrets: KnownSecrets;
}

interface Life {
  readonly guest: GuestProcess;
  readonly link: HostLink;
  readonly stop: AbortController;
  /** Set before it is killed. */
  verdict: Verdict | undefined;
  /** A restart that somebody ordered. */
  ordered: boolean;
  pongAtMs: number;
  /** CPU time at that pong. */
  pongCpuMs: number;
  isRunning: boolean;
}

/** Keeps one flow host alive: starts it, asks once a second whether it still is, kills it when not, names who is to blame. Never throws for what a flow did. */
export class HostKeeper {
  readonly #parts: KeeperParts;
  readonly #thresholds: Thresholds;
  #life: Life | undefined;
  #restarts = 0;
  #types: ReadonlySet<string> | undefined;
  #waiters: (() => void)[] = [];
  #state: "starting" | "running" | "waiting" | "stopped" = "stopped";

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#thresholds = { ...standardThresholds, ...parts.settings.thresholds };
  }

  get state(): "starting" | "running" | "waiting" | "stopped" {
    return this.#state;
  }
  get restarts(): number {
    return this.#restarts;
  }
  get pid(): number | undefined {
    return this.#life?.guest.pid;
  }
  get residentBytes(): number | undefined {
    return this.#life?.guest.residentBytes();
  }
  get ceiling(): string {
    return this.#life === undefined ? "none" : `${this.#life.guest.ceiling}${this.#life.guest.ownUser ? ", own user" : ""}`;
  }
  /** Types of the running registry; undefined before the first start. */
  get types(): ReadonlySet<string> | undefined {
    return this.#types;
  }
  /** The pipe to the child; undefined while there is none. */
  get link(): HostLink | undefined {
    return this.#life?.link;
  }

  /** Monotonic time of the last pong of a child whose flows run; before the first: never. */
  get lastPongMs(): number {
    return this.#life?.isRunning === true ? this.#life.pongAtMs : Number.NEGATIVE_INFINITY;
  }

  /** Asks for a pong now, outside of the beat. */
  ping(): void {
    this.#life?.link.send({ t: "ping", n: 0 });
  }

  /** Resolves with the pipe once flows run. @throws the signal's reason */
  async running(signal: AbortSignal): Promise<HostLink> {
    while (this.#life?.isRunning !== true) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return this.#life.link;
  }

  /** Ends the child; the next one starts at once. For quarantine and for `flows.restart`. */
  restart(): void {
    if (this.#life === undefined) return;
    this.#life.ordered = true;
    this.#life.guest.kill("SIGTERM");
    this.#killLater(this.#life);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, handlers, logger } = this.#parts;
    try {
      while (!signal.aborted) {
        const failure = await this.#live(signal);
        if (signal.aborted) break;
        this.#restarts += 1;
        const pauseMs = failure === undefined ? 0 : handlers.onFailure(failure);
        if (failure !== undefined)
          logger.warn({ kind: failure.kind, unit: failure.unit, reason: failure.reason, restartInMs: pauseMs }, "flow host failed");
        this.#state = "waiting";
        // Rejects only with the abort, which the loop's condition sees.
        await clock.sleep(pauseMs, signal).catch(() => undefined);
      }
    } finally {
      this.#state = "stopped";
      this.#wake();
    }
  }

  /** One child, spawn to exit. @returns undefined when the end was ordered */
  async #live(signal: AbortSignal): Promise<HostFailure | undefined> {
    const life = this.#spawn();
    this.#life = life;
    this.#state = "starting";
    const abort = () => this.#stop(life);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    this.#watch(life).catch((error: unknown) => {
      if (!life.stop.signal.aborted) throw error;
    });
    try {
      const { code, signal: killedBy } = await life.guest.exited;
      if (life.ordered && life.verdict === undefined) return undefined;
      const verdict = life.verdict ?? { kind: "exit" as const, detail: `the flow host ended (${killedBy ?? `exit code ${code}`})` };
      if (verdict.isBlameless === true) return { kind: verdict.kind, unit: undefined, reason: verdict.detail };
      const blamed = attribute(verdict.kind, life.guest.readCrumb(), (unit) => this.#parts.handlers.isUnit(unit), verdict.detail);
      return { ...blamed, reason: this.#parts.secrets.taken(blamed.reason), ...(verdict.unit === undefined ? {} : { unit: verdict.unit }) };
    } finally {
      signal.removeEventListener("abort", abort);
      life.stop.abort(new Error("the flow host is gone"));
      life.link.close();
      life.guest.release();
      this.#life = undefined;
      this.#parts.handlers.onGone();
    }
  }

  #spawn(): Life {
    const { spawner, settings, clock, logger, handlers, gateway, secrets } = this.#parts;
    let lines = 0;
    const guest = spawner.spawnGuest("flow-host", [], {
      environment: {},
      limits: hostLimits(settings),
      onLine: (line) => {
        lines += 1;
        if (lines <= maxLinesPerLife) logger.debug({ line: secrets.taken(line.slice(0, 300)) }, "flow host says");
      },
    });
    const stop = new AbortController();
    const link: HostLink = new HostLink({
      pipe: guest.pipe,
      clock,
      handlers: {
        onMessage: (message) => this.#received(life, message),
        taken: (message) => secrets.takenOf(message),
        onEditor: handlers.onEditor,
        onBroken: (error) => {
          if (error !== undefined)
            logger.error(
              { error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
              "a message of the flow host upset the gateway",
            );
          this.#end(life, { kind: "broken", detail: "the flow host broke the rules of its pipe" });
        },
      },
    });
    const life: Life = {
      guest,
      link,
      stop,
      verdict: undefined,
      ordered: false,
      pongAtMs: clock.monotonicMs(),
      pongCpuMs: 0,
      isRunning: false,
    };
    link.send({ t: "start", gateway, maxLogPerS, ...handlers.startSet() });
    return life;
  }

  #received(life: Life, message: FromHost): void {
    const { handlers, clock, logger } = this.#parts;
    if (message.t === "ready") this.#types = new Set(message.types);
    if (message.t === "pong") {
      life.pongAtMs = clock.monotonicMs();
      life.pongCpuMs = life.guest.cpuMs() ?? 0;
    }
    if (message.t === "ready" && !life.isRunning) {
      life.isRunning = true;
      life.pongAtMs = clock.monotonicMs();
      this.#state = "running";
      logger.info({ tookMs: Math.round(message.tookMs), types: message.types.length, ceiling: this.ceiling }, "flow host runs");
      handlers.onRunning(this.#types ?? new Set());
      this.#wake();
    }
    handlers.onMessage(message, life.link);
  }

  /** Pings, memory, storms: until the life ends. */
  async #watch(life: Life): Promise<void> {
    const { clock, settings, handlers } = this.#parts;
    const { pingEveryMs, hangMs, startMs, memoryLookMs } = this.#thresholds;
    const startedMs = clock.monotonicMs();
    let n = 0;
    let pingAtMs = startedMs;
    while (!life.stop.signal.aborted) {
      await clock.sleep(memoryLookMs, life.stop.signal);
      const nowMs = clock.monotonicMs();
      const resident = life.guest.residentBytes() ?? 0;
      if (resident > settings.memoryMiB * 1024 * 1024)
        this.#end(life, {
          kind: "memory",
          detail: `the flow host used ${Math.round(resident / 1_048_576)} MiB, more than ${settings.memoryMiB}`,
        });
      if (nowMs >= pingAtMs) {
        pingAtMs = nowMs + pingEveryMs;
        n += 1;
        life.link.send({ t: "ping", n });
      }
      const silentMs = nowMs - life.pongAtMs;
      if (life.isRunning && silentMs > hangMs) this.#end(life, hangVerdict(silentMs, (life.guest.cpuMs() ?? 0) - life.pongCpuMs));
      if (!life.isRunning && nowMs - startedMs > startMs)
        this.#end(life, { kind: "start", detail: `the flow host did not start within ${startMs / 1000} s` });
      const storm = handlers.storming();
      if (storm !== undefined) this.#end(life, { kind: "storm", detail: "message storm", unit: storm });
    }
  }

  #end(life: Life, verdict: Verdict): void {
    if (life.verdict !== undefined) return;
    life.verdict = verdict;
    // What stands still does not hear SIGTERM.
    life.guest.kill(verdict.kind === "memory" || verdict.isBlameless === true ? "SIGKILL" : "SIGTERM");
    this.#killLater(life);
  }

  #stop(life: Life): void {
    life.ordered = true;
    life.link.send({ t: "stop" });
    this.#killLater(life);
  }

  #killLater(life: Life): void {
    this.#parts.clock.sleep(this.#thresholds.killMs, life.stop.signal).then(
      () => life.guest.kill("SIGKILL"),
      () => undefined,
    );
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
