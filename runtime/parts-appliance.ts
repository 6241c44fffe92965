/**
 * Bill of materials of the appliance: which drivers, codec, store and uplink a gateway is made of. One line each; how they are wired
 * stands in gateway.ts.
 */
import { join } from "node:path";
import type { Buffer } from "#ports/buffer.ts";
import type { Driver, DriverContext } from "#ports/driver.ts";
import type { FlowWing } from "#ports/flow-ground.ts";
import type { History } from "#ports/history.ts";
import type { SnmpEngine } from "#ports/snmp.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { createFrameEncoder } from "../cloud-bridge/protocol/codec/frame-encoder.ts";
import { maxGatewaySeries } from "../cloud-bridge/protocol/codec/series-limit.ts";
import { createLoopbackDriver } from "../drivers/loopback/loopback-driver.ts";
import { createSnmpEngine } from "../drivers/snmp/engine/engine.ts";
import { loadProfiles } from "../drivers/snmp/profiles/load-profiles.ts";
import type { ProfileBook } from "../drivers/snmp/profiles/profile-book.ts";
import { createProfileSource } from "../drivers/snmp/profiles/profile-source.ts";
import { settingsSchema as snmpSettingsSchema } from "../drivers/snmp/settings.ts";
import { createSnmpDriver } from "../drivers/snmp/snmp-driver.ts";
import packageJson from "../package.json" with { type: "json" };
import type { AlarmEngine } from "./alarms/alarm-engine.ts";
import { readWallFloor } from "./clock-floor.ts";
import type { DriverDescription } from "./config/driver-settings.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import type { ConfigurationOwner } from "./configuration-owner.ts";
import { EventQueue } from "./event-queue.ts";
import { Gateway } from "./gateway.ts";
import type { AuditBook } from "./host/audit-book.ts";
import { datagramBunches } from "./host/datagram-bunches.ts";
import { readMachine } from "./host/machine.ts";
import { giveThreadsLittle, maxThriftyEquipment } from "./host/memory.ts";
import { makeStateFolder } from "./host/state-folder.ts";
import { LocalLock } from "./northbound/command-desk/local-lock.ts";
import { openAlarms } from "./parts-alarms.ts";
import { describeChecks, openChecks } from "./parts-checks.ts";
import { openDiscovery } from "./parts-discovery.ts";
import { enrolledTls, identityUnits } from "./parts-enrolment.ts";
import { flowUnits, openFlows } from "./parts-flows.ts";
import { openLink } from "./parts-line.ts";
import { openConfigurationOwner, openNorthbound } from "./parts-managed.ts";
import type { Northbound } from "./parts-northbound.ts";
import { openNotices, openSecondPath } from "./parts-notify.ts";
import type { Platform, RunParts } from "./parts-platform.ts";
import { openReceivers, ReceiverBook } from "./parts-receivers.ts";
import { openUpdate } from "./parts-update.ts";

import type { Discovery } from "./southbound/discovery/discovery.ts";
import { openBufferWorker, openStoreWorker } from "./store/buffer-worker.ts";
import { openState } from "./store/state.ts";

/** What `config check` needs to know of the drivers, without opening a socket. */
export function describeDrivers(): readonly DriverDescription[] {
  return [
    { name: "snmp", settingsSchema: snmpSettingsSchema },
    { name: "loopback", settingsSchema: createLoopbackDriver().settingsSchema },
    describeChecks(),
  ];
}

/** Buffer and local history share one thread; a gateway that keeps no history has the buffer alone. */
async function openStore(
  configuration: GatewayConfiguration,
  folder: string,
  platform: Platform,
  clockFloorMs: number,
): Promise<{ readonly buffer: Buffer; readonly history?: History }> {
  const options = {
    folder,
    settings: configuration.buffer,
    clockSource: configuration.clock.source,
    clockFloorMs,
    logger: platform.logger,
    clock: platform.clock,
    isThrifty: configuration.equipment.length <= maxThriftyEquipment,
  };
  if (!options.isThrifty) giveThreadsLittle();
  if (!configuration.history.enabled) return { buffer: await openBufferWorker(options) };
  return openStoreWorker({ ...options, history: { maxBytes: configuration.history.budgetBytes } });
}

