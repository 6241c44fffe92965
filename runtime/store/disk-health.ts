import type { GatewayError } from "#model/errors.ts";
import type { BufferStats } from "#ports/buffer.ts";
import type { Logger } from "#ports/logger.ts";

const retryMs = { first: 1_000, max: 60_000 } as const;

/** Whether the journal can be written, and when to try again if not. Logs the transitions. */
export class DiskHealth {
  state: BufferStats["state"] = "ok";
  /** Monotonic; -Infinity = at any time. */
  retryAtMs = Number.NEGATIVE_INFINITY;
  readonly #log: Logger;
  #delayMs: number = retryMs.first;

  constructor(log: Logger) {
    this.#log = log;
  }

  refused(error: GatewayError, nowMs: number): void {
    const state = stateOf(error);
    if (this.state !== state) this.#log.error({ code: error.code, ...error.fields }, "the buffer cannot be written");
    this.state = state;
    this.retryAtMs = nowMs + this.#delayMs;
    this.#delayMs = Math.min(this.#delayMs * 2, retryMs.max);
  }

  sound(): void {
    if (this.state !== "ok") this.#log.info({}, "the buffer can be written again");
    this.state = "ok";
    this.retryAtMs = Number.NEGATIVE_INFINITY;
    this.#delayMs = retryMs.first;
  }
}

export function stateOf(error: GatewayError): Exclude<BufferStats["state"], "ok"> {
  if (error.code === "buffer.disk-full" || error.code === "buffer.full") return "disk-full";
  return error.code === "buffer.denied" ? "read-only" : "io";
}
