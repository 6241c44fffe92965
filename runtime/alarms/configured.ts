import type { PerceivedSeverity } from "#model/observation.ts";
import type { AlarmMatch, MaintenanceWindow } from "#ports/alarms.ts";
import { defaultConditions } from "./conditions/defaults.ts";
import type { Condition, ConditionScope, Operand, Step } from "./conditions/definition.ts";
import { defaultNotificationRules, type NotificationRule } from "./watch/notification-rules.ts";

/** `alarms` of gatehouse.yaml, after loading. */
export interface AlarmSettings {
  readonly defaults: boolean;
  readonly disable: readonly string[];
  readonly conditions: readonly ConfiguredCondition[];
  readonly maintenance: readonly ConfiguredWindow[];
  readonly rules: readonly ConfiguredRule[];
}

export interface ConfiguredCondition {
  readonly name: string;
  readonly kind: "threshold" | "rate" | "change" | "share" | "state" | "absence" | "forecast" | "baseline";
  readonly metric: string;
  readonly of?: string;
  readonly table?: string;
  readonly equipment?: readonly string[];
  readonly deviceClasses?: readonly string[];
  readonly rows?: readonly string[];
  readonly above?: number;
  readonly below?: number;
  readonly clear?: number;
  readonly severity: PerceivedSeverity;
  readonly states?: Readonly<Record<string, PerceivedSeverity>>;
  readonly holdS: number;
  readonly clearHoldS: number;
  readonly forS: number;
  readonly limit?: number;
  readonly from?: number;
  readonly withinDays?: number;
  readonly percent?: number;
  readonly days: number;
  readonly alarm?: string;
  readonly text?: string;
  readonly repair?: string;
}

export interface ConfiguredWindow {
  readonly name: string;
  readonly equipment?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly days?: readonly string[];
  readonly at?: string;
  readonly minutes?: number;
  readonly reason?: string;
}

export interface ConfiguredRule {
  readonly name: string;
  readonly on: string;
  readonly trapOid?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly app?: string;
  readonly facility?: number;
  readonly maxSeverity?: number;
  readonly contains?: readonly string[];
  readonly action: "raise" | "clear";
  readonly alarm: string;
  readonly path?: string;
  readonly severity?: PerceivedSeverity;
  readonly text?: string;
  readonly repair?: string;
  readonly times: number;
  readonly withinS: number;
  readonly expireS: number;
}

/** Conditions in force: the shipped ones that are not switched off, then the site's own. */
export function conditionsOf(settings: AlarmSettings): readonly Condition[] {
  const shipped = settings.defaults ? defaultConditions.filter(({ name }) => !settings.disable.includes(name)) : [];
  return [...shipped, ...settings.conditions.map(conditionOf)];
}

export function rulesOf(settings: AlarmSettings): readonly NotificationRule[] {
  const shipped = settings.defaults ? defaultNotificationRules.filter(({ name }) => !settings.disable.includes(name)) : [];
  return [...shipped, ...settings.rules.map(ruleOf)];
}

/** Names under `disable` that nothing shipped has. */
export function unknownDisabled({ disable }: AlarmSettings): readonly string[] {
  const known = new Set([...defaultConditions, ...defaultNotificationRules].map(({ name }) => name));
  return disable.filter((name) => !known.has(name) && !name.startsWith("state."));
}

