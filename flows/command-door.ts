import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { HostLink } from "./host-link.ts";

const maxOpen = 50;

export interface CommandDoorParts {
  readonly clock: Clock;
  readonly link: () => HostLink | undefined;
}

/** Orders for `command in` nodes, on their way to the child and back. */
export class CommandDoor {
  readonly #parts: CommandDoorParts;
  readonly #open = new Map<number, (outcome: { readonly value: unknown } | { readonly error: string }) => void>();
  #next = 0;

  constructor(parts: CommandDoorParts) {
    this.#parts = parts;
  }

  /** @throws GatewayError flow.unavailable | command.refused */
  async run(service: string, operation: string, args: unknown, timeoutMs: number, signal: AbortSignal): Promise<unknown> {
    const link = this.#parts.link();
    if (link === undefined) throw new GatewayError("flow.unavailable", { message: "the flow host does not run right now" });
    if (this.#open.size >= maxOpen)
      throw new GatewayError("command.refused", { message: `more than ${maxOpen} commands of flows at once` });
    this.#next += 1;
    const n = this.#next;
    const stop = new AbortController();
    const answer = new Promise<{ readonly value: unknown } | { readonly error: string }>((resolve) => this.#open.set(n, resolve));
    this.#parts.clock.sleep(timeoutMs, AbortSignal.any([signal, stop.signal])).then(
      () => this.#settle(n, { error: `the flow did not answer within ${timeoutMs} ms` }),
      () => this.#settle(n, { error: "the command was cut off" }),
    );
    link.send({ t: "command", n, service, operation, arguments: args });
    const outcome = await answer;
    stop.abort(new Error("answered"));
    if ("error" in outcome) throw new GatewayError("command.refused", { message: `${service}: ${outcome.error}` });
    return outcome.value;
  }

  result(n: number, value: unknown, error: string | undefined): void {
    this.#settle(n, error === undefined ? { value } : { error });
  }

  hostGone(): void {
    for (const n of [...this.#open.keys()]) this.#settle(n, { error: "the flow host is gone" });
  }

  #settle(n: number, outcome: { readonly value: unknown } | { readonly error: string }): void {
    const settle = this.#open.get(n);
    this.#open.delete(n);
    settle?.(outcome);
  }
}
