import { createHash } from "node:crypto";
import { GatewayError } from "#model/errors.ts";
import type { PerceivedSeverity } from "#model/observation.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { Logger } from "#ports/logger.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { PathOutbox } from "./path-outbox.ts";
import { PathSender, type PathStatus } from "./path-sender.ts";
import type { SecondPathTarget } from "./second-path.ts";

/** While something waits; a new notice is looked at when it comes. */
const lookEveryMs = 1_000;
const idleMs = 60_000;

/** Something that a service wants a person to know, once. */
export interface Notice {
  readonly service: string;
  /** Name of a receiver of the configuration, or `webhook` or `mail`: all of that kind. */
  readonly channel: string;
  readonly title: string;
  readonly text: string;
  readonly severity: PerceivedSeverity;
}

export interface NoticesOptions {
  readonly targets: readonly SecondPathTarget[];
  /** Identifies one notice. */
  readonly nextId: () => string;
  readonly state: State;
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}

/**
 * Notices of services to the receivers of the second path: at once, whether the NOC answers or not. The same outbox as for alarms, apart from
 * it: durable, bounded, in order, at least once; `maxPerHour` of a receiver holds for notices and for alarms each, so that a service that talks much
 * never costs an alarm its way.
 */
export class Notices implements Unit {
  readonly name = "notices";
  readonly #options: NoticesOptions;
  readonly #senders: readonly PathSender[];
  #wake: () => void = () => undefined;

  constructor(options: NoticesOptions) {
    this.#options = options;
    const { targets, state, clock, entropy, logger, sink } = options;
    const nowMs = clock.monotonicMs();
    this.#senders = targets.map(({ notifier, maxPerHour }) => {
      const outbox = new PathOutbox({ state, path: notifier.name, minSeverity: "indeterminate", nowMs, isOnce: true });
      return new PathSender({ notifier, outbox, maxPerHour, clock, entropy, logger, sink, because: "a service asked for it" });
    });
  }

  /** What a notice can be sent to besides the NOC. */
  channels(): readonly { readonly name: string; readonly kind: string }[] {
    return this.#options.targets.map(({ notifier: { name, kind } }) => ({ name, kind }));
  }

  /** Queued durably; sent as soon as its receiver takes it. @throws GatewayError command.refused for a channel that is not there */
  send({ service, channel, title, text, severity }: Notice): void {
    const { targets, clock, nextId, logger } = this.#options;
    const chosen = this.#senders.filter((_sender, index) => {
      const notifier = targets[index]?.notifier;
      return notifier?.name === channel || notifier?.kind === channel;
    });
    if (chosen.length === 0) {
      const there = ["noc", ...targets.map(({ notifier }) => notifier.name)].join(", ");
      throw new GatewayError("command.refused", { message: `this gateway has no channel "${channel}" for notices; there are: ${there}` });
    }
    const [at, id] = [clock.now(), nextId()];
    const key = `a1:${createHash("sha256").update(`notice|${service}|${id}`).digest("hex").slice(0, 32)}`;
    for (const sender of chosen) {
      const isTaken = sender.outbox.offer(
        {
          ...{ kind: "alarm", op: "raise", id, key, rev: 1, path: "", type: "serviceNotice", qualifier: service, severity },
          ...{ cleared: false, text: text === "" ? title : `${title}: ${text}`, observedAt: at, raisedAt: at, changes: 1 },
          attributes: { service, src: { kind: "flow", ref: `service:${service}`.slice(0, 128) } },
        },
        clock.monotonicMs(),
      );
      if (!isTaken) logger.warn({ path: sender.name }, "too many notices wait");
      sender.save();
    }
    this.#wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      // Before what is sent: a notice that comes meanwhile must not wait.
      const stop = new AbortController();
      this.#wake = () => stop.abort(new Error("a notice came"));
      await Promise.all(this.#senders.map((sender) => sender.send(() => true, signal)));
      // Rejects with a notice or with the end, which the loop's condition sees.
      const isWaiting = this.#senders.some(({ outbox }) => outbox.waiting.length > 0);
      await clock.sleep(isWaiting ? lookEveryMs : idleMs, AbortSignal.any([signal, stop.signal])).catch(() => undefined);
    }
  }

  status(): readonly PathStatus[] {
    return this.#senders.map((sender) => sender.status());
  }
}
