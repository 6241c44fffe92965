import { isEquipmentId } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";
import type { DeviceIdentity } from "#model/observation.ts";
import type { Clock } from "#ports/clock.ts";
import type { SnmpSession } from "#ports/snmp.ts";
import type { EntityRow } from "../inventory/facts.ts";
import { identify } from "../inventory/identify.ts";
import { readFacts, readMoreFacts } from "../inventory/read-facts.ts";
import { vendorProbes } from "../inventory/vendor-probes.ts";
import { builtInSets } from "../metric-sets/built-in-sets.ts";
import { Notices } from "../session/notices.ts";
import { KnownResults, probeTables } from "../session/probe-tables.ts";
import { ReportCellsPool } from "../session/report-cells.ts";
import { parseSettings } from "../settings.ts";
import { type InterfaceFacts, readInterfaces } from "./ports.ts";
import type { ProfileBook } from "./profile-book.ts";
import { createProfileSource } from "./profile-source.ts";

export interface Identified {
  readonly identity: DeviceIdentity;
  /** Metric sets that the device has. */
  readonly sets: readonly string[];
  readonly interfaces: readonly InterfaceFacts[];
  readonly entities: readonly EntityRow[];
  /** Names of the profiles that apply, the one that knows it best first. */
  readonly profiles: readonly string[];
}

export interface IdentifyRequest {
  readonly book: ProfileBook;
  readonly clock: Clock;
  /** Monotonic milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Profiles forced by name. */
  readonly profile?: string;
}

/** Finds out what one device is, with the very rules by which the driver does. @throws GatewayError driver.* */
export async function identifyDevice(session: SnmpSession, request: IdentifyRequest): Promise<Identified> {
  const { book, clock, deadlineMs, signal, profile } = request;
  const equipment = "identified";
  if (!isEquipmentId(equipment)) throw new GatewayError("driver.unsupported");
  const settings = parseSettings(undefined);
  const notices = new Notices(equipment);
  const exchange = {
    session,
    clock,
    deadlineMs,
    signal,
    outer: signal,
    pollIntervalMs: 60_000,
    settings,
    notices,
    cells: new ReportCellsPool(),
  };
  const sets = (await probeTables(builtInSets, exchange, new KnownResults())).sets.map((set) => set.name);
  const interfaces = await readInterfaces(exchange);
  const rules = [...builtInSets, ...vendorProbes];
  const source = createProfileSource(book);
  const macAddresses = interfaces.flatMap(({ macAddress }) => (macAddress === "" ? [] : [macAddress]));
  const first = await readFacts({ equipment, rules, ...source, sets, macAddresses }, exchange);
  const { names, identifiers } = source.select(first, profile);
  const facts = await readMoreFacts(first, identifiers, exchange);
  return { identity: identify(facts, rules, identifiers), sets, interfaces, entities: facts.entities, profiles: names };
}
