import type { PerceivedSeverity } from "#model/observation.ts";
import type { BaselineCondition, Condition, StateCondition, ThresholdCondition } from "./definition.ts";

const minute = 60_000;

/** A self-test runs on battery for some seconds: only what is still so with the next poll is a power failure. */
const onBatteryHoldMs = 20_000;

function state(
  name: string,
  alarm: string,
  metric: string,
  values: Readonly<Record<number, PerceivedSeverity>>,
  words: Pick<StateCondition, "text" | "holdMs"> & Partial<Pick<StateCondition, "repair" | "cause">>,
): StateCondition {
  return { kind: "state", name, alarm, scope: {}, metric, values, clearHoldMs: 0, ...words };
}

const onBattery = {
  text: "the mains failed: the UPS runs on battery",
  cause: "powerProblem",
  repair: "Check fuse and mains",
  holdMs: onBatteryHoldMs,
} as const;
const batteryLow = {
  text: "the battery of the UPS: {state}",
  cause: "powerProblem",
  repair: "Mains must return, or what it feeds goes dark",
  holdMs: 0,
} as const;
const replace = {
  text: "the battery of the UPS must be replaced",
  cause: "equipmentMalfunction",
  repair: "Replace the battery",
  holdMs: 5 * minute,
} as const;

function runtimeLow(name: string, metric: string, unitsPerMinute: number, onlyIf: readonly [string, number]): ThresholdCondition {
  return {
    ...{ kind: "threshold", name, alarm: "upsRuntimeLow", side: "below", clearHoldMs: 0, holdMs: 0 },
    scope: { onlyIf: [{ metric: onlyIf[0], equals: onlyIf[1] }] },
    operand: { is: "value", metric },
    steps: [
      { at: 10 * unitsPerMinute, clear: 12 * unitsPerMinute, severity: "major" },
      { at: 4 * unitsPerMinute, clear: 6 * unitsPerMinute, severity: "critical" },
    ],
    text: `the UPS lasts {value} ${unitsPerMinute === 1 ? "minutes" : "seconds"} more`,
    ...{ cause: "powerProblem", repair: "Shut down what must not be cut off" },
  };
}

function worn(name: string, metric: string, unitsPerMinute: number, full: readonly [string, number]): ThresholdCondition {
  return {
    ...{ kind: "threshold", name, alarm: "upsBatteryWorn", side: "below", clearHoldMs: 0, holdMs: 60 * minute },
    // Full and on mains: what it would last now is what the battery is still good for.
    scope: { onlyIf: [{ metric: full[0], atLeast: full[1] }] },
    operand: { is: "value", metric },
    steps: [{ at: 5 * unitsPerMinute, clear: 7 * unitsPerMinute, severity: "warning" }],
    text: `fully charged, the UPS would last only {value} ${unitsPerMinute === 1 ? "minutes" : "seconds"}`,
    ...{ cause: "equipmentMalfunction", repair: "Replace the battery, or feed less from this UPS" },
  };
}

function fading(name: string, metric: string): BaselineCondition {
  return {
    ...{ kind: "baseline", name, alarm: "upsBatteryFading", scope: {}, operand: { is: "value", metric }, side: "below", percent: 60 },
    ...{ severity: "warning", days: 30, holdMs: 0, clearHoldMs: 0 },
    ...{ text: "the UPS lasts {value} % of what was usual in the last weeks", repair: "The battery ages, or more is fed: test it" },
  };
}

/** UPS: mains, battery, age, load. One alarm type for one thing, whichever MIB tells it. */
export const powerConditions: readonly Condition[] = [
  state("ups-on-battery", "upsOnBattery", "upsOutputSource", { 2: "critical", 5: "major" }, onBattery),
  state("apc-on-battery", "upsOnBattery", "upsBasicOutputStatus", { 3: "major", 7: "critical" }, onBattery),
  state("eaton-on-battery", "upsOnBattery", "xupsOutputSource", { 2: "critical", 5: "major" }, onBattery),
  state("mge-on-battery", "upsOnBattery", "upsmgOutputOnBattery", { 1: "major" }, onBattery),
  state("ups-battery", "upsBatteryLow", "upsBatteryStatus", { 3: "critical", 4: "critical" }, batteryLow),
  state("apc-battery", "upsBatteryLow", "upsBasicBatteryStatus", { 3: "critical", 4: "critical" }, batteryLow),
  state("cyberpower-battery", "upsBatteryLow", "upsBaseBatteryStatus", { 3: "critical", 4: "critical" }, batteryLow),
  state("apc-battery-replace", "upsBatteryReplace", "upsAdvBatteryReplaceIndicator", { 2: "minor" }, replace),
  state("mge-battery-replace", "upsBatteryReplace", "upsmgBatteryReplacement", { 1: "minor" }, replace),
  // The flag string repeats what the objects above say.
  state("apc-flag-battery", "apcFlags", "upsStateOnBattery", {}, onBattery),
  state("apc-flag-low", "apcFlags", "upsStateLowBattery", {}, batteryLow),
  state("apc-flag-replace", "apcFlags", "upsStateReplaceBattery", {}, replace),
  state("apc-flag-abnormal", "apcFlags", "upsStateAbnormal", {}, replace),
  runtimeLow("ups-runtime", "upsEstimatedMinutesRemaining", 1, ["upsOutputSource", 5]),
  runtimeLow("apc-runtime", "upsAdvBatteryRunTimeRemaining", 60, ["upsBasicOutputStatus", 3]),
  runtimeLow("eaton-runtime", "xupsBatTimeRemaining", 60, ["xupsOutputSource", 5]),
  worn("ups-battery-worn", "upsEstimatedMinutesRemaining", 1, ["upsEstimatedChargeRemaining", 95]),
  worn("apc-battery-worn", "upsAdvBatteryRunTimeRemaining", 60, ["upsAdvBatteryCapacity", 95]),
  worn("eaton-battery-worn", "xupsBatTimeRemaining", 60, ["xupsBatCapacity", 95]),
  fading("ups-battery-fading", "upsEstimatedMinutesRemaining"),
  fading("apc-battery-fading", "upsAdvBatteryRunTimeRemaining"),
  fading("eaton-battery-fading", "xupsBatTimeRemaining"),
  ...(
    [
      ["ups-load", "upsOutputPercentLoad"],
      ["apc-load", "upsAdvOutputLoad"],
      ["apc-precise-load", "upsHighPrecOutputLoad"],
      ["eaton-load", "xupsOutputLoad"],
      ["cyberpower-load", "upsAdvanceOutputLoad"],
    ] as const
  ).map(
    ([name, metric]): ThresholdCondition => ({
      ...{ kind: "threshold", name, alarm: "upsOverload", side: "above", clearHoldMs: 0, holdMs: 5 * minute, scope: {} },
      operand: { is: "value", metric },
      steps: [
        { at: 90, clear: 85, severity: "warning" },
        { at: 100, clear: 97, severity: "major" },
      ],
      ...{ text: "the UPS is loaded to {value} %", cause: "powerProblem", repair: "Feed less from this UPS" },
    }),
  ),
];
