import type { HealthRule } from "./generated/template.ts";
import { tabOf } from "./protocol.ts";

const maxUnits = 600;
const maxStatuses = 64;

/** What was noticed of one unit since it was last deployed. */
export interface UnitFacts {
  errors: number;
  lastError: string;
  dropped: number;
  /** Consecutive looks (one a second) at which it had dropped more. */
  stormS: number;
  readonly statuses: Map<string, { readonly fill: string; readonly shape: string; readonly text: string }>;
  readonly reported: Set<string>;
}

/** Counts errors, drops, statuses and reports by unit: the ground of health rules, quarantine and the status page. */
export class UnitTracker {
  readonly #facts = new Map<string, UnitFacts>();
  #droppedBefore: Readonly<Record<string, number>> = {};

  of(unit: string): UnitFacts {
    let facts = this.#facts.get(unit);
    if (facts === undefined) {
      facts = { errors: 0, lastError: "", dropped: 0, stormS: 0, statuses: new Map(), reported: new Set() };
      if (this.#facts.size < maxUnits) this.#facts.set(unit, facts);
    }
    return facts;
  }

  reset(unit: string): void {
    this.#facts.delete(unit);
  }

  /** The child is new: its counters begin at zero. */
  hostRestarted(): void {
    this.#droppedBefore = {};
  }

  error(unit: string, text: string): void {
    const facts = this.of(unit);
    facts.errors += 1;
    facts.lastError = text;
  }

  status(unit: string, node: string, status: { readonly fill: string; readonly shape: string; readonly text: string }): void {
    const { statuses } = this.of(unit);
    if (statuses.size < maxStatuses || statuses.has(node)) statuses.set(node, status);
  }

  reported(unit: string, what: string): void {
    const { reported } = this.of(unit);
    if (reported.size < maxStatuses) reported.add(what);
  }

  /** Totals since the child started, once a second. */
  droppedTotals(totals: Readonly<Record<string, number>>): void {
    for (const unit of new Set([...Object.keys(totals), ...Object.keys(this.#droppedBefore)])) {
      const grown = (totals[unit] ?? 0) - (this.#droppedBefore[unit] ?? 0);
      const facts = this.of(unit);
      facts.dropped += Math.max(0, grown);
      facts.stormS = grown > 0 ? facts.stormS + 1 : 0;
    }
    this.#droppedBefore = totals;
  }

  storming(seconds: number): string | undefined {
    return [...this.#facts].find(([, facts]) => facts.stormS >= seconds)?.[0];
  }
}

/** @returns what breaks the rule now, in words */
export function broken(rule: HealthRule, facts: UnitFacts, unit: string): string | undefined {
  if (facts.errors > rule.maxErrors) return `${facts.errors} errors, the last: ${facts.lastError}`;
  if (facts.dropped > 0) return `message storm: ${facts.dropped} messages above its rate were dropped`;
  for (const { node, forbid } of rule.status) {
    const status = facts.statuses.get(`${tabOf(unit)}__${node}`);
    const isForbidden =
      status !== undefined &&
      (forbid.fill ?? status.fill) === status.fill &&
      (forbid.shape ?? status.shape) === status.shape &&
      status.fill !== "";
    if (isForbidden) return `node ${node} says "${status.text}" (${status.fill} ${status.shape})`;
  }
  return undefined;
}

/** Whether the first report that the rule demands has come. */
export function hasReported(rule: HealthRule, facts: UnitFacts): boolean {
  const demanded = rule.firstReport;
  if (demanded === undefined) return true;
  return demanded.metric === undefined ? facts.reported.size > 0 : facts.reported.has(`metric/${demanded.metric}`);
}
