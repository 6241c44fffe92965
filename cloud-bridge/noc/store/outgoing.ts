import type { JsonObject } from "./rows.ts";

/** What a connector may have to pass on: an entry of the event list, in the order of arrival. */
export interface HappenedRow {
  readonly ref: number;
  readonly gatewayRef: number;
  readonly tenant: string;
  readonly gateway: string;
  /** `alarm.raise`, `alarm.change`, `alarm.clear`, `notify.delivered`. */
  readonly kind: string;
  readonly atMs: number;
  readonly body: JsonObject;
}

/** One message of one connector. */
export interface OutgoingRow {
  readonly ref: number;
  readonly connector: string;
  readonly gatewayRef: number;
  /** CloudEvents id; with the gateway unique per connector, also after it was sent. */
  readonly eventId: string;
  readonly key: string;
  readonly instance: string;
  readonly severity: string;
  readonly state: "waiting" | "sent" | "dead";
  /** When the alarm changed, Unix ms. */
  readonly atMs: number;
  readonly enqueuedMs: number;
  readonly dueMs: number;
  readonly attempts: number;
  /** Why it is dead, or why the last attempt failed. */
  readonly reason: string;
  /** The event as JSON; "" once it was sent. */
  readonly body: string;
}

export type NewOutgoing = Omit<OutgoingRow, "ref" | "state" | "attempts" | "reason">;

export interface ConnectorCounts {
  readonly waiting: number;
  readonly sent: number;
  readonly dead: number;
}

/** Inside one transaction of a connector. */
export interface OutgoingTransaction {
  /** Up to where this connector has looked; a new one begins at the present. */
  position(connector: string): number;
  setPosition(connector: string, ref: number): void;
  /** Greatest ref there is. */
  newest(): number;
  happened(afterRef: number, limit: number): readonly HappenedRow[];
  /** Newest message of an alarm instance, whatever became of it. */
  newestOf(connector: string, gatewayRef: number, instance: string): OutgoingRow | undefined;
  /** False = it is there already. */
  add(row: NewOutgoing): boolean;
  /** Takes back what was never tried. @returns how many */
  withdraw(connector: string, gatewayRef: number, instance: string): number;
  /** The gateway itself has told `path` of this instance. */
  noteTold(gatewayRef: number, instance: string, path: string, atMs: number): void;
  isTold(gatewayRef: number, instance: string, path: string): boolean;
  waiting(connector: string): number;
}

/** Outbox of the NOC's connectors. */
export interface OutgoingStore {
  transaction<T>(work: (transaction: OutgoingTransaction) => T): Promise<T>;
  /** Whether something happened since the position; cheap. */
  hasNews(connector: string): Promise<boolean>;
  /** Oldest message that is due and has no older one of the same alarm waiting before it. */
  next(connector: string, nowMs: number): Promise<OutgoingRow | undefined>;
  sent(ref: number, nowMs: number): Promise<void>;
  retry(ref: number, dueMs: number, reason: string): Promise<void>;
  dead(ref: number, reason: string): Promise<void>;
  /** Dead messages wait again. @returns how many */
  revive(connector: string, nowMs: number): Promise<number>;
  counts(connector: string): Promise<ConnectorCounts>;
  /** Newest first. */
  deadLetters(connector: string, limit: number): Promise<readonly OutgoingRow[]>;
}
