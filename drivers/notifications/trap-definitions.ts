import type { PerceivedSeverity } from "#model/observation.ts";

/** One variable that a trap carries: matched by the OID's beginning, so that instances need not be listed. */
export interface TrapVariable {
  readonly name: string;
  /** Column or scalar; with or without instance. */
  readonly oid: string;
  /** Name in the event's tags; absent = `name`. */
  readonly tag?: string;
  /** Number -> text. */
  readonly enumeration?: ReadonlyMap<number, string>;
}

export interface TrapDefinition {
  readonly oid: string;
  readonly name: string;
  readonly severity: PerceivedSeverity;
  /** Variables that are not listed are left out of the event. */
  readonly dropUndefined: boolean;
  readonly variables: readonly TrapVariable[];
  /** `built-in`, or the file it comes from. */
  readonly origin: string;
}

/** Definitions by trap OID. A later definition of the same OID replaces an earlier one; files are added after the built-in ones. */
export class TrapDefinitions {
  readonly #byOid = new Map<string, TrapDefinition>();
  readonly #byPrefix = new Map<string, TrapDefinition>();

  constructor(definitions: readonly TrapDefinition[] = builtInTraps) {
    this.add(definitions);
  }

  get size(): number {
    return this.#byOid.size + this.#byPrefix.size;
  }

  add(definitions: readonly TrapDefinition[]): void {
    for (const definition of definitions) {
      if (definition.oid.endsWith(".*")) this.#byPrefix.set(definition.oid.slice(0, -2), definition);
      else this.#byOid.set(definition.oid, definition);
    }
  }

