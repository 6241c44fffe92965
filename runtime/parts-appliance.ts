/**
 * Bill of materials of the appliance: which drivers, codec, store and uplink a gateway is made of. One line each; how they are wired
 * stands in gateway.ts.
 */
import { join } from "node:path";
import type { Buffer } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { FrameEncoder } from "#ports/codec.ts";
import type { Driver, DriverContext } from "#ports/driver.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { History } from "#ports/history.ts";
import type { Logger } from "#ports/logger.ts";
import type { SnmpEngine } from "#ports/snmp.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { createFrameEncoder } from "../cloud-bridge/protocol/codec/frame-encoder.ts";
import { parseAck } from "../cloud-bridge/protocol/messages/ack.ts";
import { parseNocState } from "../cloud-bridge/protocol/messages/presence.ts";
import { createMqttUplink } from "../cloud-bridge/uplink/mqtt-uplink.ts";
import type { TlsSettings } from "../cloud-bridge/uplink/socket.ts";
import { createLoopbackDriver } from "../drivers/loopback/loopback-driver.ts";
import { createSnmpEngine } from "../drivers/snmp/engine/engine.ts";
import { loadProfiles } from "../drivers/snmp/profiles/load-profiles.ts";
import type { ProfileBook } from "../drivers/snmp/profiles/profile-book.ts";
import { createProfileSource } from "../drivers/snmp/profiles/profile-source.ts";
import { settingsSchema as snmpSettingsSchema } from "../drivers/snmp/settings.ts";
import { createSnmpDriver } from "../drivers/snmp/snmp-driver.ts";
import packageJson from "../package.json" with { type: "json" };
import { readWallFloor } from "./clock-floor.ts";
import type { DriverDescription } from "./config/driver-settings.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import { EventQueue } from "./event-queue.ts";
import { Gateway } from "./gateway.ts";
import { IdentityFolder } from "./host/identity-folder.ts";
import { currentRoute } from "./host/route.ts";
import { makeStateFolder } from "./host/state-folder.ts";
import { Link } from "./northbound/link.ts";
import { describeChecks, openChecks } from "./parts-checks.ts";
import { openDiscovery } from "./parts-discovery.ts";
import { enrolledTls, identityUnits } from "./parts-enrolment.ts";
import { helloBody } from "./parts-hello.ts";
import { openSecondPath } from "./parts-notify.ts";
import { openReceivers } from "./parts-receivers.ts";
import type { Discovery } from "./southbound/discovery/discovery.ts";
import { openBufferWorker, openStoreWorker } from "./store/buffer-worker.ts";
import { openState } from "./store/state.ts";

export interface Platform {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}

/** What `config check` needs to know of the drivers, without opening a socket. */
export function describeDrivers(): readonly DriverDescription[] {
  return [
    { name: "snmp", settingsSchema: snmpSettingsSchema },
    { name: "loopback", settingsSchema: createLoopbackDriver().settingsSchema },
    describeChecks(),
  ];
}

/** 1,000 switches of 48 ports and 20 columns, with room for their slower tables. A device's own bound is far below (settings.maxSeries). */
const maxSeries = 1_200_000;

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
  };
  if (!configuration.history.enabled) return { buffer: await openBufferWorker(options) };
  return openStoreWorker({ ...options, history: { maxBytes: configuration.history.budgetBytes } });
}

function openDrivers(engine: SnmpEngine, profiles: ProfileBook): ReadonlyMap<string, Driver> {
  const drivers = [createSnmpDriver({ engine, profiles: createProfileSource(profiles) }), createLoopbackDriver()];
  return new Map(drivers.map((driver) => [driver.name, driver]));
}

/**
 * Builds a gateway from its configuration. @param stateDir is made if it is missing
 * @throws GatewayError buffer.denied | buffer.busy | buffer.disk-full | config.*
 */
