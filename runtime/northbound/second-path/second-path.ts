import type { Observation, PerceivedSeverity } from "#model/observation.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import type { Notifier } from "#ports/notifier.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { PathOutbox, type Waiting } from "./path-outbox.ts";
import { PathSender, type PathStatus } from "./path-sender.ts";

export interface SecondPathTarget {
  readonly notifier: Notifier;
  /** Less severe alarms are left to the NOC. */
  readonly minSeverity: PerceivedSeverity;
  readonly maxPerHour: number;
}

export interface SecondPathOptions {
  /** At most 16. */
  readonly targets: readonly SecondPathTarget[];
  /** How long an alarm, or the whole connection, waits for the NOC before the second path is used, milliseconds. */
  readonly holdMs: number;
  /** Whether the NOC answers in this moment. A gateway without an uplink says false. */
  readonly nocAnswers: () => boolean;
  readonly buffer: Pick<Buffer, "stats">;
  readonly state: State;
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}

export interface SecondPathStatus {
  readonly nocAnswers: boolean;
  /** How long the NOC has not answered; 0 = it answers. */
  readonly silentForMs: number;
  readonly paths: readonly PathStatus[];
}

const lookEveryMs = 1_000;
/** An alarm is sealed and on its way by then; earlier an empty stream says nothing about it. */
const sealedAfterMs = 15_000;

/**
 * The way out beside the uplink. An alarm takes it when the NOC has not acknowledged it for `holdMs`, or at once when the NOC has been
 * silent that long; whatever the reason is (line, broker, access list, a NOC that reads and does not answer). What was raised here is
 * cleared here. Everything still goes to the NOC, which finds the same key, id and revision and an event saying who was told.
 */
export class SecondPath implements Unit {
  readonly name = "second-path";
  readonly #options: SecondPathOptions;
  readonly #senders: readonly PathSender[];
  #silentSinceMs: number | undefined;
  #isUsed = false;

  constructor(options: SecondPathOptions) {
    this.#options = options;
    const { state, clock, entropy, logger, sink } = options;
    const nowMs = clock.monotonicMs();
    const because = "by the second path, the noc did not answer";
    this.#silentSinceMs = nowMs;
    this.#senders = options.targets.map(({ notifier, minSeverity, maxPerHour }) => {
      const outbox = new PathOutbox({ state, path: notifier.name, minSeverity, nowMs });
      return new PathSender({ notifier, outbox, maxPerHour, clock, entropy, logger, sink, because });
    });
  }

  /** From now on every alarm that this intake takes is looked at. */
  watches(intake: Pick<Intake, "tap">): this {
    intake.tap((observation) => this.#note(observation));
    return this;
  }

  #note(observation: Observation): void {
    if (observation.kind !== "alarm") return;
    const nowMs = this.#options.clock.monotonicMs();
    for (const { outbox, name } of this.#senders) {
      if (!outbox.offer(observation, nowMs)) this.#options.logger.warn({ path: name }, "too many alarms wait for the second path");
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      this.#look();
      await this.#settle();
      this.#save();
      await Promise.all(this.#senders.map((sender) => sender.send(this.#isDue(sender), signal)));
      await clock.sleep(lookEveryMs, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason;
      });
    }
  }

  status(): SecondPathStatus {
    const nowMs = this.#options.clock.monotonicMs();
    return {
      nocAnswers: this.#silentSinceMs === undefined,
      silentForMs: this.#silentSinceMs === undefined ? 0 : Math.round(nowMs - this.#silentSinceMs),
      paths: this.#senders.map((sender) => sender.status()),
    };
  }

  #look(): void {
    const { clock, nocAnswers, holdMs, logger } = this.#options;
    if (nocAnswers()) this.#silentSinceMs = undefined;
    else this.#silentSinceMs ??= clock.monotonicMs();
    const isUsed = this.#silentSinceMs !== undefined && clock.monotonicMs() - this.#silentSinceMs >= holdMs;
    if (isUsed === this.#isUsed) return;
    this.#isUsed = isUsed;
    if (isUsed) logger.warn({ holdMs }, "the noc does not answer: alarms take the second path");
    else logger.info({}, "the noc answers again: alarms go there alone");
  }

  #isDue(sender: PathSender): (entry: Waiting) => boolean {
    const { clock, holdMs } = this.#options;
    const nowMs = clock.monotonicMs();
    return (entry) => entry.attempted || this.#isUsed || sender.outbox.isTold(entry.change) || nowMs - entry.sinceMs >= holdMs;
  }

  /** What the NOC has not acknowledged in its usual time survives a power cut from now on. */
  #save(): void {
    const lateMs = this.#options.clock.monotonicMs() - 2 * sealedAfterMs;
    for (const sender of this.#senders) {
      const [oldest] = sender.outbox.waiting;
      if (this.#silentSinceMs !== undefined || sender.outbox.owes || (oldest !== undefined && oldest.sinceMs <= lateMs)) sender.save();
    }
  }

  /** Forgets what the NOC has acknowledged before anybody else was told. */
  async #settle(): Promise<void> {
    if (this.#silentSinceMs !== undefined) return;
    const { clock, buffer } = this.#options;
    const lateMs = clock.monotonicMs() - sealedAfterMs;
    const isSettled = (sender: PathSender) => (entry: Waiting) =>
      !entry.attempted && entry.sinceMs <= lateMs && !sender.outbox.isTold(entry.change);
    if (!this.#senders.some((sender) => sender.outbox.waiting.some(isSettled(sender)))) return;
    const { streams } = await buffer.stats();
    const isAllThere = streams.every((stream) => stream.streamClass !== "E" || stream.firstSeq === stream.nextSeq);
    if (!isAllThere) return;
    for (const sender of this.#senders) sender.outbox.forget(sender.outbox.waiting.filter(isSettled(sender)));
  }
}
