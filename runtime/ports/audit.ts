import type { Event } from "#model/observation.ts";

/** Who did what, from where, with which outcome. Values are words for people; never a secret. */
export interface AuditEntry {
  /** `technician:ana`, `noc:ops@acme`, `one-time code`. */
  readonly actor: string;
  /** `console.sign-in`, `command.snmp.set`, `desired.applied`, ... */
  readonly action: string;
  readonly target?: string;
  readonly from?: string;
  readonly outcome: "ok" | "error" | "denied" | "expired" | "rolled-back";
  readonly detail?: string;
}

/** One record of the chain. `hash` = SHA-256 of its line; `prev` = hash of the one before (64 zeros for the first). */
export interface AuditRecord extends AuditEntry {
  readonly n: number;
  /** Unix ms and how far the clock was believed. */
  readonly at: number;
  readonly clock: string;
  readonly boot: string;
  readonly prev: string;
}

/** The gateway's own book of deeds (RELIABILITY 5.8): hash-chained, append-only, with a quota of its own that measurements cannot touch. */
export interface Audit {
  /** Never waits; durable soon. Beyond 1,000 waiting records one record says how many were lost. */
  write(entry: AuditEntry): void;
  /** Newest last. At most `limit`, 1,000 at most. */
  read(limit: number): Promise<readonly AuditRecord[]>;
  /** Checks the whole chain on disk. */
  verify(): Promise<{ readonly records: number; readonly head: string; readonly breaks: readonly string[] }>;
  /** Called with an event for every record: how it reaches the NOC. Returns the removal. */
  onRecord(tap: (event: Event) => void): () => void;
}