function openDrivers(engine: SnmpEngine, profiles: ProfileBook): ReadonlyMap<string, Driver> {
  const drivers = [createSnmpDriver({ engine, profiles: createProfileSource(profiles) }), createLoopbackDriver()];
  return new Map(drivers.map((driver) => [driver.name, driver]));
}

/** What looks at the gateway from outside: the control socket, the console. */
export type ServicesOf = (
  gateway: Gateway,
  discovery: Discovery,
  northbound: Northbound,
  configuration: ConfigurationOwner,
  alarms: AlarmEngine,
  flows: FlowWing,
) => readonly Unit[];

/** Opens `state.db` of the state folder, which is made if it is missing. @throws GatewayError buffer.denied | buffer.busy | buffer.disk-full */
export function openGatewayState(stateDir: string, platform: Platform): State {
  makeStateFolder(stateDir);
  const { clock, logger } = platform;
  const lost: string[] = [];
  let opened: State | undefined;
  // What was forgotten may be replayed from afar: nobody from there changes anything until somebody at the site looked.
  const shut = () => {
    const [key] = lost;
    if (key === undefined || opened === undefined) return;
    new LocalLock(opened, clock).lock("gatehouse", `${key} of the state was damaged beyond repair: look, then unlock`);
    lost.length = 0;
  };
  opened = openState(stateDir, {
    wallMs: clock.now().wallMs,
    onDamage: (setAside, restored) => logger.error({ setAside, restored }, "the state file was damaged and set aside"),
    onDamagedValue: ({ key, outcome, isGuard }) => {
      logger.error({ key, outcome }, "a value of the state was damaged");
      if (isGuard && outcome === "lost") lost.push(key);
      shut();
    },
  });
  shut();
  return opened;
}

/** What an Ethernet frame holds of a UDP datagram over IPv4. */
const oneFrameBytes = 1472;

/** What everything else stands on: store, encoder, SNMP engine, device knowledge, checks. */
async function openGround(
  configuration: GatewayConfiguration,
  stateDir: string,
  platform: Platform,
  live: { readonly clockFloorMs: number; readonly now: () => GatewayConfiguration },
) {
  const { gateway, limits, credentials, profiles } = configuration;
  const driverContext: DriverContext = { ...platform, credential: (name) => credentials.credential(name) };
  const { packetsPerSecond, packetsPerSecondPerEquipment, snmpAnswerBytes } = limits;
  const targetMessageBytes = Math.min(snmpAnswerBytes, oneFrameBytes);
  // The store's thread starts while this one reads what it knows of devices.
  const store = openStore(configuration, stateDir, platform, live.clockFloorMs);
  store.catch(() => undefined);
  const book = loadProfiles({ userDir: profiles.folder ?? join(stateDir, "profiles"), logger: platform.logger });
  return {
    encoder: createFrameEncoder({
      entropy: platform.entropy,
      streamSalt: gateway.id,
      intervalsPerChunk: () => live.now().uplink?.intervalsPerChunk ?? 1,
      maxSeries: maxGatewaySeries,
      lendsPayloads: true,
    }),
    ...(await store),
    events: new EventQueue(platform),
    driverContext,
    checks: openChecks(configuration, driverContext),
    engine: createSnmpEngine({
      ...platform,
      bunches: datagramBunches(process.platform, process.arch),
      limits: { packetsPerSecond, packetsPerSecondPerEquipment, targetMessageBytes, largestMessageBytes: snmpAnswerBytes },
    }),
    profiles: book,
  };
}

/**
 * Builds a gateway from its configuration.
 * @throws GatewayError buffer.denied | buffer.busy | buffer.disk-full | config.*
 */
