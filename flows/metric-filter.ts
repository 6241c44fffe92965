import type { MetricFilter } from "./protocol.ts";

/** Rows of one subscription that are remembered; beyond it values pass without deadband, interval and aggregate, and are counted. */
const maxRows = 4_096;

interface RowState {
  lastSent: number | string | undefined;
  lastSentMs: number;
  windowFromMs: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  last: number;
}

/** What one `metric in` lets pass: change, deadband, minimum interval, aggregate; per row, in the telemetry process. */
export class MetricGate {
  readonly #filter: MetricFilter;
  readonly #rows = new Map<string, RowState>();
  unremembered = 0;

  constructor(filter: MetricFilter) {
    this.#filter = filter;
  }

  /** @returns what to send now, undefined = nothing */
  pass(row: string, value: number | string, nowMs: number): number | string | undefined {
    let state = this.#rows.get(row);
    if (state === undefined) {
      state = { lastSent: undefined, lastSentMs: Number.NEGATIVE_INFINITY, windowFromMs: nowMs, count: 0, sum: 0, min: 0, max: 0, last: 0 };
      if (this.#rows.size < maxRows) this.#rows.set(row, state);
      else this.unremembered += 1;
    }
    const out = typeof value === "number" && this.#filter.aggregate !== "none" ? this.#aggregated(state, value, nowMs) : value;
    if (out === undefined || this.#isHeldBack(state, out, nowMs)) return undefined;
    state.lastSent = out;
    state.lastSentMs = nowMs;
    return out;
  }

  #isHeldBack(state: RowState, value: number | string, nowMs: number): boolean {
    const { send, deadband, minIntervalS } = this.#filter;
    if (nowMs - state.lastSentMs < minIntervalS * 1000) return true;
    if (send !== "change" || state.lastSent === undefined) return false;
    if (typeof value === "number" && typeof state.lastSent === "number") return Math.abs(value - state.lastSent) <= deadband;
    return value === state.lastSent;
  }

  /** The window's figure once it is over; the sample that comes after it opens the next. */
  #aggregated(state: RowState, value: number, nowMs: number): number | undefined {
    const { aggregate, windowS } = this.#filter;
    let out: number | undefined;
    if (state.count > 0 && nowMs - state.windowFromMs >= windowS * 1000) {
      out = { none: state.last, last: state.last, sum: state.sum, min: state.min, max: state.max, avg: state.sum / state.count }[aggregate];
      state.count = 0;
    }
    if (state.count === 0) {
      state.windowFromMs = nowMs;
      state.sum = 0;
      state.min = value;
      state.max = value;
    }
    state.count += 1;
    state.sum += value;
    state.min = Math.min(state.min, value);
    state.max = Math.max(state.max, value);
    state.last = value;
    return out;
  }
}
