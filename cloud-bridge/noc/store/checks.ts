import type { LatencyCounts } from "#model/latency-histogram.ts";
import type { JsonObject, RollupLevel } from "./rows.ts";

/** The newest result of one check of one gateway. */
export interface CheckRow {
  readonly gatewayRef: number;
  readonly check: string;
  readonly atMs: number;
  readonly ok: boolean;
  /** Since when `ok` has its value, as far as results were sent. */
  readonly sinceMs: number;
  readonly equipment: string;
  readonly type: string;
  readonly target: string;
  readonly vantage: string;
  /** `fail` and `ev` as they came. */
  readonly body: JsonObject;
}

/** What one check's answers took in one bucket: merged from whatever came for it, in any order. */
export interface CheckLatencyRow {
  readonly gatewayRef: number;
  readonly check: string;
  readonly level: RollupLevel;
  readonly bucketMs: number;
  readonly runs: number;
  readonly failures: number;
  readonly latency: LatencyCounts;
}

/** A histogram of a boot whose clock was never set: waits for an anchor. */
export interface UndatedLatency {
  readonly check: string;
  readonly monotonicMs: number;
  readonly body: JsonObject;
}

/** All methods @throws GatewayError noc.store-busy | noc.store */
export interface CheckWrites {
  check(gatewayRef: number, check: string): Promise<CheckRow | undefined>;
  putCheck(row: CheckRow): Promise<void>;
  checkCount(gatewayRef: number): Promise<number>;
  latency(key: Pick<CheckLatencyRow, "gatewayRef" | "check" | "level" | "bucketMs">): Promise<CheckLatencyRow | undefined>;
  putLatency(row: CheckLatencyRow): Promise<void>;
  /** Keeps the newest of them; the bound is the store's. */
  addUndated(gatewayRef: number, bootId: string, undated: UndatedLatency): Promise<void>;
  /** Hands out and forgets. */
  takeUndated(gatewayRef: number, bootId: string): Promise<readonly UndatedLatency[]>;
}

export interface CheckReads {
  /** By name. */
  checks(gatewayRef: number): Promise<readonly CheckRow[]>;
  /** Buckets that begin in [fromMs, toMs), ascending; of one check or, without name, of all. At most `limit`. */
  latencies(query: {
    readonly gatewayRef: number;
    readonly check?: string | undefined;
    readonly level: RollupLevel;
    readonly fromMs: number;
    readonly toMs: number;
    readonly limit: number;
  }): Promise<readonly CheckLatencyRow[]>;
}
