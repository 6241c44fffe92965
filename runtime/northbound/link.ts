import type { StreamId } from "#model/chunk.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Buffer, StreamState } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { FrameEncoder } from "#ports/codec.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import type { InboundMessage, NocMessages, Uplink, UplinkLeaf, UplinkLimits, UplinkSession } from "#ports/uplink.ts";
import { Backoff } from "../concurrency/backoff.ts";
import { Crowd } from "./crowd.ts";
import { Drain } from "./drain.ts";
import { DrainMemory } from "./drain-memory.ts";
import { type LinkStatus, LinkStatusKeeper } from "./link-status.ts";
import { WakeUp } from "./wake-up.ts";
import { PublishWindow } from "./window.ts";

const firstBackoffMs = 1_000;
const defaultMaxBackoffMs = 300_000;
/** A connection that lasted this long was a good one: the next failure starts from the beginning. */
const stableMs = 60_000;
/** So was a shorter one over which the NOC acknowledged something, unless the broker ended it (another client with our identity does). */
const usefulMs = 3_000;
/** How often the way out is looked at while waiting. */
const routeLookMs = 2_000;
const busyCodes: ReadonlySet<number> = new Set([0x89, 0x97, 0x9f]);
/** An older live stream than this becomes backlog when the link returns (PROTOCOL 3.2). */
const splitChunks = 20;
const splitAgeMs = 300_000;

export interface LinkOptions {
  readonly uplink: Uplink;
  readonly buffer: Buffer;
  readonly encoder: Pick<FrameEncoder, "restartStream" | "fullDictionary">;
  readonly messages: NocMessages;
  /** Longest pause between two attempts; 5 min by default. */
  readonly maxBackoffMs?: number;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** Makes the body of `hello` for a new session. */
  readonly hello: (connection: number, limits: UplinkLimits) => Promise<Uint8Array> | Uint8Array;
  /** Takes `des`, `cmd`, `blob`, `edq`; resolves when staged durably, and only then is the message PUBACKed. Absent: they are counted and dropped. */
  readonly onMessage?: (message: InboundMessage) => Promise<void> | void;
  /** A session began: its hello is out. */
  readonly onConnected?: () => void;
  /** The way out in one word (interfaces that are up, their addresses, the default route): while waiting, a change is taken for `routeChanged`. */
  readonly route?: () => string;
  /** `shutdown` by default: what the NOC reads when this process ends. Asked at the end. */
  readonly goodbye?: () => "shutdown" | "reboot" | "update";
}

interface Live {
  readonly session: UplinkSession;
  readonly window: PublishWindow;
  readonly drain: Drain;
  readonly over: AbortController;
}

