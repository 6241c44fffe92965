import { isEquipmentId } from "#model/equipment.ts";
import type { Event, PerceivedSeverity } from "#model/observation.ts";
import type { WatchParts } from "./watch-parts.ts";

/** A clock that nobody set for so long will not be set by itself. */
const unsetMs = 1_800_000;
/** Orders of people and the NOC that may interrupt what they are about. */
const orders = /^(command\.|log\.audit)/;

/** Whether one of the passive receivers has its port: `unknown` until it was tried. */
export interface ReceiverState {
  readonly path: (typeof receivers)[number];
  readonly problem: "unknown" | "none" | { readonly text: string; readonly repair: string };
}

const receivers = ["traps", "syslog"] as const;

/** Share of the state's file system that is used, where it is told; cleared a little below, so that it does not flap. */
const diskSteps: readonly (readonly [number, PerceivedSeverity])[] = [
  [0.9, "warning"],
  [0.95, "major"],
  [0.98, "critical"],
];
const diskClearShare = 0.88;
const diskLookMs = 60_000;

/** The gateway's own state: its clock, its disk, and what a storm holds back. */
export class OwnWatch {
  readonly #parts: WatchParts;
  readonly #diskUsed: () => number | undefined;
  readonly #receivers: () => readonly ReceiverState[];
  #unsetSinceMs: number | undefined;
  #diskLookedMs: number | undefined;

  constructor(
    parts: WatchParts,
    own: {
      /** Share of the file system of the state folder that is used, 0 to 1; undefined = not known. */
      readonly diskUsed?: (() => number | undefined) | undefined;
      /** Those that the configuration asks for. */
      readonly receivers?: (() => readonly ReceiverState[]) | undefined;
    } = {},
  ) {
    this.#parts = parts;
    this.#diskUsed = own.diskUsed ?? (() => undefined);
    this.#receivers = own.receivers ?? (() => []);
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
    this.#disk(nowMs);
    this.#storm();
    this.#listeners();
  }

  /** A port that another program has: nothing comes in there, and nobody would miss it. */
  #listeners(): void {
    const { list } = this.#parts;
    const states = this.#receivers();
    for (const path of receivers) {
      const problem = states.find((one) => one.path === path)?.problem ?? "none";
      const identity = { path, type: "receiverDown", qualifier: "" };
      if (problem === "none") list.clear(identity, path === "traps" ? "traps are received" : "syslog messages are received");
      else if (problem !== "unknown")
        list.set({ ...{ ...identity, severity: "major", source: { kind: "gateway", ref: "receivers" } }, ...problem });
    }
  }

  #disk(nowMs: number): void {
    if (this.#diskLookedMs !== undefined && nowMs - this.#diskLookedMs < diskLookMs) return;
    this.#diskLookedMs = nowMs;
    const used = this.#diskUsed();
    if (used === undefined) return;
    const { list } = this.#parts;
    const identity = { path: "disk", type: "diskNearlyFull", qualifier: "" };
    const severity = diskSteps.findLast(([share]) => used >= share)?.[1];
    if (severity === undefined) {
      if (used < diskClearShare) list.clear(identity, "there is room again");
      return;
    }
    list.set({
      ...{ ...identity, severity, source: { kind: "gateway", ref: "disk" } },
      text: `the gateway's file system is ${Math.floor(used * 100)} % full: updates and support bundles wait, and when it is full measurements are kept in memory only`,
      repair: "Free space beside the state folder, or lower buffer.budgetBytes and history.budgetBytes",
    });
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
