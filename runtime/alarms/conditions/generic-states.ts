import type { TableShape } from "#model/report.ts";
import type { StateCondition, StateMeanings, TableCondition } from "./definition.ts";

/**
 * States whose trouble is judged with more knowledge than the enumeration's (ports, printers, PoE), told by another object as well, or
 * ordinary (a free spare part, an update that waits).
 */
const leftOut: ReadonlySet<string> = new Set([
  "ifOperStatus",
  "ifAdminStatus",
  "dot3StatsDuplexStatus",
  "hrDeviceStatus",
  "hrSWRunStatus",
  "hrPrinterStatus",
  "prtCoverStatus",
  "prtAlertSeverityLevel",
  "prtMarkerSuppliesState",
  "prtInputState",
  "pethPsePortDetectionStatus",
  "dot1dStpPortState",
  "upgradeAvailable",
  "fgVpnTunEntStatus",
  "vmwVmState",
  // Of printers: ordinary, or told better by supplies and by what stops them.
  "lowPaper",
  "lowToner",
  "offline",
  "outputNearFull",
  "inputTrayEmpty",
  "overduePreventMaint",
]);

const made = new Map<string, StateCondition>();

/** One condition for each state metric of the table that has severities and is not judged by name. */
export function genericStates(shape: TableShape, named: readonly TableCondition[], meanings: StateMeanings): readonly StateCondition[] {
  return shape.metrics.flatMap((metric): StateCondition[] => {
    if (metric.kind !== "state" || leftOut.has(metric.name)) return [];
    if (named.some((one) => metricsOf(one).includes(metric.name))) return [];
    const severities = Object.values(meanings(metric.unit.replace(/^enum:/, ""))?.severity ?? {});
    return severities.includes("critical") || severities.includes("warning") ? [conditionFor(metric.name)] : [];
  });
}

function metricsOf(condition: TableCondition): readonly string[] {
  if (condition.kind === "flags") return Object.keys(condition.flags);
  return condition.kind === "state" ? [condition.metric] : [];
}

function conditionFor(metric: string): StateCondition {
  const known = made.get(metric);
  if (known !== undefined) return known;
  const condition: StateCondition = {
    ...{ kind: "state", name: `state.${metric}`, alarm: metric, scope: {}, metric, values: "generic" },
    ...{ text: `${words(metric)} {row}: {state}`, holdMs: 30_000, clearHoldMs: 0 },
  };
  // Metric names come from metric sets and profiles: some thousands at most.
  if (made.size < 10_000) made.set(metric, condition);
  return condition;
}

/** `raidStatus` -> `raid status`. */
function words(metric: string): string {
  return metric.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}
