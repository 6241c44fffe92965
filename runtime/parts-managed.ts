/** Joins the gateway's work with those who manage it: what a change of the configuration takes, what a self-test looks at, what may be ordered. */
import type { Audit } from "#ports/audit.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { DocumentOwner } from "#ports/desired-state.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { FlowWing } from "#ports/flow-ground.ts";
import type { IdentityStore } from "#ports/identity.ts";
import type { State } from "#ports/state.ts";
import type { UpdateStatus } from "#ports/updater.ts";
import packageJson from "../package.json" with { type: "json" };
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import { ConfigurationOwner, type LiveApplier } from "./configuration-owner.ts";
import type { Gateway } from "./gateway.ts";
import { runHook } from "./host/run-hook.ts";
import type { AlarmsForOperations } from "./operations/alarm-operations.ts";
import type { LogSource } from "./operations/site-operations.ts";
import { OverlayMemory } from "./overlay-memory.ts";
import { Northbound } from "./parts-northbound.ts";
import { operationsOf } from "./parts-operations.ts";
import { documentOwners } from "./parts-owners.ts";
import type { Platform, RunParts } from "./parts-platform.ts";
import { openSealed } from "./parts-technician.ts";
import { selfTest } from "./self-test.ts";
import type { Discovery } from "./southbound/discovery/discovery.ts";
import { openDocumentStore } from "./store/document-store.ts";

/** Who applies which part of the configuration live. A room that can adds itself here. */
function liveAppliers(gateway: () => Gateway, configuration: GatewayConfiguration): readonly LiveApplier[] {
  return [
    {
      // Read where they are used, at each use.
      prefixes: ["/uplink/intervalsPerChunk", "/authority/confirmWindowMs"],
      apply: () => undefined,
    },
    {
      // The receiver of traps holds the users of version 3: with it a credential changes by beginning anew.
      prefixes: configuration.traps.enabled ? ["/equipment"] : ["/equipment", "/credentials"],
      apply: (next, before, changed) => {
        configuration.credentials.adopt(next.credentials);
        changeEquipment(gateway(), next, before, changed);
      },
    },
  ];
}

function changeEquipment(gateway: Gateway, next: GatewayConfiguration, before: GatewayConfiguration, changed: readonly string[]): void {
  const named = (prefix: string) =>
    new Set(changed.flatMap((pointer) => (pointer.startsWith(prefix) ? [pointer.slice(prefix.length).split("/", 1)[0] ?? ""] : [])));
  const ids = named("/equipment/");
  const credentials = named("/credentials/");
  const wanted = new Map(next.equipment.map((one) => [one.id as string, one]));
  for (const { id } of before.equipment) if (!wanted.has(id)) gateway.poller.remove(id);
  for (const one of next.equipment) {
    if (!gateway.poller.equipment.has(one.id)) gateway.poller.add(one);
    else if (ids.has(one.id) || credentials.has(one.credential ?? "")) gateway.poller.replace(one);
  }
}

export function openConfigurationOwner(
  parts: RunParts & { readonly configuration: GatewayConfiguration; readonly gateway: () => Gateway },
  platform: Platform,
): ConfigurationOwner {
  const { state, site, restart, configuration, gateway } = parts;
  const { clock, logger } = platform;
  return new ConfigurationOwner({
    ...{ site, restart, clock, logger, running: configuration },
    memory: new OverlayMemory(state),
    appliers: liveAppliers(gateway, configuration),
    answering: () =>
      [...gateway().poller.equipment.values()].filter((one) => one.reachability.state === "up").map((one) => one.equipment.id),
  });
}

export interface ManagedParts {
  readonly configuration: ConfigurationOwner;
  readonly discovery: Discovery;
  readonly flows: FlowWing;
  readonly gateway: () => Gateway;
  readonly alarms: () => AlarmsForOperations;
  readonly restart: (reason: string) => void;
  readonly stateDir: string;
  readonly state: State;
  readonly sink: EventSink;
  readonly buffer: Buffer;
  readonly firmware: DocumentOwner | undefined;
  /** How updates stand; absent = this gateway gets none. */
  readonly update?: () => UpdateStatus;
  readonly audit: Pick<Audit, "write">;
  readonly identity: IdentityStore;
  readonly enrolledRoot?: string;
  readonly logs?: LogSource;
}

/** The northbound half with everything that can be ordered and wanted of this gateway. */
export function openNorthbound(parts: ManagedParts, platform: Platform): Northbound {
  const { configuration, state, sink, buffer, gateway } = parts;
  const overlays = new OverlayMemory(state);
  const hook = configuration.running.authority.rebootCommand;
  const reboot = hook === undefined ? undefined : () => runHook(hook);
  const opener = { open: (sealed: string) => openSealed(sealed, parts.identity) };
  const operations = operationsOf({ ...parts, ...platform, reboot, opener });
  return new Northbound(
    {
      ...{ state, sink, buffer, audit: parts.audit, version: packageJson.version },
      ...(parts.enrolledRoot === undefined ? {} : { enrolledRoot: parts.enrolledRoot }),
      configuration: () => configuration.running,
      ...(parts.update === undefined ? {} : { update: parts.update }),
      documents: openDocumentStore(parts.stateDir),
      owners: documentOwners({
        state,
        configuration,
        flows: parts.flows,
        ...(parts.firmware === undefined ? {} : { firmware: parts.firmware }),
      }),
      operations: () => operations,
      onEditor: (payload) => parts.flows.tunnel.receive(payload),
      selfTest: async (signal) => {
        const { poller } = gateway();
        const health = () => gateway().units();
        const wrong = await selfTest({ poller, buffer, clock: platform.clock, health, mustAnswer: overlays.baseline }, signal);
        if (wrong.length === 0) overlays.clearBaseline();
        return wrong;
      },
    },
    platform,
  );
}
