import { GatewayError } from "#model/errors.ts";
import type { ChildProcess, ChildSpawner } from "#ports/child.ts";
import type { Clock } from "#ports/clock.ts";

const keptLines = 30;
const stopGraceMs = 40_000;

/** One process of the demo: started, watched, stopped in order. Its last lines are kept to explain an unexpected end. */
export class DemoRole {
  readonly name: string;
  readonly lines: string[] = [];
  exit: { readonly code: number | null; readonly signal: string | null } | undefined;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  #onLine: (line: string) => void = () => undefined;
  stopping = false;

  constructor(
    name: string,
    parts: { readonly spawner: ChildSpawner; readonly clock: Clock; readonly environment: Readonly<Record<string, string>> },
    command: readonly [string, ...string[]],
  ) {
    this.name = name;
    this.#clock = parts.clock;
    const [role, ...args] = command;
    this.#child = parts.spawner.spawnRole(role, args, {
      environment: parts.environment,
      onLine: (line) => {
        this.lines.push(line);
        if (this.lines.length > keptLines) this.lines.shift();
        this.#onLine(line);
      },
    });
    void this.#child.exited.then((exit) => {
      this.exit = exit;
    });
  }

  get exited(): Promise<unknown> {
    return this.#child.exited;
  }

  onLine(listener: (line: string) => void): void {
    this.#onLine = listener;
  }

  /** Resolves with the first line that `pick` makes something of. @throws GatewayError host.not-running when the role ends or stays silent for 30 s */
  async announced<T>(pick: (line: string) => T | undefined, signal: AbortSignal): Promise<T> {
    const found = new Promise<T>((resolve) => {
      this.#onLine = (line) => {
        const value = pick(line);
        if (value !== undefined) resolve(value);
      };
      for (const line of this.lines) this.#onLine(line);
    });
    const waiting = new AbortController();
    const end = AbortSignal.any([signal, waiting.signal]);
    const late = this.#clock.sleep(30_000, end).then(
      () => "late" as const,
      () => "stopped" as const,
    );
    const first = await Promise.race([found.then((value) => ({ value })), this.#child.exited.then(() => "ended" as const), late]);
    waiting.abort(new Error("announced"));
    if (typeof first === "object") return first.value;
    signal.throwIfAborted();
    throw new GatewayError("host.not-running", {
      message: `${this.name} ${first === "ended" ? "ended at its start" : "did not become ready within 30 s"}:\n${this.lines.slice(-8).join("\n")}`,
      fields: { role: this.name },
    });
  }

  /** SIGTERM, and SIGKILL for what does not end in 40 s. @returns false if it had to be killed or ended with an error */
  async stop(): Promise<boolean> {
    this.stopping = true;
    if (this.exit === undefined) this.#child.kill("SIGTERM");
    const waiting = new AbortController();
    const late = this.#clock.sleep(stopGraceMs, waiting.signal).catch(() => undefined);
    await Promise.race([this.#child.exited, late]);
    waiting.abort(new Error("ended"));
    if (this.exit === undefined) {
      this.#child.kill("SIGKILL");
      await this.#child.exited;
      return false;
    }
    return this.exit.code === 0;
  }
}
