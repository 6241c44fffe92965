import { createHash } from "node:crypto";
import type { HealthRule, ServiceLimits } from "../generated/template.ts";
import type { FlowNode } from "../protocol.ts";

export type Capability = "snmp.get" | "snmp.set" | "probe" | "notify" | "http" | "command";

/** A service or a plain flow of the NOC, ready to be deployed. */
export interface CompiledUnit {
  readonly id: string;
  /** Document it came from, and where in it: for outcomes. */
  readonly document: string;
  readonly path: string;
  /** `template@version`, or `flow`. */
  readonly source: string;
  readonly label: string;
  readonly nodes: readonly FlowNode[];
  readonly limits: ServiceLimits;
  readonly health: HealthRule;
  readonly capabilities: readonly Capability[];
  /** By name; they stay in the telemetry process. */
  /** Sealed to this gateway; opened where one is used, and nowhere kept in clear. */
  readonly secrets: Readonly<Record<string, { readonly $sealed: string }>>;
  readonly plan?: string;
  /** Over everything that makes a difference when it runs: equal hash = nothing to do. */
  readonly hash: string;
}

export const standardHealth: HealthRule = { soakS: 5, maxErrors: 0, status: [] };
export const standardLimits: ServiceLimits = { messagesPerS: 200, functionNodes: 0, opsPerMin: {} };

/** Hash of what a unit does. `quarantine` is part of it: raising it is how the NOC asks for another try. */
export function unitHash(unit: Omit<CompiledUnit, "hash">, quarantine: number): string {
  const { nodes, limits, health, capabilities, secrets, plan, source, label } = unit;
  return createHash("sha256")
    .update(JSON.stringify([nodes, limits, health, capabilities, secrets, plan ?? null, source, label, quarantine]))
    .digest("hex");
}
