import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Unit } from "#ports/unit.ts";
import { DueHeap } from "../schedule.ts";
import type { CheckDesk } from "./check-desk.ts";
import type { ScheduledCheck } from "./scheduled-check.ts";

const wakeGrainMs = 10;
const idleMs = 60_000;
/** Histograms are sent this often (PROTOCOL 8.1). */
export const latencyWindowMs = 300_000;

/** Runs every check on its own grid: a slow or dead target holds nothing but its own slots. */
export class CheckSchedule implements Unit {
  readonly name = "checks";
  readonly #desk: CheckDesk;
  readonly #clock: Clock;
  readonly #heap = new DueHeap<ScheduledCheck>();
  readonly #running = new Set<Promise<void>>();
  /** Checks whose run of an earlier slot is on its way. */
  readonly #serving = new Set<ScheduledCheck>();
  #windowEndMs: number;
  #failure: unknown;
  #crashed = new AbortController();

  constructor(desk: CheckDesk, clock: Clock) {
    this.#desk = desk;
    this.#clock = clock;
    this.#windowEndMs = clock.monotonicMs() + latencyWindowMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#crashed = new AbortController();
    this.#failure = undefined;
    const stop = AbortSignal.any([signal, this.#crashed.signal]);
    for (const check of this.#desk.checks) this.#heap.push(check);
    try {
      while (!stop.aborted) await this.#tick(stop);
    } finally {
      // A run cut short by the stop says nothing about its target: it is not recorded.
      await Promise.allSettled(this.#running);
      while (this.#heap.pop() !== undefined);
    }
    if (this.#failure !== undefined) throw this.#failure;
    await this.#desk.sendLatencies();
  }

  async #tick(stop: AbortSignal): Promise<void> {
    const nextMs = Math.min(this.#heap.peek()?.dueMs ?? Number.POSITIVE_INFINITY, this.#windowEndMs);
    const waitMs = Math.min(idleMs, nextMs - this.#clock.monotonicMs());
    if (waitMs > 0) {
      try {
        await this.#clock.sleep(Math.max(waitMs, wakeGrainMs), stop);
      } catch (reason) {
        if (stop.aborted) return;
        throw reason;
      }
    }
    const nowMs = this.#clock.monotonicMs();
    for (let due = this.#heap.peek(); due !== undefined && due.dueMs <= nowMs; due = this.#heap.peek()) {
      this.#heap.pop();
      const plannedAtMs = due.dueMs;
      const passed = due.advance(nowMs);
      this.#heap.push(due);
      this.#launch(due, plannedAtMs, passed, stop);
    }
    if (nowMs < this.#windowEndMs) return;
    this.#windowEndMs = nowMs + latencyWindowMs;
    await this.#desk.sendLatencies();
  }

  #launch(check: ScheduledCheck, plannedAtMs: number, passed: number, signal: AbortSignal): void {
    const task = this.#serve(check, plannedAtMs, passed, signal).catch((error: unknown) => {
      if (signal.aborted) return;
      // A bug in a probe must not go unseen: the unit crashes and the supervisor restarts it.
      this.#failure = error;
      this.#crashed.abort(error);
    });
    this.#running.add(task);
    void task.then(() => this.#running.delete(task));
  }

  async #serve(check: ScheduledCheck, plannedAtMs: number, passed: number, signal: AbortSignal): Promise<void> {
    if (passed > 0 || this.#serving.has(check)) await this.#desk.missed(check, plannedAtMs);
    // Somebody asked for a run of his own just now: it answers for this slot too.
    if (check.running !== undefined) return;
    this.#serving.add(check);
    try {
      await this.#desk.serve(check, plannedAtMs, signal);
    } catch (error) {
      signal.throwIfAborted();
      // It was recorded as not measured, with its reason; anything else a GatewayError says here is the buffer closing.
      if (!isGatewayError(error) || error.code.startsWith("buffer.")) throw error;
    } finally {
      this.#serving.delete(check);
    }
  }
}
