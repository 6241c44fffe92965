import type { PerceivedSeverity } from "#model/observation.ts";
import type { StateCondition, StateMeanings, TableCondition, ThresholdCondition } from "./definition.ts";

/** Level of a number (0 = good), given the level it has now. NaN never gets here. */
export type Leveller = (value: number, raised: number) => number;

const flagSeverities: readonly PerceivedSeverity[] = ["indeterminate", "warning", "minor", "major", "critical"];
export const flagRank: Readonly<Record<PerceivedSeverity, number>> = { indeterminate: 1, warning: 2, minor: 3, major: 4, critical: 5 };

export function levellerOf(condition: TableCondition, enumeration: string, meanings: StateMeanings): Leveller {
  if (condition.kind === "threshold") return thresholdLeveller(condition);
  if (condition.kind === "state") return stateLeveller(condition, enumeration, meanings);
  return (value) => value;
}

/** Values that are level 0 as long as nothing is raised, told without a call: by a limit, or, of states, one by one. */
export interface QuietValues {
  readonly sign: number;
  /** `sign` times the value is less than this. */
  readonly below: number;
  /** 1 by value; absent where the limit says it. */
  readonly states: Uint8Array | undefined;
}

const commonStates = 64;
/** By what makes them: a condition's own list of values, or the severities of an enumeration. */
const quietStates = new WeakMap<object, QuietValues>();

export function quietOf(condition: TableCondition, level: Leveller, severity: object | undefined): QuietValues {
  // Flags are read as the rank of the worst that is set: 0 = none.
  if (condition.kind === "flags" || condition.kind === "absence") return { sign: 1, below: 1, states: undefined };
  if (condition.kind === "threshold") {
    const sign = condition.side === "above" ? 1 : -1;
    return { sign, below: Math.min(...condition.steps.map(({ at }) => sign * at)), states: undefined };
  }
  const source = condition.values === "generic" ? (severity ?? quietStates) : condition.values;
  const known = quietStates.get(source);
  if (known !== undefined) return known;
  const states = Uint8Array.from({ length: commonStates }, (_, value) => (level(value, 0) === 0 ? 1 : 0));
  const made = { sign: 1, below: Number.NEGATIVE_INFINITY, states };
  quietStates.set(source, made);
  return made;
}

function thresholdLeveller({ steps, side }: ThresholdCondition): Leveller {
  const sign = side === "above" ? 1 : -1;
  return (value, raised) => {
    let level = 0;
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index];
      if (step === undefined) continue;
      // A step that is held is left at its clear value only: hysteresis.
      const limit = index < raised ? step.clear : step.at;
      if (sign * value >= sign * limit) level = index + 1;
    }
    return level;
  };
}

function stateLeveller(condition: StateCondition, enumeration: string, meanings: StateMeanings): Leveller {
  const { values } = condition;
  if (values !== "generic") return (value) => (values[value] === undefined ? 0 : flagRank[values[value]]);
  const severity = meanings(enumeration)?.severity ?? {};
  return (value, raised) => {
    const said = severity[value];
    // What the device does not know is no news, neither good nor bad.
    if (said === "unknown") return raised;
    if (said === "critical") return flagRank.major;
    return said === "warning" ? flagRank.warning : 0;
  };
}

export function severityOf(condition: TableCondition, level: number): PerceivedSeverity | undefined {
  if (level === 0) return undefined;
  if (condition.kind === "threshold") return condition.steps[level - 1]?.severity;
  return flagSeverities[level - 1];
}

export function levelOfSeverity(condition: TableCondition, severity: PerceivedSeverity): number {
  if (condition.kind !== "threshold") return flagRank[severity];
  const index = condition.steps.findLastIndex((step) => step.severity === severity);
  return index < 0 ? condition.steps.length : index + 1;
}
