import { isEquipmentId } from "#model/equipment.ts";
import type { Event } from "#model/observation.ts";
import type { WatchParts } from "./watch-parts.ts";

/** A clock that nobody set for so long will not be set by itself. */
const unsetMs = 1_800_000;
/** Orders of people and the NOC that may interrupt what they are about. */
const orders = /^(command\.|log\.audit)/;

/** The gateway's own state: its clock, and what a storm holds back. */
export class OwnWatch {
  readonly #parts: WatchParts;
  #unsetSinceMs: number | undefined;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** Whatever was ordered for an equipment explains what it, and what hangs on it, does next. Reads change nothing. */
  observeEvent(event: Event): void {
    if (event.source !== "gateway" || !orders.test(event.type) || event.attributes.risk === "read") return;
    const { facts, topology } = this.#parts;
    const named = event.equipment ?? event.attributes.equipment;
    if (typeof named !== "string" || !isEquipmentId(named)) return;
    const nowMs = event.observedAt.monotonicMs;
    facts.expect(named, nowMs);
    for (const { other } of topology.links(named)) if (other !== undefined) facts.expect(other, nowMs);
  }

  tick(nowMs: number): void {
    this.#clock(nowMs);
    this.#storm();
  }

  #clock(nowMs: number): void {
    const { list, clock } = this.#parts;
    const identity = { path: "clock", type: "clockNotSet", qualifier: "" };
    if (clock.now().quality !== "unanchored") {
      this.#unsetSinceMs = undefined;
      list.clear(identity, "the clock was set");
      return;
    }
    this.#unsetSinceMs ??= nowMs;
    if (nowMs - this.#unsetSinceMs < unsetMs) return;
    list.set({
      ...{ ...identity, severity: "warning", source: { kind: "gateway", ref: "clock" } },
      text: "the gateway's clock is not set: its dates are wrong until it is",
      repair: "Let the gateway reach an NTP server, or connect it to the NOC",
    });
  }

  #storm(): void {
    const { list } = this.#parts;
    const identity = { path: "", type: "alarmStorm", qualifier: "" };
    const { held, lost } = list.storm;
    if (held === 0) {
      list.clear(identity, "no alarm is held back any more");
      return;
    }
    // Critical, so that it gets through what it tells of.
    list.set({
      ...{ ...identity, severity: "critical", source: { kind: "gateway", ref: "storm" } },
      text: `${held} more alarms are held back, since they came all at once${lost > 0 ? `; ${lost} found no room to wait` : ""}`,
    });
  }
}
