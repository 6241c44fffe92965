import type { BytePipe } from "#ports/child.ts";
import type { Clock } from "#ports/clock.ts";
import { editorFrame, FrameReader, messageFrame } from "./frames.ts";
import { parseHostMessage } from "./host-message.ts";
import { type Delivery, deliveryCredit, type FromHost, maxDeliveriesPerFrame, type ToHost, type UnitFlow } from "./protocol.ts";

/** Bytes the child has not taken; beyond it deliveries are dropped and nothing but pings is sent: it hangs, and the watch will end it. */
const maxWaitingBytes = 2 * 1024 * 1024;
/** Deliveries that wait for credit; beyond it the newest are dropped and counted. */
const maxQueuedDeliveries = 4_000;
const deployTimeoutMs = 60_000;

type Deployed = Extract<FromHost, { readonly t: "deployed" }>;

export interface HostLinkHandlers {
  onMessage(message: FromHost): void;
  /** As it may go on: without secrets of technicians. */
  taken(message: FromHost): FromHost;
  onEditor(connection: number, bytes: Uint8Array): void;
  /** The child broke the framing, or something here broke over what it said: it must go. */
  onBroken(error?: unknown): void;
}

/** The telemetry process' end of the pipe to the flow host. Never waits for the child; everything it keeps for it is bounded. */
export class HostLink {
  readonly #pipe: BytePipe;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, (outcome: Deployed | Error) => void>();
  readonly #queue: Delivery[] = [];
  readonly #counts = { deliveries: 0, malformed: 0, frames: 0 };
  #credit = deliveryCredit;
  #next = 0;
  #closed = false;

  constructor(parts: { readonly pipe: BytePipe; readonly clock: Clock; readonly handlers: HostLinkHandlers }) {
    this.#pipe = parts.pipe;
    this.#clock = parts.clock;
    const { handlers } = parts;
    const reader = new FrameReader((frame) => {
      if (frame.kind === "editor") this.#guarded(() => handlers.onEditor(frame.connection, frame.bytes), handlers);
      else this.#received(frame.text, handlers);
    });
    parts.pipe.onData((bytes) => {
      if (!reader.push(bytes)) handlers.onBroken();
    });
    parts.pipe.onClose(() => this.close());
  }

  /** Counted drops, by reason. */
  get dropped(): Readonly<Record<string, number>> {
    return { deliveriesDropped: this.#counts.deliveries, malformedMessages: this.#counts.malformed, framesToFullPipe: this.#counts.frames };
  }

  send(message: ToHost): void {
    if (this.#closed) return;
    if (this.#pipe.bufferedBytes > maxWaitingBytes && message.t !== "ping") {
      this.#counts.frames += 1;
      return;
    }
    this.#pipe.write(messageFrame(JSON.stringify(message)));
  }

  sendEditor(connection: number, bytes: Uint8Array): void {
    if (!this.#closed) this.#pipe.write(editorFrame(connection, bytes));
  }

  /** Resolves with what the child says of the deploy; it is not believed but for what is missing. @throws Error when it is gone or silent */
  async deploy(upsert: readonly UnitFlow[], remove: readonly string[]): Promise<Deployed> {
    this.#next += 1;
    const n = this.#next;
    const stop = new AbortController();
    const outcome = new Promise<Deployed | Error>((resolve) => this.#waiting.set(n, resolve));
    this.#clock.sleep(deployTimeoutMs, stop.signal).then(
      () => this.#settle(n, new Error("the flow host did not answer")),
      () => undefined,
    );
    if (this.#closed) this.#settle(n, new Error("the flow host is gone"));
    this.send({ t: "deploy", n, upsert, remove });
    const settled = await outcome;
    stop.abort(new Error("deployed"));
    if (settled instanceof Error) throw settled;
    return settled;
  }

  /** Non-blocking; what does not fit is dropped and counted. */
  offer(deliveries: readonly Delivery[]): void {
    const room = maxQueuedDeliveries - this.#queue.length;
    this.#queue.push(...deliveries.slice(0, room));
    this.#counts.deliveries += Math.max(0, deliveries.length - room);
  }

  /** Sends what has credit. Called on a beat of 100 ms: batches, not messages. */
  flush(): void {
    while (this.#credit > 0 && this.#queue.length > 0 && !this.#closed) {
      this.#credit -= 1;
      this.send({ t: "deliver", b: this.#queue.splice(0, maxDeliveriesPerFrame) });
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.length = 0;
    for (const n of [...this.#waiting.keys()]) this.#settle(n, new Error("the flow host is gone"));
    this.#pipe.destroy();
  }

  #received(text: string, handlers: HostLinkHandlers): void {
    const parsed = parseHostMessage(text);
    const message = parsed === undefined ? undefined : handlers.taken(parsed);
    if (message === undefined) this.#counts.malformed += 1;
    else if (message.t === "ack") {
      this.#credit = Math.min(deliveryCredit, this.#credit + message.frames);
      this.flush();
    } else {
      if (message.t === "deployed") this.#settle(message.n, message);
      this.#guarded(() => handlers.onMessage(message), handlers);
    }
  }

  /** Whatever the untrusted child manages to upset here costs the child its life, never this process. */
  #guarded(work: () => void, handlers: HostLinkHandlers): void {
    try {
      work();
    } catch (error) {
      handlers.onBroken(error);
    }
  }

  #settle(n: number, outcome: Deployed | Error): void {
    const settle = this.#waiting.get(n);
    this.#waiting.delete(n);
    settle?.(outcome);
  }
}
