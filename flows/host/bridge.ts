import type { Clock } from "#ports/clock.ts";
import type { Delivery, Filter, Subscription } from "../protocol.ts";
import { unitOf } from "./blame.ts";
import type { Line } from "./line.ts";
import { OrderError } from "./line.ts";
import type { RunningNode } from "./node-red.ts";

const maxSubscriptions = 4_000;
const maxCommands = 500;
/** Subscriptions are told together: a deploy makes many at once. */
const settleMs = 20;

type OnMessage = (msg: Record<string, unknown>) => void;
/** An order that came for a `command in`; the handle goes with the message to `command result`. */
export interface CommandHandle {
  readonly id: number;
}
type OnCommand = (args: unknown, handle: CommandHandle) => void;

/** What palette nodes talk to: `RED.settings.gatehouse`. One per process. */
export class Bridge {
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #subscribers = new Map<string, { readonly subscription: Subscription; readonly onMessage: OnMessage }>();
  readonly #commands = new Map<string, OnCommand>();
  #told = false;

  constructor(line: Line, clock: Clock) {
    this.#line = line;
    this.#clock = clock;
  }

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return this.#clock.now().wallMs;
  }

  /** @returns the end of the subscription */
  subscribe(node: RunningNode, filter: Filter, onMessage: OnMessage): () => void {
    if (this.#subscribers.size >= maxSubscriptions) throw new OrderError("E_LIMIT", `more than ${maxSubscriptions} subscriptions`);
    this.#subscribers.set(node.id, { subscription: { node: node.id, service: unitOf(node), filter }, onMessage });
    this.#tellSoon();
    return () => {
      this.#subscribers.delete(node.id);
      this.#tellSoon();
    };
  }

  /** Asks the telemetry process for something; it decides. @throws OrderError */
  order(node: RunningNode | undefined, operation: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.#line.order(node === undefined ? "editor" : unitOf(node), node?.id ?? "", operation, args);
  }

  onCommand(node: RunningNode, operation: string, onCommand: OnCommand): () => void {
    const key = `${unitOf(node)}/${operation}`;
    if (this.#commands.has(key)) throw new OrderError("E_DUPLICATE", `there is a command "${operation}" in this service already`);
    if (this.#commands.size >= maxCommands) throw new OrderError("E_LIMIT", `more than ${maxCommands} commands`);
    this.#commands.set(key, onCommand);
    return () => void this.#commands.delete(key);
  }

  commandResult(handle: CommandHandle, value: unknown, error?: string): void {
    this.#line.send({ t: "result", n: handle.id, value, ...(error === undefined ? {} : { error }) });
  }

  /** Monotonic milliseconds, for pauses. */
  pauseMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Calls again and again until it is ended. */
  every(ms: number, call: () => void): () => void {
    const stop = new AbortController();
    const beat = async () => {
      while (!stop.signal.aborted) {
        await this.#clock.sleep(ms, stop.signal);
        call();
      }
    };
    // Rejects only with the abort.
    beat().catch(() => undefined);
    return () => stop.abort(new Error("the node is closed"));
  }

  deliver(deliveries: readonly Delivery[]): void {
    for (const { node, msg } of deliveries) this.#subscribers.get(node)?.onMessage({ ...msg });
  }

  command(n: number, service: string, operation: string, args: unknown): void {
    const onCommand = this.#commands.get(`${service}/${operation}`);
    if (onCommand === undefined) this.#line.send({ t: "result", n, error: "no such command" });
    else onCommand(args, { id: n });
  }

  /** `{{payload}}`, `{{labels.ifName}}` of a text; what is not there becomes nothing. */
  render(text: string, msg: Readonly<Record<string, unknown>>): string {
    return text.replaceAll(/\{\{\s*([A-Za-z0-9_.]{1,80})\s*\}\}/g, (_all, path: string) => {
      let value: unknown = msg;
      for (const part of path.split("."))
        value =
          typeof value === "object" && value !== null && Object.hasOwn(value, part) ? (value as Record<string, unknown>)[part] : undefined;
      if (value === undefined || value === null) return "";
      return (typeof value === "object" ? JSON.stringify(value) : String(value)).slice(0, 500);
    });
  }

  #tellSoon(): void {
    if (this.#told) return;
    this.#told = true;
    const tell = () => {
      this.#told = false;
      this.#line.send({ t: "subscribe", list: [...this.#subscribers.values()].map(({ subscription }) => subscription) });
    };
    this.#clock.sleep(settleMs, new AbortController().signal).then(tell, tell);
  }
}