/** Keeps one connection to the NOC and drains the buffer over it. Knows no MQTT: the uplink is one attempt at a time, the rest is here. */
export class Link implements Unit {
  readonly name = "uplink";
  readonly #options: LinkOptions;
  readonly #memory = new DrainMemory();
  readonly #backoff: Backoff;
  readonly #crowd: Crowd;
  readonly #wait: WakeUp;
  readonly #status: LinkStatusKeeper;
  #live: Live | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    const maxMs = options.maxBackoffMs ?? defaultMaxBackoffMs;
    this.#backoff = new Backoff({ firstMs: firstBackoffMs, maxMs }, options.entropy);
    this.#crowd = new Crowd(options.entropy, maxMs);
    this.#wait = new WakeUp(options.clock);
    this.#status = new LinkStatusKeeper(options.clock, options.logger, this.#memory);
  }

  async run(signal: AbortSignal): Promise<void> {
    const wake = this.#wait.wake;
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!signal.aborted) {
        const floorMs = await this.#attempt(signal);
        if (signal.aborted) break;
        const delayMs = this.#backoff.nextDelayMs(floorMs);
        this.#status.waiting(delayMs);
        await this.#pause(delayMs);
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  async #pause(delayMs: number): Promise<void> {
    const { clock, route } = this.#options;
    const endMs = clock.monotonicMs() + delayMs;
    const before = route?.();
    for (let leftMs = delayMs; leftMs > 0; leftMs = endMs - clock.monotonicMs()) {
      const woken = await this.#wait.sleep(route === undefined ? leftMs : Math.min(leftMs, routeLookMs));
      if (woken) return;
      if (route?.() === before) continue;
      this.#crowd.left();
      this.#backoff.reset();
      return;
    }
  }

  /** The way out changed (another interface, a new lease, a carrier): what failed before says nothing now. */
  routeChanged(): void {
    this.#crowd.left();
    this.#backoff.reset();
    this.#wait.wake();
  }

  status(): LinkStatus {
    return this.#status.read(this.#live);
  }

  /**
   * Publishes one message that is not of the buffer (`rep`, `rsp`, `blobq`, `log`, `eds`) over the present session, waiting for room in the
   * window it shares with the drain. @throws GatewayError uplink.*
   */
  async publish(leaf: UplinkLeaf, payload: Uint8Array, signal: AbortSignal, options: PublishOptions = {}): Promise<void> {
    const live = this.#live;
    if (live === undefined) throw new GatewayError("uplink.lost", { fields: { leaf, reason: "not connected" } });
    const { session, window, over } = live;
    if (leaf === "log" || options.qos === 0) return session.publish(leaf, payload, options);
    const leave = new AbortController();
    const given = () => leave.abort(signal.reason);
    const lost = () => leave.abort(new GatewayError("uplink.lost", { fields: { leaf, reason: "connection closed" } }));
    if (signal.aborted) throw signal.reason;
    signal.addEventListener("abort", given, { once: true });
    over.signal.addEventListener("abort", lost, { once: true });
    try {
      await window.acquire(payload.length, leave.signal);
    } finally {
      signal.removeEventListener("abort", given);
      over.signal.removeEventListener("abort", lost);
    }
    try {
      await session.publish(leaf, payload, options);
    } finally {
      window.give(payload.length);
      live.drain.wake();
    }
  }

  /** One connection from attempt to end. Returns how long to wait at least before the next. */
  async #attempt(signal: AbortSignal): Promise<number> {
    const { uplink, clock } = this.#options;
    this.#status.connecting();
    let session: UplinkSession;
    try {
      session = await uplink.connect((message) => this.#receive(message), signal);
    } catch (error) {
      if (signal.aborted) return 0;
      if (!isGatewayError(error)) throw error;
      this.#status.failed(error);
      return isBusy(error.fields.reasonCode) ? this.#crowd.sentAway() : this.#crowd.failed();
    }
    this.#crowd.left();
    const sinceMs = clock.monotonicMs();
    const { acknowledgedChunks } = this.#memory.counters;
    await this.#serve(session, signal);
    if (signal.aborted) return 0;
    const end = await session.closed;
    this.#status.lost(end);
    const lastedMs = clock.monotonicMs() - sinceMs;
    const useful = lastedMs >= usefulMs && !end.brokerInitiated && this.#memory.counters.acknowledgedChunks > acknowledgedChunks;
    if (useful || lastedMs >= stableMs) this.#backoff.reset();
    if (end.brokerInitiated || isBusy(end.reasonCode)) return this.#crowd.sentAway();
    return this.#crowd.lost(end.byPeer === true && lastedMs >= stableMs);
  }

  async #serve(session: UplinkSession, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    try {
      const live = this.#open(session, over);
      const split = await this.#openBuffer();
      await live.drain.prepare(split);
      const hello = await this.#options.hello(session.connection, session.limits);
      await live.window.acquire(hello.length, signal);
      await session.publish("hello", hello).finally(() => live.window.give(hello.length));
      this.#status.connected(session);
      this.#options.onConnected?.();
      void this.#status.watchSilence(over.signal);
      await live.drain.run(signal);
    } catch (error) {
      if (!signal.aborted && !isGatewayError(error)) throw error;
      if (isGatewayError(error)) this.#status.failed(error);
    } finally {
      this.#live = undefined;
      over.abort(new Error("session over"));
      await session.end(signal.aborted ? (this.#options.goodbye?.() ?? "shutdown") : "drop");
    }
  }

  #open(session: UplinkSession, over: AbortController): Live {
    const { buffer, clock, entropy, logger, encoder } = this.#options;
    const window = new PublishWindow(session.limits.receiveMaximum);
    const drain = new Drain({
      session,
      window,
      buffer,
      clock,
      entropy,
      logger,
      memory: this.#memory,
      onDictionaryNeeded: () => void this.#sendDictionary(),
      onResync: () => encoder.restartStream(),
    });
    void session.closed.then(() => over.abort(new Error("session closed")));
    this.#live = { session, window, drain, over };
    return this.#live;
  }

  /**
   * Seals what is open, so that the newest values travel at once. A long live backlog becomes backfill of its own stream, and a new live
   * stream begins with a key-frame: the three calls stand in one synchronous step, so that no frame encoded in between lands in the new
   * stream without one.
   */
  async #openBuffer(): Promise<{ readonly stream: StreamId; readonly fromSeq: number } | undefined> {
    const { buffer, encoder, clock } = this.#options;
    const { streams } = await buffer.stats();
    const live = streams.find((state) => state.streamClass === "T" && state.open);
    if (live === undefined || !isLong(live, clock.now().wallMs)) {
      await buffer.sealNow();
      return undefined;
    }
    const sealed = buffer.sealNow();
    const split = buffer.splitStream("T");
    encoder.restartStream();
    await Promise.all([sealed, split]);
    const after = (await buffer.stats()).streams.find((state) => state.stream === live.stream);
    const endSeq = after?.nextSeq ?? live.nextSeq;
    return { stream: live.stream, fromSeq: Math.max(live.firstSeq, Math.min(live.nextSeq, endSeq - 1)) };
  }

  async #sendDictionary(): Promise<void> {
    const { buffer, encoder, logger } = this.#options;
    try {
      await buffer.append([encoder.fullDictionary()]);
      await buffer.sealNow();
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      logger.warn({ code: error.code }, "the dictionary could not be appended");
    }
  }

  async #receive(message: InboundMessage): Promise<void> {
    const { messages, onMessage } = this.#options;
    if (message.leaf !== "ack" && message.leaf !== "noc-state") {
      await onMessage?.(message);
      return;
    }
    try {
      if (message.leaf === "ack") this.#live?.drain.acknowledge(messages.parseAck(message.payload));
      else this.#nocState(messages.parseNocState(message.payload).on);
    } catch (error) {
      // The NOC, or somebody in its place, sent what nobody can read. It is counted, and PUBACKed: it would not get better.
      if (!isGatewayError(error)) throw error;
      this.#memory.counters.malformedMessages += 1;
    }
  }

  #nocState(on: boolean): void {
    if (this.#memory.nocOn !== on) this.#options.logger.info({ on }, "the noc announced another state");
    this.#memory.nocOn = on;
    this.#live?.drain.nocAnnounced(on);
  }
}

export interface PublishOptions {
  readonly contentType?: string;
  readonly retain?: boolean;
  readonly qos?: 0 | 1;
}

function isBusy(reasonCode: unknown): boolean {
  return typeof reasonCode === "number" && busyCodes.has(reasonCode);
}

function isLong(live: StreamState, nowMs: number): boolean {
  if (live.nextSeq - live.firstSeq > splitChunks) return true;
  return live.oldestSealedAtMs !== undefined && live.nextSeq > live.firstSeq && nowMs - live.oldestSealedAtMs > splitAgeMs;
}