function conditionOf(given: ConfiguredCondition): Condition {
  const { name, kind, metric, table, equipment, deviceClasses, rows } = given;
  const scope: ConditionScope = {
    ...(table === undefined ? {} : { table }),
    ...(equipment === undefined ? {} : { equipment }),
    ...(deviceClasses === undefined ? {} : { deviceClasses }),
    ...(rows === undefined ? {} : { rows }),
  };
  const shared = {
    ...{ name, scope, alarm: given.alarm ?? name, holdMs: given.holdS * 1_000, clearHoldMs: given.clearHoldS * 1_000 },
    ...(given.repair === undefined ? {} : { repair: given.repair }),
  };
  switch (kind) {
    case "state":
      return { ...shared, kind, metric, values: given.states ?? "generic", text: given.text ?? `${metric} {row}: {state}` };
    case "absence":
      return { ...shared, kind, metric, severity: given.severity, forMs: given.forS * 1_000, text: given.text ?? `no data of ${metric}` };
    case "forecast": {
      const operand: Operand = given.of === undefined ? { is: "value", metric } : { is: "share", part: metric, whole: given.of };
      const withinDays = [{ days: given.withinDays ?? 14, severity: given.severity }];
      const text = given.text ?? `${metric} {row} reaches ${given.limit} in {value} days`;
      return { ...shared, kind, operand, limit: given.limit ?? 100, from: given.from ?? 0, withinDays, text };
    }
    case "baseline": {
      const percent = given.percent ?? 100;
      const side = percent < 100 ? "below" : "above";
      const text = given.text ?? `${metric} {row} is at {value} % of what is usual`;
      return { ...shared, kind, operand: { is: "value", metric }, side, percent, severity: given.severity, days: given.days, text };
    }
    default:
      return {
        ...shared,
        kind: "threshold",
        ...limitOf(given),
        operand: operandOf(given),
        text: given.text ?? `${metric} {row} is {value}`,
      };
  }
}

function operandOf({ kind, metric, of: whole }: ConfiguredCondition): Operand {
  if (kind === "rate") return { is: "rate", metrics: [metric] };
  if (kind === "change") return { is: "change", metric, overMs: 300_000 };
  return kind === "share" && whole !== undefined ? { is: "share", part: metric, whole } : { is: "value", metric };
}

function limitOf({ above, below, clear, severity }: ConfiguredCondition): {
  readonly side: "above" | "below";
  readonly steps: readonly Step[];
} {
  const at = above ?? below ?? 0;
  const back = Math.abs(at) * 0.05;
  const side = above === undefined ? "below" : "above";
  return { side, steps: [{ at, clear: clear ?? (side === "above" ? at - back : at + back), severity }] };
}

function ruleOf(given: ConfiguredRule): NotificationRule {
  const { name, on, action, alarm, path, severity, text, repair, times, withinS, expireS, ...match } = given;
  return {
    ...{ name, on, action, alarm, match, times, withinMs: withinS * 1_000, expireMs: expireS * 1_000 },
    ...(path === undefined ? {} : { path }),
    ...(severity === undefined ? {} : { severity }),
    ...(text === undefined ? {} : { text }),
    ...(repair === undefined ? {} : { repair }),
  };
}

const dayMs = 86_400_000;
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** Windows as they fall around a time: yesterday's and today's of the weekly ones. One window for each equipment that is named. */
export function windowsAt(windows: readonly ConfiguredWindow[], nowMs: number): readonly MaintenanceWindow[] {
  return windows.flatMap((window) => {
    const matches: readonly (AlarmMatch | undefined)[] = window.equipment?.map((equipment) => ({ equipment })) ?? [undefined];
    return spansOf(window, nowMs).flatMap(([fromMs, toMs]) =>
      matches.map((match) => ({
        ...{ id: window.name, fromMs, toMs, reason: window.reason ?? window.name, by: "configuration" },
        ...(match === undefined ? {} : { match }),
      })),
    );
  });
}

function spansOf({ from, to, days, at, minutes }: ConfiguredWindow, nowMs: number): readonly (readonly [number, number])[] {
  if (from !== undefined && to !== undefined) return [[Date.parse(from), Date.parse(to)]];
  const [hour, minute] = (at ?? "00:00").split(":").map(Number);
  const today = Math.floor(nowMs / dayMs) * dayMs;
  return [today - dayMs, today].flatMap((day) => {
    const name = weekdays[new Date(day).getUTCDay()] ?? "";
    const fromMs = day + (hour ?? 0) * 3_600_000 + (minute ?? 0) * 60_000;
    return days?.includes(name) === true ? [[fromMs, fromMs + (minutes ?? 0) * 60_000] as const] : [];
  });
}
