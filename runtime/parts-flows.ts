/** The guest wing: services and flows, in a process of their own. What of the gateway they get is joined here. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Command } from "#model/command.ts";
import type { Equipment } from "#model/equipment.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Alarms } from "#ports/alarms.ts";
import type { Checks } from "#ports/checks.ts";
import type { FlowGround, FlowNotice, FlowOrder, FlowWing } from "#ports/flow-ground.ts";
import type { IdentityStore } from "#ports/identity.ts";
import type { CommandDesk } from "#ports/operations.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { editorFrameCodec } from "../cloud-bridge/protocol/editor-frames.ts";
import { ServiceCatalogue } from "../flows/catalogue.ts";
import { createFlowWing } from "../flows/flow-wing.ts";
import { InstanceIds } from "./alarms/identity.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import { secretsIn } from "./config/secrets-in.ts";
import type { Gateway } from "./gateway.ts";
import { mayChangeUser } from "./host/change-user.ts";
import { atRestOf } from "./host/identity-folder.ts";
import { guestSpawner } from "./host/spawn-guest.ts";
import type { Link } from "./northbound/link.ts";
import type { Notices } from "./northbound/second-path/notices.ts";
import type { Platform } from "./parts-platform.ts";
import { openSealed } from "./parts-technician.ts";

const nobody = 65_534;
const standardUser = "gatehouse-flows";

/** Everything is asked for when it is needed: the wing is made before most of it. */
export interface FlowParts {
  readonly stateDir: string;
  readonly state: State;
  readonly gateway: () => Gateway;
  readonly alarms: () => Pick<Alarms, "set" | "clear" | "active">;
  readonly checks: Checks;
  readonly equipment: () => readonly Equipment[];
  readonly desk: () => CommandDesk;
  readonly identity: IdentityStore;
  /** Receivers beside the NOC; undefined = none is configured. */
  readonly notices: Notices | undefined;
}

export function openFlows(configuration: GatewayConfiguration, parts: FlowParts, platform: Platform): FlowWing {
  const { flows, gateway } = configuration;
  const user = userOf(flows.user);
  return createFlowWing({
    ground: groundOf(configuration, parts, platform),
    gateway: gateway.id,
    catalogue: new ServiceCatalogue(join(import.meta.dirname, "../flows/library")),
    frames: editorFrameCodec,
    missing: flows.enabled ? missingPackages() : "switched off by the configuration (flows.enabled)",
    settings: {
      heapMiB: flows.heapMiB,
      memoryMiB: flows.memoryMiB,
      localEditing: flows.localEditing,
      localFunctionNodes: flows.localFunctionNodes,
      localSnmpSet: flows.localSnmpSet,
      editorIdleMs: flows.editorIdleMs,
      ...(user === undefined ? {} : { user }),
    },
  });
}

function groundOf(configuration: GatewayConfiguration, parts: FlowParts, platform: Platform): FlowGround {
  const { state, equipment, checks } = parts;
  const intake: FlowGround["intake"] = {
    accept: (observation) => parts.gateway().intake.accept(observation),
    tap: (tap) => parts.gateway().intake.tap(tap),
  };
  return {
    ...platform,
    state,
    intake,
    spawner: guestSpawner(undefined, parts.stateDir),
    equipment,
    checks,
    alarms: {
      set: (condition) => parts.alarms().set(condition),
      clear: (identity, text) => parts.alarms().clear(identity, text),
      active: () => parts.alarms().active(),
    },
    operate: (order, signal) => operate(order, parts, platform, signal),
    channels: () => [{ name: "noc", kind: "noc" }, ...(parts.notices?.channels() ?? [])],
    notify: (notice) => {
      if (notice.channel !== "noc") toReceiver(notice, parts.notices);
      const { service, channel, title, text, severity } = notice;
      const event = {
        kind: "event",
        type: "service.notice",
        source: "flow",
        severity,
        text: `${title}: ${text}`,
        observedAt: platform.clock.now(),
        attributes: { service, title, channel },
      } as const;
      intake.accept(event).catch((error: unknown) => platform.logger.warn({ reason: String(error) }, "a notice of a flow was not kept"));
    },
    secrets: secretsOf(configuration),
    atRest: atRestOf(parts.stateDir, platform.entropy),
    opener: { open: (sealed) => openSealed(sealed, parts.identity) },
    forbiddenHosts: configuration.uplink === undefined ? [] : [URL.parse(configuration.uplink.url)?.hostname ?? ""],
  };
}

/** Credentials may change while it runs, everything else makes the gateway begin anew. */
function secretsOf(configuration: GatewayConfiguration): () => readonly string[] {
  const { credentials } = configuration;
  const others = secretsIn(configuration);
  let [seen, all] = [credentials.secrets, [...credentials.secrets, ...others]];
  return () => {
    if (credentials.secrets !== seen) [seen, all] = [credentials.secrets, [...credentials.secrets, ...others]];
    return all;
  };
}

