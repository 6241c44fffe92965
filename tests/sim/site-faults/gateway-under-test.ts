import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { parseAck } from "../../../cloud-bridge/protocol/messages/ack.ts";
import { parseNocState } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { TrapDefinitions } from "../../../drivers/notifications/trap-definitions.ts";
import { trapEvent } from "../../../drivers/notifications/trap-event.ts";
import { createProber } from "../../../drivers/probe/prober.ts";
import type { Device, OutgoingTrap } from "../../../drivers/simulated/device.ts";
import type { Disturbance } from "../../../drivers/simulated/simulated-agent.ts";
import { loadProfiles } from "../../../drivers/snmp/profiles/load-profiles.ts";
import { createProfileSource } from "../../../drivers/snmp/profiles/profile-source.ts";
import { createSnmpDriver } from "../../../drivers/snmp/snmp-driver.ts";
import type { AlarmEngine } from "../../../runtime/alarms/alarm-engine.ts";
import type { GatewayConfiguration } from "../../../runtime/config/gateway-configuration.ts";
import { EventQueue } from "../../../runtime/event-queue.ts";
import { Gateway } from "../../../runtime/gateway.ts";
import type { EquipmentId } from "../../../runtime/model/equipment.ts";
import { Link } from "../../../runtime/northbound/link.ts";
import type { SecondPath } from "../../../runtime/northbound/second-path/second-path.ts";
import { openAlarms } from "../../../runtime/parts-alarms.ts";
import { helloBody } from "../../../runtime/parts-hello.ts";
import { openSecondPath } from "../../../runtime/parts-notify.ts";
import type { Buffer as Outbox } from "../../../runtime/ports/buffer.ts";
import type { DriverContext } from "../../../runtime/ports/driver.ts";
import type { Entropy } from "../../../runtime/ports/entropy.ts";
import type { Notifier } from "../../../runtime/ports/notifier.ts";
import type { SnmpType, Varbind } from "../../../runtime/ports/snmp.ts";
import { CheckDesk } from "../../../runtime/southbound/checks/check-desk.ts";
import { CheckSchedule } from "../../../runtime/southbound/checks/check-schedule.ts";
import { openBufferInline } from "../../../runtime/store/buffer-inline.ts";
import { openHistoryInline } from "../../../runtime/store/history.ts";
import { openState } from "../../../runtime/store/state.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import { NodeClock } from "../world/node-clock.ts";
import { SimProber } from "./sim-prober.ts";
import { SimSnmpEngine } from "./sim-snmp.ts";
import { addressOf } from "./site-network.ts";
import type { SiteWorld } from "./site-world.ts";

export interface GatewayUnderTest {
  readonly clock: NodeClock;
  readonly gateway: Gateway;
  readonly alarms: AlarmEngine;
  readonly checks: CheckDesk;
  readonly secondPath: SecondPath | undefined;
  readonly buffer: Outbox;
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
}

export interface GatewayUnderTestOptions {
  readonly world: SiteWorld;
  readonly configuration: GatewayConfiguration;
  /** For what is not on the simulated disk. */
  readonly folder: string;
  readonly entropy: Entropy;
  readonly bootNumber: number;
  readonly disturbanceOf: (device: Device) => Disturbance;
}

const version = "0.0.0";
const profiles = loadProfiles();
const traps = new TrapDefinitions();
/** BER tags of what the simulated traps carry. */
const typeOfTag: Readonly<Record<number, SnmpType>> = { 2: "integer", 4: "octet-string", 6: "oid", 67: "timeticks" };
const unauthorisedTrapMs = 10_000;

