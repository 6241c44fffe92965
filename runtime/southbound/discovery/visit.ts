import type { SnmpCredential } from "#model/equipment.ts";
import { isGatewayError } from "#model/errors.ts";
import type { AgentGreeting, DeviceDescription, LinkFacts } from "#ports/discovery.ts";
import type { SnmpSession } from "#ports/snmp.ts";
import type { KnownDevice } from "./device-book.ts";
import { identityKeys } from "./identity.ts";
import { pacedSession } from "./paced-session.ts";
import type { SiteParts } from "./parts.ts";
import { gentle, type KnownEquipment } from "./settings.ts";
import type { Sighting } from "./sightings.ts";

export interface VisitRequest {
  readonly sighting: Sighting;
  /** Of the subnet, in order. */
  readonly credentials: readonly string[];
  readonly snmpPort: number;
}

interface Door {
  readonly name: string;
  readonly credential: SnmpCredential;
  readonly port: number;
}

/** Learnt addresses of the whole site; a device beyond it keeps none. */
const maxLearntOfSite = 50_000;
const maxLearntOfDevice = 4_096;

/**
 * One address, asked by SNMP: with the credential that worked, else with those that may be tried, one each two seconds. Who answers is read
 * and entered in the book. @returns whether somebody answered
 */
export async function visit(request: VisitRequest, site: SiteParts, signal: AbortSignal): Promise<boolean> {
  const { address, mac } = request.sighting;
  const known = site.book.byAddress(address);
  if (known !== undefined && !isDue(known, address, site.clock.monotonicMs())) return true;
  const owner = site.book.aliasOwner(address, mac);
  if (owner !== undefined) {
    site.book.addAddress(owner, address);
    return true;
  }
  const equipment = site.equipment().find((one) => one.address === address);
  let nextTryMs = site.clock.monotonicMs();
  for (const door of doorsOf(request, equipment, site)) {
    // From start to start: who refuses at once is not asked faster than who is silent.
    await site.clock.sleep(nextTryMs - site.clock.monotonicMs(), signal);
    nextTryMs = site.clock.monotonicMs() + gentle.credentialSpacingMs;
    if (await tryDoor(door, request.sighting, equipment, site, signal)) return true;
  }
  return false;
}

/** Neighbours are read at the first address; the others are looked at once a day, when everything is read anew. */
function isDue(device: KnownDevice, address: string, nowMs: number): boolean {
  const intervalMs = device.addresses[0] === address ? gentle.neighbourIntervalMs : gentle.describeIntervalMs;
  return device.linkedAtMs === undefined || nowMs - device.linkedAtMs >= intervalMs;
}

function doorsOf(
  { sighting, credentials, snmpPort }: VisitRequest,
  equipment: KnownEquipment | undefined,
  site: SiteParts,
): readonly Door[] {
  if (equipment !== undefined) {
    const credential = equipment.credential === undefined ? undefined : site.credential(equipment.credential);
    return credential === undefined ? [] : [{ name: equipment.credential ?? "", credential, port: equipment.port }];
  }
  const names = site.memory.untried(sighting.address, sighting.mac, credentials, site.clock.now().wallMs);
  const doors = names.flatMap((name) => {
    const credential = site.credential(name);
    return credential === undefined ? [] : [{ name, credential, port: snmpPort }];
  });
  // Who answers to several is asked with the best: v3 before v2c before v1, else in the order of the subnet (the sort is stable).
  return doors.sort((left, right) => rank(right.credential) - rank(left.credential));
}

function rank({ version }: SnmpCredential): number {
  return version === "3" ? 3 : version === "2c" ? 2 : 1;
}

async function tryDoor(
  door: Door,
  sighting: Sighting,
  equipment: KnownEquipment | undefined,
  site: SiteParts,
  signal: AbortSignal,
): Promise<boolean> {
  const { address, mac } = sighting;
  const target = { address, timeoutMs: gentle.snmpTimeoutMs, retries: gentle.snmpRetries };
  const open = (credential: SnmpCredential): SnmpSession =>
    pacedSession(site.snmp.open({ ...target, port: door.port, credential }), site.pace);
  const session = open(door.credential);
  try {
    const greeting = await site.reader.greet(session, signal);
    if (equipment === undefined) site.memory.succeeded(address, mac, door.name);
    await enter({ door, sighting, equipment, greeting, session, open }, site, signal);
    return true;
  } catch (error) {
    if (!isGatewayError(error) || signal.aborted) throw error;
    if (equipment === undefined) site.memory.failed(address, mac, door.name, site.clock.now().wallMs);
    site.logger.debug({ address, credential: door.name, code: error.code }, "no answer to a discovery probe");
    return false;
  } finally {
    session.close();
  }
}

