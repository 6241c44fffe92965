import type { CheckFailure, CheckType } from "./check.ts";
import type { EquipmentId } from "./equipment.ts";
import type { LatencyCounts } from "./latency-histogram.ts";
import type { Report } from "./report.ts";
import type { ClockAnchor, Instant } from "./time.ts";

/** Everything that goes through the Intake. CommandResult does not: it lives in the journal of commands. */
export type Observation = Report | AlarmChange | Event | Inventory | CheckResult | CheckLatency | GapRecord | AnchorRecord;

/** RFC 8632 perceived severity. Cleared is a flag of its own, not a severity. */
export type PerceivedSeverity = "indeterminate" | "warning" | "minor" | "major" | "critical";

/** One transition of one alarm instance (PROTOCOL 7.1). `key` is the de-duplication key everywhere. */
export interface AlarmChange {
  readonly kind: "alarm";
  readonly op: "raise" | "change" | "clear" | "reassert";
  /** One instance, raise to clear: ULID. */
  readonly id: string;
  /** `a1:` + 32 hex digits of SHA-256 over gateway|equipment|path|type|qualifier. */
  readonly key: string;
  /** Orders the changes of one instance; the reader keeps the greatest. */
  readonly rev: number;
  readonly equipment?: EquipmentId;
  /** Resource inside the equipment: `interface/Gi1/0/3`; "" = the equipment itself. */
  readonly path: string;
  readonly type: string;
  readonly qualifier: string;
  readonly severity: PerceivedSeverity;
  readonly cleared: boolean;
  readonly text: string;
  readonly observedAt: Instant;
  readonly raisedAt: Instant;
  /** Number of status changes of this instance. */
  readonly changes: number;
  /** Further fields of PROTOCOL 7.1 (cause, repair, thr, root, imp, maint, shelved ...), JSON values only, at most 8 KiB. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Something that happened and has no state: a trap, a syslog line, an inventory change, an audit entry. */
export interface Event {
  readonly kind: "event";
  readonly type: string;
  readonly equipment?: EquipmentId;
  readonly source: "trap" | "syslog" | "poll" | "check" | "flow" | "gateway";
  readonly severity: PerceivedSeverity;
  readonly text: string;
  readonly observedAt: Instant;
  /** JSON values only, at most 16 KiB when serialised. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** What a device is. Sent whole at first and on change. */
export interface Inventory {
  readonly kind: "inventory";
  readonly equipment: EquipmentId;
  readonly observedAt: Instant;
  readonly identity: DeviceIdentity;
  readonly components: readonly InventoryComponent[];
  /** What the values of its state metrics are called, by the name in `unit: "enum:NAME"`: `{ ifOperStatus: { "1": "up" } }`. At most 16 KiB. */
  readonly enumerations?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What differs from the previous inventory; empty on the first. */
  readonly changes: readonly { readonly path: string; readonly before: string; readonly after: string }[];
}

export interface DeviceIdentity {
  readonly vendor?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly firmware?: string;
  readonly hardware?: string;
  readonly osName?: string;
  /** `switch router firewall access-point ups printer nas server camera pdu sensor wireless-bridge unknown` */
  readonly deviceClass: string;
  readonly sysObjectId?: string;
  readonly sysName?: string;
  readonly sysDescr?: string;
  readonly sysLocation?: string;
  readonly sysContact?: string;
  /** Hexadecimal, lower case. */
  readonly engineId?: string;
  readonly macAddress?: string;
  /** Which rules said so, in words: the evidence shown to people. */
  readonly evidence: readonly string[];
}

export interface InventoryComponent {
  readonly kind: "interface" | "entity" | "supply" | "disk" | "volume" | "sensor" | "battery" | "module";
  readonly key: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Result of one run of a synthetic check. */
export interface CheckResult {
  readonly kind: "check";
  readonly check: string;
  readonly equipment?: EquipmentId;
  readonly observedAt: Instant;
  readonly ok: boolean;
  readonly type?: CheckType;
  /** Without user, password, query or fragment. */
  readonly target?: string;
  /** Set when not ok. A check that could not be run at all makes no result: it is neither up nor down. */
  readonly failure?: CheckFailure;
  /** Where it was measured from: interface and source address, `eth0/192.0.2.10`. */
  readonly vantage: string;
  /** JSON values only: phases in milliseconds, loss, certificate facts, error text; at most 16 KiB. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** How long a check's answers took over some minutes; mergeable with others of the same check over any range. */
export interface CheckLatency {
  readonly kind: "check-latency";
  readonly check: string;
  readonly equipment?: EquipmentId;
  /** The end of the range. */
  readonly observedAt: Instant;
  readonly lengthMs: number;
  readonly runs: number;
  readonly failures: number;
  /** Milliseconds. Of echoes one entry per packet, of everything else one per run. */
  readonly latency: LatencyCounts;
}

/** Data that is missing and will not come: the ledger's *dropped*. Sent on stream E as `stream.gap`. */
export interface GapRecord {
  readonly kind: "gap";
  readonly observedAt: Instant;
  /** restart: between the last durable record and the first poll; cap: evicted by budget; poison: refused by the NOC; corrupt: unreadable; overrun: back-pressure. */
  readonly reason: "restart" | "cap" | "poison" | "corrupt" | "overrun" | "disk-full";
  /** Stream and seq range if chunks were lost. */
  readonly stream?: string;
  readonly fromSeq?: number;
  readonly toSeq?: number;
  /** Wall time range the loss covers, Unix ms; absent = unknown. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Samples lost; undefined = not countable (restart). */
  readonly samples?: number;
}

/** A clock anchor on its way to the NOC, which re-stamps that boot's unanchored chunks with it. */
export interface AnchorRecord {
  readonly kind: "anchor";
  readonly observedAt: Instant;
  readonly anchor: ClockAnchor;
}