  /** Exact; else, since v1's mapping puts a 0 before the last arc (RFC 3584 3.1), without or with it; else the longest prefix ending in `.*`. */
  find(trapOid: string): TrapDefinition | undefined {
    const exact = this.#byOid.get(trapOid);
    if (exact !== undefined) return exact;
    const arcs = trapOid.split(".");
    const last = arcs.at(-1) ?? "";
    const other = arcs.at(-2) === "0" ? [...arcs.slice(0, -2), last] : [...arcs.slice(0, -1), "0", last];
    const relaxed = this.#byOid.get(other.join("."));
    if (relaxed !== undefined || this.#byPrefix.size === 0) return relaxed;
    for (let length = arcs.length - 1; length > 0; length--) {
      const prefixed = this.#byPrefix.get(arcs.slice(0, length).join("."));
      if (prefixed !== undefined) return prefixed;
    }
    return undefined;
  }
}

const status = new Map([
  [1, "up"],
  [2, "down"],
  [3, "testing"],
  [4, "unknown"],
  [5, "dormant"],
  [6, "notPresent"],
  [7, "lowerLayerDown"],
]);

const interfaceVariables: readonly TrapVariable[] = [
  { name: "ifIndex", oid: "1.3.6.1.2.1.2.2.1.1" },
  { name: "ifDescr", oid: "1.3.6.1.2.1.2.2.1.2" },
  { name: "ifAdminStatus", oid: "1.3.6.1.2.1.2.2.1.7", enumeration: status },
  { name: "ifOperStatus", oid: "1.3.6.1.2.1.2.2.1.8", enumeration: status },
  { name: "ifName", oid: "1.3.6.1.2.1.31.1.1.1.1" },
  { name: "ifAlias", oid: "1.3.6.1.2.1.31.1.1.1.18" },
];

const upsAlarm = new Map(
  [
    "BatteryBad",
    "OnBattery",
    "LowBattery",
    "DepletedBattery",
    "TempBad",
    "InputBad",
    "OutputBad",
    "OutputOverload",
    "OnBypass",
    "BypassBad",
    "OutputOffAsRequested",
    "UpsOffAsRequested",
    "ChargerFailed",
    "UpsOutputOff",
    "UpsSystemOff",
    "FanFailure",
    "FuseFailure",
    "GeneralFault",
    "DiagnosticTestFailed",
    "CommunicationsLost",
    "AwaitingPower",
    "ShutdownPending",
    "ShutdownImminent",
    "TestInProgress",
  ].map((name, index) => [index + 1, name]),
);

/** upsWellKnownAlarms (RFC 1628): the value of upsAlarmDescr as text. */
export function upsAlarmName(oid: string): string | undefined {
  const root = "1.3.6.1.2.1.33.1.6.3.";
  return oid.startsWith(root) ? upsAlarm.get(Number(oid.slice(root.length))) : undefined;
}

const upsVariables: readonly TrapVariable[] = [
  { name: "upsAlarmId", oid: "1.3.6.1.2.1.33.1.6.2.1.1" },
  { name: "upsAlarmDescr", oid: "1.3.6.1.2.1.33.1.6.2.1.2" },
  { name: "upsSecondsOnBattery", oid: "1.3.6.1.2.1.33.1.2.2" },
  { name: "upsEstimatedMinutesRemaining", oid: "1.3.6.1.2.1.33.1.2.3" },
  { name: "upsConfigLowBattTime", oid: "1.3.6.1.2.1.33.1.9.7" },
  { name: "upsTestId", oid: "1.3.6.1.2.1.33.1.7.1" },
  { name: "upsTestResultsSummary", oid: "1.3.6.1.2.1.33.1.7.3" },
  { name: "upsTestResultsDetail", oid: "1.3.6.1.2.1.33.1.7.4" },
];

const printerVariables: readonly TrapVariable[] = [
  { name: "prtAlertSeverityLevel", oid: "1.3.6.1.2.1.43.18.1.1.2" },
  { name: "prtAlertGroup", oid: "1.3.6.1.2.1.43.18.1.1.4" },
  { name: "prtAlertCode", oid: "1.3.6.1.2.1.43.18.1.1.7" },
  { name: "prtAlertDescription", oid: "1.3.6.1.2.1.43.18.1.1.8" },
];

const generic = "1.3.6.1.6.3.1.1.5";
const ups = "1.3.6.1.2.1.33.2";

/** Traps of the standard MIBs (RFC 3418, 2863, 1628, 4188, 6933, 3805, 3621, IEEE 802.1AB) and of net-snmp's agent. */
export const builtInTraps: readonly TrapDefinition[] = [
  trap(`${generic}.1`, "coldStart", "warning"),
  trap(`${generic}.2`, "warmStart", "warning"),
  trap(`${generic}.3`, "linkDown", "minor", interfaceVariables),
  trap(`${generic}.4`, "linkUp", "indeterminate", interfaceVariables),
  trap(`${generic}.5`, "authenticationFailure", "warning"),
  trap(`${generic}.6`, "egpNeighborLoss", "warning"),
  trap(`${ups}.1`, "upsTrapOnBattery", "major", upsVariables),
  trap(`${ups}.2`, "upsTrapTestCompleted", "indeterminate", upsVariables),
  trap(`${ups}.3`, "upsTrapAlarmEntryAdded", "major", upsVariables),
  trap(`${ups}.4`, "upsTrapAlarmEntryRemoved", "indeterminate", upsVariables),
  trap("1.3.6.1.2.1.17.0.1", "newRoot", "warning"),
  trap("1.3.6.1.2.1.17.0.2", "topologyChange", "warning"),
  trap("1.3.6.1.2.1.47.2.0.1", "entConfigChange", "indeterminate"),
  trap("1.3.6.1.2.1.43.18.2.0.1", "printerV2Alert", "warning", printerVariables),
  trap("1.3.6.1.2.1.105.0.1", "pethPsePortOnOffNotification", "indeterminate", [
    { name: "pethPsePortDetectionStatus", oid: "1.3.6.1.2.1.105.1.1.1.6" },
  ]),
  trap("1.3.6.1.2.1.105.0.2", "pethMainPowerUsageOnNotification", "warning", [
    { name: "pethMainPseConsumptionPower", oid: "1.3.6.1.2.1.105.1.3.1.1.4" },
  ]),
  trap("1.3.6.1.2.1.105.0.3", "pethMainPowerUsageOffNotification", "indeterminate"),
  trap("1.0.8802.1.1.2.0.0.1", "lldpRemTablesChange", "indeterminate"),
  trap("1.3.6.1.4.1.8072.4.0.2", "nsNotifyShutdown", "warning"),
  trap("1.3.6.1.4.1.8072.4.0.3", "nsNotifyRestart", "warning"),
];

function trap(oid: string, name: string, severity: PerceivedSeverity, variables: readonly TrapVariable[] = []): TrapDefinition {
  return { oid, name, severity, dropUndefined: false, variables, origin: "built-in" };
}