export async function assembleGateway(
  configuration: GatewayConfiguration,
  stateDir: string,
  platform: Platform,
  run: RunParts,
  services?: ServicesOf,
): Promise<Gateway> {
  const { gateway: identity, uplink, limits } = configuration;
  const { state } = run;
  const clockFloorMs = readWallFloor(state);
  platform.clock.notBefore?.(clockFloorMs);
  // Settings that apply live are read where they are used, from the configuration in force.
  const now = () => owner.running;
  const equipment = () => now().equipment;
  const ground = await openGround(configuration, stateDir, platform, { clockFloorMs, now });
  const { encoder, buffer, history, events, driverContext, checks, engine, profiles } = ground;
  run.audit.onRecord((event) => events.offer(event));
  const owner: ConfigurationOwner = openConfigurationOwner({ ...run, configuration, gateway: () => gateway }, platform);
  const discovery = openDiscovery(configuration, { state, sink: events, engine, profiles, equipment }, platform);
  const update = openUpdate(configuration, { state, stateDir, gateway: () => gateway }, platform);
  const rooms = { gateway: () => gateway, alarms: () => alarms.engine.list, equipment: () => watched(), desk: () => northbound.desk };
  const notices = openNotices(configuration, { state, sink: events }, platform);
  const flows = openFlows(configuration, { ...rooms, stateDir, state, checks: checks.desk, identity: run.identity, notices }, platform);
  const seen = { configuration: owner, discovery, gateway: () => gateway, alarms: () => alarms.engine, firmware: update.firmware, flows };
  const { updater } = update;
  const updates = updater === undefined ? {} : { update: () => updater.current() };
  const northbound = openNorthbound({ ...seen, ...updates, ...run, ...authorityParts(run), stateDir, sink: events, buffer }, platform);
  update.onPhase?.(northbound.updateChanged);
  const enrolled = uplink?.enabled === true && uplink.enrolled ? enrolledTls(run.identity, identity.id) : undefined;
  const lineParts = { encoder, buffer, state, northbound, equipment, ...(enrolled === undefined ? {} : { enrolled }) };
  const link = uplink?.enabled === true ? openLink(configuration, uplink, lineParts, platform) : undefined;
  const secondPath = openSecondPath(configuration, { buffer, state, sink: events, link }, platform);
  const watched = () => [...equipment(), ...discovery.acceptedEquipment()];
  const receivers = new ReceiverBook();
  const alarmParts = { stateDir, state, history, engine, profiles, equipment: watched, link, checks: checks.desk, receivers };
  const alarms = openAlarms(configuration, alarmParts, platform);
  const units = [run.audit, ...northbound.units, owner.watch, ...update.units];
  const receiverParts = { sink: events, state, discovery, equipment: watched, stateDir, book: receivers };
  const gateway: Gateway = new Gateway({
    ...{ identity: { ...identity, version: packageJson.version }, ...platform, drivers: openDrivers(engine, profiles), driverContext },
    equipment: [...configuration.equipment, ...discovery.acceptedEquipment()],
    maxConcurrentPolls: limits.concurrentPolls,
    ...{ encoder, buffer, state },
    ...{ ...(history === undefined ? {} : { history }), ...(link === undefined ? {} : { link }) },
    feeders: (intake) => [
      ...(enrolled === undefined ? [] : identityUnits(run.identity, platform)),
      ...[events.feeds(intake), discovery, ...openReceivers(configuration, receiverParts, platform)],
      checks.schedule(intake, platform.clock),
      ...(secondPath === undefined ? [] : [secondPath.watches(intake)]),
      ...(notices === undefined ? [] : [notices]),
      ...[...alarms.feeders(intake), ...flowUnits(flows, link, platform)],
    ],
    checks: checks.desk,
    sections: {
      ...northbound.sections(),
      ...update.sections,
      checks: () => checks.desk.status(),
      ...{ discovery: () => discovery.status(), receivers: () => receivers.readings() },
      flows: () => flows.status(),
      snmp: () => ({ datagrams: engine.datagrams?.() ?? "single" }),
      ...alarms.sections,
      ...(secondPath === undefined ? {} : { secondPath: () => secondPath.status() }),
      ...(notices === undefined ? {} : { notices: () => ({ paths: notices.status() }) }),
    },
    ...{ residentBytes: () => process.memoryUsage.rss(), machine: () => readMachine(stateDir), updater: update.updater },
    services: (running: Gateway) => [...units, ...(services?.(running, discovery, northbound, owner, alarms.engine, flows) ?? [])],
  });
  return gateway;
}

function authorityParts(run: RunParts): { readonly audit: AuditBook; readonly enrolledRoot?: string } {
  const root = run.identity.current()?.trust;
  return { audit: run.audit, ...(root === undefined ? {} : { enrolledRoot: JSON.stringify(root) }) };
}
