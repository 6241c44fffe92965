import type { SnmpCredential } from "#model/equipment.ts";
import type { GatewayError } from "#model/errors.ts";

/** SMI types by their BER tag (RFC 2578, RFC 3416). */
export type SnmpType =
  | "integer"
  | "octet-string"
  | "null"
  | "oid"
  | "ip-address"
  | "counter32"
  | "gauge32"
  | "timeticks"
  | "opaque"
  | "counter64"
  | "no-such-object"
  | "no-such-instance"
  | "end-of-mib-view";

/**
 * One variable. `value`: integer, gauge32, counter32, timeticks -> number; counter64 -> bigint; octet-string, opaque -> Uint8Array;
 * oid, ip-address -> dotted string; the rest -> undefined.
 */
export interface Varbind {
  readonly oid: string;
  readonly type: SnmpType;
  readonly value: number | bigint | string | Uint8Array | undefined;
}

export interface SnmpTarget {
  readonly address: string;
  readonly port: number;
  readonly credential: SnmpCredential;
  /** Per request; the session learns shorter and longer ones within [250, 10000]. */
  readonly timeoutMs: number;
  readonly retries: number;
}

/** Limits of one walk; reaching one ends it with GatewayError driver.limit after what was read was handed over. */
export interface WalkLimits {
  readonly maxRows: number;
  readonly maxRequests: number;
  /** Monotonic time (`Clock.monotonicMs`) at which the walk ends, as in PollRequest.deadlineMs; not a duration. */
  readonly deadlineMs: number;
}

/** One of several roots that are walked together. */
export interface WalkRoot {
  /** Dotted, without a leading dot, of two arcs or more: a column, or an entry whose columns then follow one another. */
  readonly oid: string;
  /** As in WalkLimits, of this root. */
  readonly maxRows: number;
}

/** Limits of a walk of several roots: of all of it, where WalkLimits are of one root. */
export type WalkTogetherLimits = Omit<WalkLimits, "maxRows">;

/** One row below a root. `value` as in Varbind. */
export interface WalkedCell {
  /** What follows the root's OID, dotted: `3` or `1.3`. */
  readonly index: string;
  readonly value: Varbind["value"];
}

/** What came of one root with one answer. */
export interface WalkedPart {
  /** Place in the list of roots that was asked for. */
  readonly root: number;
  /** The next rows, in strictly increasing order. */
  readonly cells: readonly WalkedCell[];
  /** This root was not walked to its end, as `walk` throws it; the cells are the last ones of it, and good. The other roots go on. */
  readonly failure?: GatewayError;
}

/** One column of a table to be polled. */
export interface ColumnRequest {
  /** Column OID without index, dotted: `1.3.6.1.2.1.2.2.1.10`. */
  readonly oid: string;
  /** How values are wanted; what does not fit is left out (presence 0) and counted, never coerced. */
  readonly as: "counter" | "number" | "text" | "bytes";
}

/**
 * A table (or set of scalars) that is read again and again. `rows` are the instances expected, as learnt by the last
 * full walk; the engine asks for exactly those, notices rows that vanished or appeared, and never overshoots.
 */
export interface TablePlan {
  readonly table: string;
  readonly columns: readonly ColumnRequest[];
  /** Index part of the instance OIDs in lexicographic order: `3` or `1.3`; `["0"]` for scalars. */
  readonly rows: readonly string[];
}

/**
 * Typed columns, row-major by plan.rows. Arrays belong to the engine's plan and are reused by the next read of the same
 * plan: copy what you keep.
 */
export interface TableAnswer {
  readonly columns: readonly TableColumn[];
  /** Rows of the plan that the agent no longer has (no column answered). */
  readonly vanished: number;
  /** The agent answered an instance between or after the planned rows: walk again. */
  readonly changed: boolean;
  readonly requests: number;
  readonly retries: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  /** false: the deadline came first; the columns hold what was there. */
  readonly complete: boolean;
  /** Values left out because they do not fit `as` (wrong type, malformed). */
  readonly unfit?: number;
  /** Columns whose OIDs turned out in this read to go in circles or backwards: they are left out for a while, then tried again. */
  readonly quarantined?: readonly string[];
  /** What was asked for along with the table, and when it came, monotonic; undefined where the agent did not answer exactly that. */
  readonly opening?: { readonly varbinds: readonly Varbind[]; readonly atMs: number } | undefined;
}

