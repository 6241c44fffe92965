/**
 * What may be ordered of this gateway: one list, one line per room. The command desk owns authority, journal, time to live, the local lock and
 * the audit; an operation only does its work. How to add one: make a function in your room (or here, if it only joins two rooms) that returns
 * `Operation`s, and name it in `operationsOf`.
 */
import type { Clock } from "#ports/clock.ts";
import type { FlowWing } from "#ports/flow-ground.ts";
import type { Logger } from "#ports/logger.ts";
import type { Operation } from "#ports/operations.ts";
import type { SecretOpener } from "#ports/secret-opener.ts";
import type { Gateway } from "./gateway.ts";
import { type AlarmsForOperations, alarmOperations } from "./operations/alarm-operations.ts";
import { checkOperations } from "./operations/check-operations.ts";
import { discoveryOperations } from "./operations/discovery-operations.ts";
import { gatewayOperations } from "./operations/gateway-operations.ts";
import { type LogSource, siteOperations } from "./operations/site-operations.ts";
import { snmpOperations } from "./operations/snmp-operations.ts";
import type { Discovery } from "./southbound/discovery/discovery.ts";

/** What operations may be made of. Add what your room needs. */
export interface OperationParts {
  readonly gateway: () => Gateway;
  readonly discovery: Discovery;
  readonly flows: FlowWing;
  readonly alarms: () => AlarmsForOperations;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The log, to be read along. */
  readonly logs?: LogSource | undefined;
  /** Opens values that the NOC sealed to this gateway. */
  readonly opener?: SecretOpener | undefined;
  /** Restarts the machine; absent = it may not. */
  readonly reboot?: (() => Promise<void>) | undefined;
  /** Ends this run of the gateway in order and begins another, in the same process. */
  readonly restart: (reason: string) => void;
}

export function operationsOf(parts: OperationParts): readonly Operation[] {
  const all: readonly Operation[] = [
    ...gatewayOperations(parts),
    ...snmpOperations(parts.gateway, parts.opener),
    ...discoveryOperations(parts),
    ...checkOperations(parts.gateway),
    ...siteOperations(parts),
    ...parts.flows.operations,
    ...alarmOperations(parts.alarms, parts.clock),
  ];
  return [...all, listing(() => all)];
}

/** What there is, with the schema of the arguments: for forms and for people. */
function listing(all: () => readonly Operation[]): Operation {
  return {
    name: "gateway.operations",
    risk: "read",
    summary: "What may be ordered of this gateway, with its arguments.",
    argumentsSchema: { type: "object", additionalProperties: false },
    maxDurationMs: 5_000,
    execute: async () => ({
      operations: all().map(({ name, risk, summary, argumentsSchema }) => ({ name, risk, summary, argumentsSchema })),
    }),
  };
}
