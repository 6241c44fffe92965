import type { AlarmChange, PerceivedSeverity } from "#model/observation.ts";
import type { Instant } from "#model/time.ts";
import type { AlarmCondition, AlarmIdentity } from "#ports/alarms.ts";

export const severityRank: Readonly<Record<PerceivedSeverity, number>> = { indeterminate: 0, warning: 1, minor: 2, major: 3, critical: 4 };

const maxPath = 256;
const maxText = 1_024;
const maxQualifier = 128;
const maxAttributeChars = 4_096;
const typePattern = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;

/** One instance, raise to clear, as the list keeps it. */
export interface AlarmInstance {
  readonly key: string;
  readonly id: string;
  readonly identity: AlarmIdentity;
  readonly raisedAt: Instant;
  condition: AlarmCondition;
  rev: number;
  /** Status changes of this instance (RFC 8632). */
  changes: number;
  changedAt: Instant;
  previous: PerceivedSeverity | undefined;
  cleared: boolean;
  /** Key of the alarm this one follows from. */
  root: string | undefined;
  /** Status changes in the last ten minutes while it is held open for flapping; 0 = it is not. */
  flap: number;
  /** Id of the maintenance window it lies in. */
  maint: string | undefined;
  /** Id of the shelf it lies on. */
  shelved: string | undefined;
  /** Whom the verdict blames, when it was last asked. */
  verdict: Readonly<Record<string, unknown>> | undefined;
}

/** What flows and traps hand over is cut to what the list takes; undefined = not usable at all. */
export function bounded(condition: AlarmCondition): AlarmCondition | undefined {
  if (!typePattern.test(condition.type) || severityRank[condition.severity] === undefined) return undefined;
  const { equipment, cause, repair, source, attributes } = condition;
  const kept = attributes === undefined || JSON.stringify(attributes).length <= maxAttributeChars ? attributes : { omitted: "too long" };
  return {
    ...(equipment === undefined ? {} : { equipment }),
    path: condition.path.slice(0, maxPath),
    type: condition.type,
    qualifier: condition.qualifier.slice(0, maxQualifier),
    severity: condition.severity,
    text: condition.text.slice(0, maxText),
    source: {
      kind: source.kind,
      ...(source.ref === undefined ? {} : { ref: source.ref.slice(0, maxQualifier) }),
      ...(source.table === undefined ? {} : { table: source.table.slice(0, maxPath) }),
    },
    ...(cause === undefined ? {} : { cause: cause.slice(0, maxQualifier) }),
    ...(repair === undefined ? {} : { repair: repair.slice(0, maxText) }),
    ...(kept === undefined ? {} : { attributes: kept }),
  };
}

/** The instance as it travels. */
export function changeOf(instance: AlarmInstance, op: AlarmChange["op"], observedAt: Instant): AlarmChange {
  const { identity, condition } = instance;
  return {
    kind: "alarm",
    op,
    id: instance.id,
    key: instance.key,
    rev: instance.rev,
    ...(identity.equipment === undefined ? {} : { equipment: identity.equipment }),
    path: identity.path,
    type: identity.type,
    qualifier: identity.qualifier,
    severity: condition.severity,
    cleared: instance.cleared,
    text: condition.text,
    observedAt,
    raisedAt: instance.raisedAt,
    changes: instance.changes,
    attributes: attributesOf(instance),
  };
}

function attributesOf(instance: AlarmInstance): Readonly<Record<string, unknown>> {
  const { condition, previous, root, flap, maint, shelved, verdict } = instance;
  const { table: _kept, ...src } = condition.source;
  return {
    ...condition.attributes,
    src,
    ...(condition.cause === undefined ? {} : { cause: condition.cause }),
    ...(condition.repair === undefined ? {} : { repair: condition.repair }),
    ...(previous === undefined ? {} : { psev: previous, trend: trendOf(previous, condition.severity) }),
    ...(root === undefined ? {} : { root }),
    ...(flap === 0 ? {} : { flap }),
    ...(maint === undefined ? {} : { maint }),
    ...(shelved === undefined ? {} : { shelved }),
    ...(verdict === undefined ? {} : { verdict }),
  };
}

function trendOf(before: PerceivedSeverity, now: PerceivedSeverity): string {
  const step = severityRank[now] - severityRank[before];
  if (step === 0) return "noChange";
  return step > 0 ? "moreSevere" : "lessSevere";
}

/** Counts for people: no consequence of another alarm, not planned, not put aside. */
export function isIncident(change: AlarmChange): boolean {
  const { root, maint, shelved } = change.attributes;
  return !change.cleared && root === undefined && maint === undefined && shelved === undefined;
}