export type TableColumn =
  | {
      readonly as: "counter";
      readonly present: Uint8Array;
      readonly value: BigUint64Array /** 32 or 64: decides about wraps */;
      readonly bits: 32 | 64;
      /** The same memory as (low, high) words, where the engine has such a view. The bits are those of unsigned ones. */
      readonly words?: Int32Array;
    }
  | { readonly as: "number"; readonly present: Uint8Array; readonly value: Float64Array }
  | { readonly as: "text"; readonly present: Uint8Array; readonly value: readonly string[] }
  | { readonly as: "bytes"; readonly present: Uint8Array; readonly value: readonly Uint8Array[] };

/** Counted for `gatehouse status`; all since the session was opened. */
export interface SnmpSessionCounters {
  readonly requests: number;
  readonly retries: number;
  readonly timeouts: number;
  readonly lateAnswers: number;
  readonly forgedAnswers: number;
  readonly malformedAnswers: number;
  readonly oidViolations: number;
  readonly reports: number;
  /** Values whose bytes or type did not fit; left out, never coerced. */
  readonly unfitValues?: number;
  /** Times a column was left out for a while because its OIDs went in circles. */
  readonly quarantinedColumns?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  /** What was learnt: repetitions per request, largest answer, smoothed round trip. */
  readonly maxRepetitions: number;
  readonly maxMessageBytes: number;
  readonly roundTripMs: number;
}

/**
 * One SNMP conversation. Calls may overlap; each has its own deadline.
 * @throws GatewayError driver.timeout | driver.auth | driver.bad-answer | driver.refused | driver.limit | driver.unreachable
 */
export interface SnmpSession {
  /** GET; answers in the order asked, missing ones as no-such-*; splits by what the agent can take. */
  get(oids: readonly string[], signal: AbortSignal): Promise<readonly Varbind[]>;
  /** GETNEXT; one answer per OID. */
  getNext(oids: readonly string[], signal: AbortSignal): Promise<readonly Varbind[]>;
  /** All rows below `root` in strictly increasing order, in batches as they come in; GETBULK where possible. */
  walk(root: string, limits: WalkLimits, signal: AbortSignal): AsyncIterable<readonly Varbind[]>;
  /**
   * Several roots in one walk: what `walk` finds of each, for fewer requests. Columns of different lengths, with holes or not there at all are fine.
   * An agent that does not bear it is asked for one root after the other. Optional: without it call `walk` for each. @throws GatewayError
   * driver.unreachable | driver.timeout | driver.auth before anything could be asked; what goes wrong later is a part's `failure`
   */
  walkTogether?(roots: readonly WalkRoot[], limits: WalkTogetherLimits, signal: AbortSignal): AsyncIterable<readonly WalkedPart[]>;
  /**
   * The hot path. `deadlineMs` is a monotonic time (`Clock.monotonicMs`), not a duration. Keep the plan object: what was learnt and the typed
   * arrays hang on its identity, in each session apart: sessions may read the same one. At most one read of a plan at a time.
   * @param opening scalars (`.0` at the end of each; keep the list) to be asked for in the first of its requests; driver.unsupported, and nothing was
   * sent, where that cannot be done
   */
  readTable(plan: TablePlan, deadlineMs: number, signal: AbortSignal, opening?: readonly string[]): Promise<TableAnswer>;
  /**
   * What the last read of this plan answered has been taken over: its arrays may now serve another equipment's read and must not be looked at any
   * more. Optional to call; without it the arrays stay with the plan.
   */
  release?(plan: TablePlan): void;
  /**
   * This session does not read the plan any more: what was learnt of it can go. Optional to call; without it that stays until the session is closed or
   * has read many other plans.
   */
  forget?(plan: TablePlan): void;
  /** SET; one PDU, all or nothing (RFC 3416 4.2.5). */
  set(varbinds: readonly Varbind[], signal: AbortSignal): Promise<readonly Varbind[]>;
  counters(): SnmpSessionCounters;
  /** v3 only: engine of the agent, lower-case hex, and its boots/time as last authenticated. */
  engine():
    | {
        readonly engineId: string;
        readonly boots: number;
        readonly timeS: number /** Times the agent's boots or time went backwards (reset, frozen clock), authenticated. */;
        readonly regressions?: number;
      }
    | undefined;
  close(): void;
}

/** Opens sessions that share sockets and derived keys. */
export interface SnmpEngine {
  open(target: SnmpTarget): SnmpSession;
  /** How datagrams travel: many with one call, each with its own, or none so far. For `gatehouse status`; absent = the engine does not say. */
  datagrams?(): "bunched" | "single" | "none";
  close(): Promise<void>;
}