/** @throws GatewayError command.refused */
function toReceiver(notice: FlowNotice, notices: Notices | undefined): void {
  if (notices !== undefined) {
    notices.send(notice);
    return;
  }
  const message = `this gateway has no channel "${notice.channel}" for notices, only noc: nobody is named under notify: in its configuration`;
  throw new GatewayError("command.refused", { message });
}

/** Reads go to the equipment at once; a change goes over the command desk, which journals and audits it. @throws GatewayError */
async function operate(order: FlowOrder, parts: FlowParts, platform: Platform, signal: AbortSignal): Promise<unknown> {
  const isChange = order.operation === "snmp.set";
  const { timeoutMs: _ours, ...args } = order.arguments;
  const command: Command = {
    id: new InstanceIds(platform.entropy).next(platform.clock.now().wallMs),
    operation: order.operation,
    risk: isChange ? "write" : "read",
    arguments: args,
    ...(order.equipment === undefined ? {} : { equipment: order.equipment as Equipment["id"] }),
  };
  const result = isChange
    ? await parts.desk().submit(command, { actor: `service:${order.service}`, from: "flow-host" }, signal)
    : await parts.gateway().poller.execute(command, signal);
  if (result.status === "ok") return byOid(result.output);
  throw new GatewayError("driver.refused", { message: result.error?.message ?? `the equipment did not do it (${result.status})` });
}

/** `{ "1.3.6...": value }`, as flows like it. */
function byOid(output: unknown): unknown {
  const { varbinds: read, after } = (typeof output === "object" && output !== null ? output : {}) as {
    readonly varbinds?: unknown;
    readonly after?: unknown;
  };
  const varbinds = read ?? after;
  if (!Array.isArray(varbinds)) return output;
  return Object.fromEntries(
    (varbinds as readonly { readonly oid: string; readonly value?: unknown }[]).map(({ oid, value }) => [oid, value ?? null]),
  );
}

/** A build without Node-RED runs as before, without flows. */
function missingPackages(): string | undefined {
  if (existsSync(join(import.meta.dirname, "../node_modules/@node-red/runtime/package.json"))) return undefined;
  try {
    createRequire(import.meta.url).resolve("@node-red/runtime");
    return undefined;
  } catch {
    // The resolver's own words say nothing a person could use.
    return "Node-RED is not part of this installation";
  }
}

/** Own user for the guest; only the privileged can give it one. */
function userOf(name: string | undefined): { readonly uid: number; readonly gid: number } | undefined {
  if (!mayChangeUser()) return undefined;
  const entries = existsSync("/etc/passwd") ? readFileSync("/etc/passwd", "utf8").split("\n") : [];
  const entry = entries.map((line) => line.split(":")).find(([login]) => login === (name ?? standardUser));
  if (entry === undefined && name !== undefined)
    throw new GatewayError("config.invalid", { message: `flows.user: there is no user "${name}" on this machine` });
  return entry === undefined ? { uid: nobody, gid: nobody } : { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** The wing's unit, and the sender of the remote editor where there is a line. */
export function flowUnits(wing: FlowWing, link: Pick<Link, "publish"> | undefined, platform: Platform): readonly Unit[] {
  return link === undefined ? [wing.unit] : [wing.unit, editorSender(wing, link, platform)];
}

/** Carries the remote editor's frames to the NOC: one at a time, behind everything that is more urgent. */
function editorSender(wing: FlowWing, link: Pick<Link, "publish">, platform: Platform): Unit {
  const { tunnel } = wing;
  return {
    name: "editor-tunnel",
    run: async (signal) => {
      let wake: () => void = () => undefined;
      const stopListening = tunnel.onReady(() => wake());
      signal.addEventListener("abort", () => wake(), { once: true });
      try {
        while (!signal.aborted) {
          const frame = tunnel.next();
          if (frame === undefined) {
            await new Promise<void>((resolve) => {
              wake = resolve;
              if (signal.aborted) resolve();
            });
            continue;
          }
          try {
            await link.publish("eds", frame, signal);
          } catch (error) {
            if (signal.aborted) return;
            if (!isGatewayError(error)) throw error;
            platform.logger.debug({ code: error.code }, "remote editor: the line is lost");
            tunnel.lineLost();
          }
        }
      } finally {
        stopListening();
      }
    },
  };
}

/** What the console shows of the flows. */
export function flowRooms(wing: FlowWing) {
  const view = ({ id, label, state, reason }: ReturnType<FlowWing["status"]>["services"][number]) => ({
    ...{ id, label, state },
    ...(reason === undefined ? {} : { detail: reason }),
  });
  return { editor: wing.editor, services: () => wing.status().services.map(view) };
}
