import type { Event, Observation } from "#model/observation.ts";
import type { AlarmLog } from "#ports/alarm-log.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import type { AlarmList } from "./alarm-list.ts";
import type { AlarmMemory } from "./alarm-memory.ts";
import { type AlarmInstance, changeOf } from "./instance.ts";

/** Between the first news and its sending: alarms of one fault come together, and the cause is found before anybody is told. */
const settleMs = 250;
const tickEveryMs = 1_000;
const listEveryMs = 1_800_000;
const fullEveryMs = 86_400_000;
/** Keys in one `alarm.list` event: below the 16 KiB of its attributes. */
const keysPerList = 200;
/** Alarms told again that wait for the same sync of the disk. */
const toldAtOnce = 200;

export interface AlarmUnitParts {
  readonly list: AlarmList;
  readonly memory: AlarmMemory;
  readonly log: AlarmLog | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly accept: (observation: Observation) => Promise<void>;
  /** Looks for causes; runs before anything is sent. */
  readonly correlate: () => void;
  /** Whether the NOC is connected; a change from false to true has the list told. */
  readonly isConnected: () => boolean;
  /** Periodic work of who watches: once a second. */
  readonly onTick: (nowMs: number) => void;
}

/** Carries the list's changes to state, log and intake, in this order, and repeats what is active so that a lost clear repairs itself. */
export class AlarmUnit implements Unit {
  readonly name = "alarms";
  readonly #parts: AlarmUnitParts;
  #wake: (() => void) | undefined;
  #connected = false;
  #listedMs = Number.NEGATIVE_INFINITY;
  #fullMs = Number.NEGATIVE_INFINITY;

  constructor(parts: AlarmUnitParts) {
    this.#parts = parts;
  }

  /** There is something to send. */
  readonly pending = (): void => this.#wake?.();

  async run(signal: AbortSignal): Promise<void> {
    const { list, clock, onTick } = this.#parts;
    try {
      while (!signal.aborted) {
        await this.#pause(signal);
        if (signal.aborted) break;
        if (list.outgoing.size > 0) await clock.sleep(settleMs, signal);
        list.tick();
        onTick(clock.monotonicMs());
        await this.flush();
        await this.#reassert();
      }
    } catch (reason) {
      if (!signal.aborted) throw reason;
    }
    await this.flush();
  }

  /** What is pending, durably into the state, then into the intake. */
  async flush(): Promise<void> {
    const { list, memory, log, accept, correlate } = this.#parts;
    if (list.outgoing.size === 0) return;
    correlate();
    const waiting = list.outgoing.take();
    memory.write(new Set(waiting.map(({ instance }) => instance)));
    log?.append(waiting.map(({ change }) => change));
    // Admitted in their order, and then waited for together: one sync of the disk for all of them.
    await Promise.all(
      waiting.map(({ change }) => {
        list.tell(change);
        return accept(change);
      }),
    );
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { clock, list } = this.#parts;
    if (list.outgoing.size > 0) return;
    const waiting = new AbortController();
    const either = AbortSignal.any([signal, waiting.signal]);
    this.#wake = () => waiting.abort(new Error("news"));
    await clock.sleep(tickEveryMs, either).catch(() => undefined);
    this.#wake = undefined;
  }

  async #reassert(): Promise<void> {
    const { clock, isConnected } = this.#parts;
    const nowMs = clock.monotonicMs();
    const connected = isConnected();
    const isNew = connected && !this.#connected;
    this.#connected = connected;
    if (!isNew && (!connected || nowMs - this.#listedMs < listEveryMs)) return;
    this.#listedMs = nowMs;
    if (nowMs - this.#fullMs >= fullEveryMs) {
      this.#fullMs = nowMs;
      await this.#tellAll();
    }
    await this.#tellKeys();
  }

  async #tellAll(): Promise<void> {
    const { list, accept } = this.#parts;
    const instances = [...list.instances.values()];
    for (let from = 0; from < instances.length; from += toldAtOnce) {
      const active = instances.slice(from, from + toldAtOnce).filter(({ cleared }) => !cleared);
      await Promise.all(active.map((one) => accept(changeOf(one, "reassert", one.changedAt))));
    }
  }

  /** The keys of everything active. The NOC closes what is not among them; parts belong together by `list`. */
  async #tellKeys(): Promise<void> {
    const { list, clock, accept } = this.#parts;
    const keys = [...list.instances.values()].map(({ key, rev, condition }: AlarmInstance) => [key, rev, condition.severity]);
    const parts = Math.max(1, Math.ceil(keys.length / keysPerList));
    const observedAt = clock.now();
    for (let part = 0; part < parts; part++) {
      const event: Event = {
        kind: "event",
        type: "alarm.list",
        source: "gateway",
        severity: "indeterminate",
        text: `${keys.length} alarms are active`,
        observedAt,
        attributes: {
          list: `${observedAt.bootId}/${Math.round(observedAt.monotonicMs)}`,
          ...{ part: part + 1, parts, keys: keys.slice(part * keysPerList, (part + 1) * keysPerList) },
        },
      };
      await accept(event);
    }
  }
}
