import type { Equipment } from "#model/equipment.ts";
import type { Checks } from "#ports/checks.ts";
import type { History } from "#ports/history.ts";
import type { HostNetwork } from "#ports/host-network.ts";
import type { Intake } from "#ports/intake.ts";
import type { SnmpEngine } from "#ports/snmp.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { enumerations } from "../drivers/snmp/metric-sets/enumerations.ts";
import { enumerationsOf } from "../drivers/snmp/profiles/enumeration-names.ts";
import type { ProfileBook } from "../drivers/snmp/profiles/profile-book.ts";
import { AlarmEngine } from "./alarms/alarm-engine.ts";
import { conditionsOf, rulesOf, unknownDisabled, windowsAt } from "./alarms/configured.ts";
import type { UplinkFact } from "./alarms/verdict/site-facts.ts";
import type { ReceiverState } from "./alarms/watch/own-watch.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import { KernelNetwork } from "./host/host-network.ts";
import { diskUsed } from "./host/machine.ts";
import type { Link } from "./northbound/link.ts";
import { deviceReader, snmpCredentialOf } from "./parts-discovery.ts";
import type { Platform } from "./parts-platform.ts";
import { alarmStatus } from "./roles/alarm-handlers.ts";
import { SiteTopologyReader } from "./southbound/site-topology.ts";
import { FileAlarmLog } from "./store/alarm-log.ts";

export interface AlarmAssembly {
  readonly stateDir: string;
  readonly state: State;
  readonly history: History | undefined;
  readonly engine: SnmpEngine;
  readonly profiles: ProfileBook;
  /** What is polled, as it is now. */
  readonly equipment: () => readonly Equipment[];
  readonly link: Pick<Link, "status"> | undefined;
  /** Whose every run counts, not only what is news. */
  readonly checks: Pick<Checks, "onResult">;
  readonly receivers?: { states(): readonly ReceiverState[] };
  /** For simulation; this machine's own otherwise. */
  readonly network?: HostNetwork;
}

/** The alarm engine and the map of the site that it goes by. */
export function openAlarms(
  configuration: GatewayConfiguration,
  parts: AlarmAssembly,
  platform: Platform,
): {
  readonly engine: AlarmEngine;
  readonly topology: SiteTopologyReader;
  readonly feeders: (intake: Intake) => readonly Unit[];
  readonly sections: Readonly<Record<string, () => unknown>>;
} {
  const { gateway, alarms, uplink } = configuration;
  const { state, history, equipment, link } = parts;
  for (const name of unknownDisabled(alarms)) platform.logger.warn({ name }, "alarms.disable names a condition that does not exist");
  const network = parts.network ?? new KernelNetwork();
  const topology = new SiteTopologyReader({
    equipment,
    credential: snmpCredentialOf(configuration.credentials),
    engine: parts.engine,
    reader: deviceReader(parts.profiles, platform.clock),
    state,
    ...platform,
    defaultGateway: async () => (await network.read(new AbortController().signal)).defaultRoute?.gateway,
  });
  const ofProfiles = enumerationsOf(parts.profiles.profiles.values());
  const nocHost = uplink === undefined ? undefined : URL.parse(uplink.url)?.hostname;
  const engine = new AlarmEngine({
    gateway: gateway.id,
    ...platform,
    ...{ state, topology, network, log: new FileAlarmLog(parts.stateDir, platform.logger) },
    ...(history === undefined ? {} : { history }),
    equipment,
    conditions: conditionsOf(alarms),
    genericStates: alarms.defaults,
    rules: rulesOf(alarms),
    ports: alarms.ports,
    maintenance: (nowMs) => windowsAt(alarms.maintenance, nowMs),
    unreachableAfterMs: alarms.unreachableAfterMs,
    meanings: (name) => enumerations[name] ?? ofProfiles.get(name),
    uplink: () => uplinkFact(link),
    diskUsed: () => diskUsed(parts.stateDir),
    receivers: () => parts.receivers?.states() ?? [],
    ...(nocHost === undefined ? {} : { nocHost }),
  });
  parts.checks.onResult((result) => engine.observe(result));
  return {
    ...{ engine, topology },
    feeders: (intake) => [engine.feeds(intake), topology],
    sections: { alarms: () => alarmStatus(engine), verdict: () => engine.verdict() },
  };
}

function uplinkFact(link: Pick<Link, "status"> | undefined): UplinkFact {
  if (link === undefined) return { state: "none", answered: false, sinceMs: 0, reason: "", code: "" };
  const { state, answered, lastError } = link.status();
  return {
    state: state === "connected" ? "connected" : "down",
    answered,
    sinceMs: lastError?.atMs ?? 0,
    reason: lastError?.reason ?? "",
    code: lastError?.code ?? "",
  };
}