/** Puts a gateway together as `assembleGateway` does, from the parts of the simulation where the world begins. */
export function startGateway(options: GatewayUnderTestOptions): GatewayUnderTest {
  const { world, configuration, folder, entropy, bootNumber } = options;
  const { disk, logger, network } = world;
  const { gateway: identity, credentials, limits } = configuration;
  const boot = { errorMs: 0, quality: "synced", bootId: bootNumber.toString(16).padStart(8, "0") } as const;
  const clock = new NodeClock(world.clock, () => world.trueWallMs(), boot);
  const platform = { clock, entropy, logger };
  const state = openState(".", { disk, wallMs: clock.now().wallMs });
  const encoder = createFrameEncoder({ entropy, streamSalt: identity.id });
  const settings = { durabilityWindowMs: 10_000, journalBytes: 8 * 2 ** 20, ballastBytes: 65_536, budgetBytes: 64 * 2 ** 20 };
  const buffer = openBufferInline({ disk, ...platform, assembler: createChunkAssembler(), settings });
  const history = openHistoryInline({ disk, clock, logger });
  const events = new EventQueue(platform);
  const engine = new SimSnmpEngine(clock, agentAccess(options), () => entropy.random());
  const equipment = () => configuration.equipment;
  const link = new Link({
    uplink: world.broker,
    ...{ buffer, encoder, messages: { parseAck, parseNocState }, ...platform },
    hello: (connection, sessionLimits) =>
      helloBody({ gateway: identity, version, devices: 8, connection, limits: sessionLimits, buffer, encoder, clock, entropy }),
  });
  const driverContext: DriverContext = { ...platform, credential: (name) => credentials.credential(name) };
  const real = createProber(driverContext);
  const clockErrorMs = () => clock.now().wallMs - world.trueWallMs();
  const checks = new CheckDesk({
    definitions: configuration.checks,
    prober: new SimProber({ real, network, clock, clockErrorMs }),
    clock,
    logger,
    limits: {
      bytesPerHour: limits.checkBytesPerHour,
      packetsPerSecond: limits.checkPacketsPerSecond,
      concurrent: limits.concurrentChecks,
      resultEveryMs: limits.checkResultEveryMs,
    },
  });
  const alarms = openAlarms(
    configuration,
    { stateDir: folder, state, history, engine, profiles, equipment, link, network, checks },
    platform,
  );
  const secondPath = openSecondPath(
    configuration,
    { buffer, state, sink: events, link, around: (notifier) => inRealTime(notifier, world.clock) },
    platform,
  );
  const gateway = new Gateway({
    identity: { ...identity, version },
    ...platform,
    drivers: new Map([["snmp", createSnmpDriver({ engine, profiles: createProfileSource(profiles) })]]),
    ...{ driverContext, equipment: configuration.equipment, maxConcurrentPolls: 64, encoder, buffer, state, history, link },
    feeders: (intake) => [
      ...[events.feeds(intake), alarms.engine.feeds(intake), alarms.topology],
      new CheckSchedule(checks.feeds(intake), clock),
      ...(secondPath === undefined ? [] : [secondPath.watches(intake)]),
    ],
    checks,
  });
  receiveTraps(world, clock, events);
  const stop = new AbortController();
  const ended = gateway.run(stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return { clock, gateway, alarms: alarms.engine, checks, secondPath, buffer, stop, ended };
}

/** The receiver is a real one: virtual time stands still while it is spoken to. */
function inRealTime(notifier: Notifier, clock: VirtualClock): Notifier {
  const { name, kind, address } = notifier;
  return {
    ...{ name, kind, address },
    async notify(change, signal) {
      const done = clock.busy();
      try {
        await notifier.notify(change, signal);
      } finally {
        done();
      }
    },
  };
}

function agentAccess({ world, disturbanceOf }: GatewayUnderTestOptions) {
  let lastTrapMs = Number.NEGATIVE_INFINITY;
  return {
    answering: (address: string) => world.network.answering(address),
    disturbanceOf,
    refused: (device: Device) => {
      const nowMs = world.clock.monotonicMs();
      if (nowMs - lastTrapMs < unauthorisedTrapMs) return;
      lastTrapMs = nowMs;
      device.emitTrap({ oid: "1.3.6.1.6.3.1.1.5.5", varbinds: [] });
    },
  };
}

/** Traps get through where packets would; their meaning is the real receiver's. */
function receiveTraps(world: SiteWorld, clock: NodeClock, sink: EventQueue): void {
  for (const device of world.office.model.devices) {
    device.emitTrap = (trap) => {
      // The site is in the middle of a change; what it is like afterwards decides.
      queueMicrotask(() => {
        const address = addressOf(device);
        if (world.network.answering(address) !== device) return;
        const origin = { address, port: 161, equipment: device.identity.id as EquipmentId, relayed: false };
        sink.offer(trapEvent({ ...notificationOf(trap), upTimeTicks: device.upTimeTicks }, traps, origin, clock.now()));
      });
    };
  }
}

function notificationOf(trap: OutgoingTrap) {
  const varbinds = trap.varbinds.map(({ oid, type, value }): Varbind => {
    const name = typeOfTag[type] ?? "octet-string";
    return { oid, type: name, value: name === "octet-string" ? Buffer.from(String(value)) : (value ?? undefined) };
  });
  const none = { agentAddress: undefined, enterprise: undefined };
  return { version: "2c", confirmed: false, requestId: 0, trapOid: trap.oid, varbinds, ...none } as const;
}
