import type { EquipmentId } from "#model/equipment.ts";
import type { Event, PerceivedSeverity } from "#model/observation.ts";
import type { Instant } from "#model/time.ts";
import { type CounterAnomalies, noAnomalies } from "../counters/counter-column.ts";

/** PollResult.events holds at most this many; more wait for the next polls. */
const maxEventsPerPoll = 16;
const maxWaiting = 256;
const maxRemembered = 1_024;
const nothing: readonly Event[] = Object.freeze([]);

/** Events of one equipment on their way into poll results, and counts of what was not believed. Bounded. */
export class Notices {
  readonly anomalies: CounterAnomalies = noAnomalies();
  readonly #equipment: EquipmentId;
  #waiting = nothing;
  /** Made with the first thing that is said once: most equipment gives no reason to. */
  #said: Set<string> | undefined;
  /** Events lost because more than maxWaiting waited. */
  dropped = 0;

  constructor(equipment: EquipmentId) {
    this.#equipment = equipment;
  }

  add(event: {
    readonly type: string;
    readonly severity: PerceivedSeverity;
    readonly text: string;
    readonly observedAt: Instant;
    readonly attributes: Event["attributes"];
  }): void {
    if (this.#waiting.length >= maxWaiting) this.dropped += 1;
    else this.#waiting = [...this.#waiting, { kind: "event", equipment: this.#equipment, source: "poll", ...event }];
  }

  /** Says a thing once in this session's life; `key` tells things apart. */
  once(key: string, event: Parameters<Notices["add"]>[0]): void {
    this.#said ??= new Set();
    if (this.#said.has(key) || this.#said.size >= maxRemembered) return;
    this.#said.add(key);
    this.add(event);
  }

  /** A thing said once may be said again (it was put right). */
  forget(key: string): void {
    this.#said?.delete(key);
  }

  take(): readonly Event[] {
    if (this.#waiting.length === 0) return nothing;
    const taken = this.#waiting.slice(0, maxEventsPerPoll);
    this.#waiting = this.#waiting.length > maxEventsPerPoll ? this.#waiting.slice(maxEventsPerPoll) : nothing;
    return taken;
  }
}