interface Opened {
  readonly door: Door;
  readonly sighting: Sighting;
  readonly equipment: KnownEquipment | undefined;
  readonly greeting: AgentGreeting;
  readonly session: SnmpSession;
  readonly open: (credential: SnmpCredential) => SnmpSession;
}

/** Reads what is due and enters the device; a reading that fails leaves what was known. */
async function enter({ door, sighting, equipment, greeting, session, open }: Opened, site: SiteParts, signal: AbortSignal): Promise<void> {
  const nowMs = site.clock.monotonicMs();
  const deadlineMs = nowMs + gentle.readDeadlineMs;
  const known = site.book.byAddress(sighting.address);
  const isFresh = known !== undefined && isStillDescribed(known, sighting, greeting, nowMs);
  const description = isFresh ? known.description : await attempt(() => site.reader.describe(session, deadlineMs, signal), signal);
  const inVlan = perVlan(door.credential, greeting);
  const request = { session, deadlineMs, ...(inVlan === undefined ? {} : { inVlan: (vlan: number) => open(inVlan(vlan)) }) };
  const links = await attempt(() => site.reader.links(request, signal), signal);
  const device = site.book.settle({
    address: sighting.address,
    port: door.port,
    greeting,
    keys: identityKeys(greeting.engineId, description, links),
    credential: door.name,
  });
  if (device === undefined) return;
  device.greetedAtMs = nowMs;
  device.linkedAtMs = nowMs;
  if (equipment !== undefined) device.equipment = equipment.id;
  if (description !== undefined && !isFresh) device.description = description;
  if (description !== undefined && !isFresh) device.described = { atMs: nowMs, address: sighting.address, mac: sighting.mac };
  if (links !== undefined) device.links = bounded(links, device, site);
  followNeighbours(device, sighting.depth, site);
}

/** Who restarted may have another firmware; who has another name, kind or MAC address may be another device. */
function isStillDescribed(
  { greeting: before, described }: KnownDevice,
  { address, mac }: Sighting,
  now: AgentGreeting,
  nowMs: number,
): boolean {
  if (before === undefined || described === undefined || nowMs - described.atMs >= gentle.describeIntervalMs) return false;
  const restarted = (now.sysUpTimeTicks ?? 0) < (before.sysUpTimeTicks ?? 0);
  const same = (["sysObjectId", "engineId", "sysDescr", "sysName"] as const).every((field) => before[field] === now[field]);
  return same && !restarted && described.address === address && described.mac === mac;
}

async function attempt<T extends DeviceDescription | LinkFacts>(read: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!isGatewayError(error) || signal.aborted) throw error;
    return undefined;
  }
}

/** Cisco IOS keeps a forwarding table per VLAN: community@vlan, or context vlan-N. Others may take such a community for a wrong one. */
function perVlan(credential: SnmpCredential, { sysObjectId }: AgentGreeting): ((vlan: number) => SnmpCredential) | undefined {
  if (!sysObjectId.startsWith("1.3.6.1.4.1.9.")) return undefined;
  return (vlan) =>
    credential.version === "3"
      ? { ...credential, context: `vlan-${vlan}` }
      : { ...credential, community: `${credential.community}@${vlan}` };
}

function bounded(links: LinkFacts, device: KnownDevice, site: SiteParts): LinkFacts {
  const others = site.book.devices.reduce((sum, one) => sum + (one === device ? 0 : (one.links?.learnt.length ?? 0)), 0);
  const room = Math.min(maxLearntOfDevice, Math.max(0, maxLearntOfSite - others));
  return links.learnt.length <= room ? links : { ...links, learnt: links.learnt.slice(0, room) };
}

/** Whom a device names is alive as well, if a person enabled the subnet it is in; three steps away is far enough. */
function followNeighbours(device: KnownDevice, depth: number, { book, clock, inScope, sightings }: SiteParts): void {
  const nowMs = clock.monotonicMs();
  for (const { address, mac } of device.links?.arp ?? []) {
    if (inScope(address))
      sightings.see(address, `in the ARP table of ${device.label}`, nowMs, { mac, depth: sightings.get(address)?.depth ?? depth });
  }
  if (depth >= gentle.maxDepth) return;
  for (const { addresses, protocol } of device.links?.neighbours ?? []) {
    for (const address of addresses) {
      if (inScope(address) && book.byAddress(address) !== device)
        sightings.see(address, `named by ${device.label} in ${protocol.toUpperCase()}`, nowMs, { depth: depth + 1 });
    }
  }
}
