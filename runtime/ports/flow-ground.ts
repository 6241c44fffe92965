import type { CommandResult } from "#model/command.ts";
import type { DocumentOutcome } from "#model/desired.ts";
import type { Equipment } from "#model/equipment.ts";
import type { PerceivedSeverity } from "#model/observation.ts";
import type { Alarms } from "./alarms.ts";
import type { AtRest } from "./at-rest.ts";
import type { Checks } from "./checks.ts";
import type { GuestSpawner } from "./child.ts";
import type { Clock } from "./clock.ts";
import type { DocumentOwner } from "./desired-state.ts";
import type { Editor, EditorTunnel } from "./editor.ts";
import type { Entropy } from "./entropy.ts";
import type { Intake } from "./intake.ts";
import type { Logger } from "./logger.ts";
import type { Operation } from "./operations.ts";
import type { SecretOpener } from "./secret-opener.ts";
import type { State } from "./state.ts";
import type { Unit } from "./unit.ts";

/** Something a flow wants a person to know beside the alarm list. */
export interface FlowNotice {
  /** Service instance that says so; `local` = a technician's tab. */
  readonly service: string;
  /** `noc`: an event at the NOC alone; the name of a receiver of the gateway's configuration; `webhook`, `mail`: all of that kind. */
  readonly channel: string;
  /** At most 200 characters. */
  readonly title: string;
  /** At most 4,000 characters. */
  readonly text: string;
  readonly severity: PerceivedSeverity;
}

/** One operation of the gateway that a service asks for: `snmp.get`, `snmp.set`. Already checked against the service's own capabilities and rates. */
export interface FlowOrder {
  readonly service: string;
  readonly operation: string;
  readonly equipment?: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Values of a metric that exists on this site, for pickers. */
export interface FlowMetricEntry {
  readonly equipment: string;
  readonly table: string;
  readonly metric: string;
  readonly kind: "counter" | "gauge" | "state" | "text";
  readonly unit: string;
  /** Row keys with a label for people, at most 512 each. */
  readonly rows: readonly { readonly key: string; readonly label: string }[];
}

/**
 * What the telemetry process gives the flow wing. The flow wing treats its child process as untrusted and passes on only what it has checked,
 * bounded and attributed to a service; nothing here is ever reachable by a flow directly.
 */
export interface FlowGround {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** Keys `flows/...` are the flow wing's: deployed sets, technicians' tabs, context of services. */
  readonly state: State;
  /** Tap of what was observed (metrics, events, alarms, check results), and the door for what services report: metrics under `service:ID`, events. */
  readonly intake: Intake;
  readonly spawner: GuestSpawner;
  /** What this gateway is configured to poll, now. */
  equipment(): readonly Equipment[];
  /** Raise and clear, idempotent. */
  readonly alarms: Pick<Alarms, "set" | "clear" | "active">;
  /** Runs of synthetic checks; absent = this gateway has none, and `probe` says so. */
  readonly checks?: Pick<Checks, "run" | "list">;
  /**
   * Runs an operation with capability check and audit record, on behalf of a service. Absent = such orders are refused with the reason.
   * @throws GatewayError command.refused | driver.*
   */
  operate?(order: FlowOrder, signal: AbortSignal): Promise<CommandResult["output"]>;
  /** Queued and sent as soon as there is a way. @throws GatewayError command.refused when there is no such channel */
  notify?(notice: FlowNotice): void;
  /** Where notices can go, for pickers. */
  channels?(): readonly { readonly name: string; readonly kind: string }[];
  /** Addresses a service's `http call` may never reach besides loopback, link-local and metadata ranges: the NOC, the broker, the gateway's own ports. */
  readonly forbiddenHosts: readonly string[];
  /** Opens secrets of services; absent = nothing can be sealed to this gateway, and services with secrets are refused them. */
  readonly opener?: SecretOpener;
  /**
   * What the gateway itself keeps secret, in clear, to be looked for by value in whatever flows say and technicians write. The same list as long as it
   * holds the same. It goes into no flow.
   */
  readonly secrets: () => readonly string[];
  /** Encrypts what flows keep in the state: technicians' tabs and credentials, what flows remember. */
  readonly atRest: AtRest;
}

/** How the flow host stands, for `gatehouse status` and the console. */
export interface FlowStatus {
  /** `off`: disabled or packages missing; `starting`; `running`; `safe`: editor only, nothing runs; `waiting`: restart is due; `stopped`. */
  readonly state: "off" | "starting" | "running" | "safe" | "waiting" | "stopped";
  /** In words, where the state needs one. */
  readonly reason?: string;
  readonly pid?: number;
  readonly restarts: number;
  readonly residentBytes?: number;
  /** Times a restart was for reasons nobody could be blamed for. */
  readonly unattributedFailures: number;
  readonly services: readonly FlowServiceStatus[];
  /** Node creations in the child since it started: what a deploy restarted. */
  readonly nodesCreated: number;
  /** Frames dropped because the child did not keep up, and orders refused, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly editor: "closed" | "starting" | "open";
  /** Technicians' tabs: id, label, number of nodes, hash over the tab and its nodes (another hash = it was changed on site). */
  readonly localTabs: readonly { readonly id: string; readonly label: string; readonly nodes: number; readonly sha256: string }[];
}

export interface FlowServiceStatus {
  readonly id: string;
  readonly label: string;
  /** `template@version`, or `flow` for a plain flow. */
  readonly source: string;
  readonly state: "running" | "disabled" | "soaking" | "quarantined" | "rolled-back" | "rejected" | "stopped";
  /** Why, if it does not run. */
  readonly reason?: string;
  readonly errors: number;
  readonly droppedMessages: number;
  readonly activatedAtMs?: number;
  readonly lastOutcome?: DocumentOutcome;
}

/** The flow wing as the assembly sees it. */
export interface FlowWing {
  /** Runs the child, supervises it, feeds it. Never ends the gateway: whatever a flow does, its crash is counted inside. */
  readonly unit: Unit;
  /** Kinds `services`, `template`, `flow`. */
  readonly documents: DocumentOwner;
  readonly editor: Editor;
  readonly tunnel: EditorTunnel;
  /** `services.list`, `flows.local`, `flows.local.retire`, `flows.restart`, `flows.release` and `flow.command` (palette nodes `command in`). */
  readonly operations: readonly Operation[];
  status(): FlowStatus;
  /** What the editor's pickers show. */
  metrics(equipment?: string): readonly FlowMetricEntry[];
}
