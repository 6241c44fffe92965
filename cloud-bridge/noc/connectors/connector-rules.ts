import { alarmCloudEvent, cloudEventId } from "../../protocol/webhook/cloud-event.ts";
import type { HappenedRow, OutgoingTransaction } from "../store/outgoing.ts";
import type { JsonObject } from "../store/rows.ts";

/** What one connector passes on. */
export interface ConnectorRules {
  readonly name: string;
  /** Tenants whose alarms it gets; empty = all. */
  readonly tenants: readonly string[];
  readonly minSeverity: string;
  /** What comes and goes within this time is not passed on, milliseconds. */
  readonly holdMs: number;
}

/** What became of one thing that happened. */
export type Outcome = "queued" | "known" | "filtered" | "told" | "loop" | "full";

const severityRank: Readonly<Record<string, number>> = { indeterminate: 0, warning: 1, minor: 2, major: 3, critical: 4 };

/** An alarm that came this much after it happened came out of an outage ... */
const lateMs = 60_000;
/** ... and waits this long for the gateway's word on whom it has told meanwhile. */
const lateHoldMs = 30_000;
/** Waiting per connector; beyond it new alarms are not taken, and counted. */
export const maxWaiting = 100_000;

/** Decides on one entry of the event list; whatever follows from it is written by the same transaction. */
export function passOn(tx: OutgoingTransaction, rules: ConnectorRules, row: HappenedRow, nowMs: number): Outcome {
  if (rules.tenants.length > 0 && !rules.tenants.includes(row.tenant)) return "filtered";
  if (row.kind === "notify.delivered") return noteTold(tx, rules, row);
  const { id, key, rev, sev } = row.body;
  if (typeof id !== "string" || typeof key !== "string" || typeof rev !== "number") return "filtered";
  if (originOf(row.body) === rules.name) return "loop";
  if (tx.isTold(row.gatewayRef, id, rules.name)) return "told";
  const before = tx.newestOf(rules.name, row.gatewayRef, id);
  const severity = typeof sev === "string" ? sev : "indeterminate";
  const isCleared = row.body["clr"] === true;
  if (before === undefined && (isCleared || !isWorth(row.body, severity, rules))) return "filtered";
  if (before !== undefined && !isCleared && before.severity === severity) return "filtered";
  if (isCleared && before !== undefined && row.atMs - before.atMs < rules.holdMs && before.state === "waiting" && before.attempts === 0) {
    if (tx.withdraw(rules.name, row.gatewayRef, id) > 0) return "filtered";
  }
  if (before === undefined && tx.waiting(rules.name) >= maxWaiting) return "full";
  // Whoever hears of it for the first time hears that it was raised.
  const element = before === undefined ? { ...row.body, op: "raise" } : row.body;
  const event = alarmCloudEvent(element, { tenant: row.tenant, gateway: row.gateway, via: "noc", atMs: row.atMs });
  if (event === undefined) return "filtered";
  const isLate = nowMs - row.atMs > lateMs;
  const dueMs = Math.max(before === undefined ? row.atMs + rules.holdMs : 0, nowMs + (isLate ? lateHoldMs : 0));
  const place = { connector: rules.name, gatewayRef: row.gatewayRef, eventId: cloudEventId(id, rev), key, instance: id };
  const isNew = tx.add({ ...place, severity, atMs: row.atMs, enqueuedMs: nowMs, dueMs, body: JSON.stringify(event) });
  return isNew ? "queued" : "known";
}

/** The gateway told the receiver of this name itself: the alarm is its business there until it is cleared. */
function noteTold(tx: OutgoingTransaction, rules: ConnectorRules, row: HappenedRow): Outcome {
  const attributes = objectOf(row.body["attrs"]);
  const { id, path } = attributes;
  if (typeof id !== "string" || path !== rules.name) return "filtered";
  tx.noteTold(row.gatewayRef, id, rules.name, row.atMs);
  tx.withdraw(rules.name, row.gatewayRef, id);
  return "told";
}

function isWorth(body: JsonObject, severity: string, rules: ConnectorRules): boolean {
  const isHidden = (value: unknown) => value !== undefined && value !== null && value !== false && value !== "";
  // What hangs behind another fault, was announced or is shelved makes no ticket.
  if ([body["root"], body["maint"], body["shelved"]].some(isHidden)) return false;
  return (severityRank[severity] ?? 0) >= (severityRank[rules.minSeverity] ?? 0);
}

/** Where a change was made: what came from the other system does not go back to it. */
function originOf(body: JsonObject): unknown {
  return body["origin"] ?? objectOf(body["attrs"])["origin"];
}

function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