export async function assembleGateway(
  configuration: GatewayConfiguration,
  stateDir: string,
  platform: Platform,
  services?: (gateway: Gateway, discovery: Discovery) => readonly Unit[],
): Promise<Gateway> {
  makeStateFolder(stateDir);
  const { gateway: identity, uplink, equipment, limits, credentials } = configuration;
  const state = openState(stateDir, {
    wallMs: platform.clock.now().wallMs,
    onDamage: (setAside, restored) => platform.logger.error({ setAside, restored }, "the state file was damaged and set aside"),
  });
  const clockFloorMs = readWallFloor(state);
  platform.clock.notBefore?.(clockFloorMs);
  const encoder = createFrameEncoder({
    entropy: platform.entropy,
    streamSalt: identity.id,
    intervalsPerChunk: () => uplink?.intervalsPerChunk ?? 1,
    maxSeries,
  });
  const { buffer, history } = await openStore(configuration, stateDir, platform, clockFloorMs);
  const events = new EventQueue(platform);
  const driverContext: DriverContext = { ...platform, credential: (name) => credentials.credential(name) };
  const checks = openChecks(configuration, driverContext);
  const engine = createSnmpEngine({
    ...platform,
    limits: { packetsPerSecond: limits.packetsPerSecond, packetsPerSecondPerEquipment: limits.packetsPerSecondPerEquipment },
  });
  const profiles = loadProfiles({ userDir: configuration.profiles.folder ?? join(stateDir, "profiles"), logger: platform.logger });
  const discovery = openDiscovery(configuration, { state, sink: events, engine, profiles }, platform);
  const identityFolder = new IdentityFolder(stateDir, platform.entropy);
  const enrolled = uplink?.enabled === true && uplink.enrolled ? enrolledTls(identityFolder, identity.id) : undefined;
  const link =
    uplink?.enabled === true
      ? openLink(configuration, uplink, { encoder, buffer, state, ...(enrolled === undefined ? {} : { enrolled }) }, platform)
      : undefined;
  const secondPath = openSecondPath(configuration, { buffer, state, sink: events, link }, platform);
  return new Gateway({
    identity: { ...identity, version: packageJson.version },
    ...platform,
    drivers: openDrivers(engine, profiles),
    driverContext,
    equipment: [...equipment, ...discovery.acceptedEquipment()],
    maxConcurrentPolls: limits.concurrentPolls,
    encoder,
    buffer,
    state,
    ...(history === undefined ? {} : { history }),
    ...(link === undefined ? {} : { link }),
    feeders: (intake) => [
      ...(enrolled === undefined ? [] : identityUnits(identityFolder, platform)),
      ...[events.feeds(intake), discovery, ...openReceivers(configuration, { sink: events, state, discovery }, platform)],
      checks.schedule(intake, platform.clock),
      ...(secondPath === undefined ? [] : [secondPath.watches(intake)]),
    ],
    checks: checks.desk,
    sections: {
      checks: () => checks.desk.status(),
      ...(secondPath === undefined ? {} : { secondPath: () => secondPath.status() }),
    },
    residentBytes: () => process.memoryUsage.rss(),
    ...(services === undefined ? {} : { services: (gateway: Gateway) => services(gateway, discovery) }),
  });
}

function openLink(
  configuration: GatewayConfiguration,
  uplink: NonNullable<GatewayConfiguration["uplink"]>,
  parts: { readonly encoder: FrameEncoder; readonly buffer: Buffer; readonly state: State; readonly enrolled?: () => TlsSettings },
  platform: Platform,
): Link {
  const { gateway, equipment } = configuration;
  const { tls, password, username } = uplink;
  return new Link({
    uplink: createMqttUplink({
      url: uplink.url,
      tenant: gateway.tenant,
      gateway: gateway.id,
      keepAliveS: uplink.keepAliveS,
      connectTimeoutMs: uplink.connectTimeoutMs,
      state: parts.state,
      ...platform,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: password.reveal() }),
      ...tlsOf(tls, parts.enrolled),
    }),
    buffer: parts.buffer,
    encoder: parts.encoder,
    messages: { parseAck, parseNocState },
    maxBackoffMs: uplink.retryMaxMs,
    route: currentRoute,
    ...platform,
    hello: (connection, sessionLimits) =>
      helloBody({
        gateway,
        version: packageJson.version,
        devices: equipment.length,
        connection,
        limits: sessionLimits,
        ...parts,
        ...platform,
      }),
  });
}

/** What the file says wins; what it leaves out comes from the enrolment. */
function tlsOf(
  file: NonNullable<GatewayConfiguration["uplink"]>["tls"],
  enrolled: (() => TlsSettings) | undefined,
): { readonly tls?: TlsSettings | (() => TlsSettings) } {
  const own: TlsSettings = {
    ...(file?.ca === undefined ? {} : { ca: file.ca }),
    ...(file?.cert === undefined ? {} : { cert: file.cert }),
    ...(file?.key === undefined ? {} : { key: file.key.reveal() }),
    ...(file?.serverName === undefined ? {} : { servername: file.serverName }),
  };
  if (enrolled === undefined) return file === undefined ? {} : { tls: own };
  return { tls: () => ({ ...enrolled(), ...own }) };
}
