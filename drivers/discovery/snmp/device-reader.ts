import { isGatewayError } from "#model/errors.ts";
import type { AgentGreeting, DeviceReader, LinkFacts, LinkRequest } from "#ports/discovery.ts";
import type { SnmpSession, Varbind } from "#ports/snmp.ts";
import { addressRoots, arpOf, inetAddressRoots, ownAddressesOf } from "./addresses.ts";
import { type BridgeFacts, bridgeOf, bridgePortRoots, bridgeScalars, plainRoots, readUntagged, taggedOf, taggedRoots } from "./bridge.ts";
import { cdpOf, cdpRoots } from "./cdp.ts";
import { PortIndex, portRoots, portsOf } from "./interfaces.ts";
import { type LldpFacts, lldpRoots, lldpScalars, readLldp } from "./lldp.ts";
import { bytesOf, isEmpty, numberOf, type Reading, readTogether, textOf } from "./table.ts";

const greetingOids = [
  "1.3.6.1.2.1.1.1.0",
  "1.3.6.1.2.1.1.2.0",
  "1.3.6.1.2.1.1.5.0",
  "1.3.6.1.2.1.1.3.0",
  "1.3.6.1.6.3.10.2.1.1.0",
] as const;
const maxNotes = 16;

/** One GET: is somebody there, and who. @throws GatewayError driver.* */
export async function greet(session: SnmpSession, signal: AbortSignal): Promise<AgentGreeting> {
  const [descr, objectId, name, upTime, engine] = await session.get(greetingOids, signal);
  const said = Buffer.from(bytesOf(engine)).toString("hex");
  const engineId = session.engine()?.engineId ?? said;
  const sysUpTimeTicks = numberOf(upTime);
  return {
    sysDescr: textOf(descr),
    sysObjectId: textOf(objectId),
    sysName: textOf(name),
    ...(sysUpTimeTicks === undefined ? {} : { sysUpTimeTicks }),
    ...(engineId === "" ? {} : { engineId }),
  };
}

/**
 * Who is beside this device. A section that fails costs itself only and leaves a note; if the device falls silent, what was read until
 * then counts. @throws GatewayError driver.* when not even the interfaces answer
 */
export async function readLinks({ session, deadlineMs, inVlan }: LinkRequest, signal: AbortSignal): Promise<LinkFacts> {
  const notes: string[] = [];
  const note = (sentence: string): void => {
    if (notes.length < maxNotes && !notes.includes(sentence)) notes.push(sentence);
  };
  const reading: Reading = { session, deadlineMs, signal, note };
  const numbers = await readTogether(reading, { ...portRoots, ...bridgePortRoots });
  const ports = portsOf(reading, numbers);
  const index = new PortIndex(ports);
  const section = async <T>(what: string, fallback: T, read: () => T | Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!isGatewayError(error) || signal.aborted) throw error;
      note(`${what}: ${error.code}`);
      return fallback;
    }
  };
  const scalars = await readScalars(reading);
  const tables = await readTogether(reading, { ...lldpRoots, ...cdpRoots, ...taggedRoots, ...addressRoots });
  const noBridge = { ports: new Map<number, number>() };
  const bridge: Omit<BridgeFacts, "learnt"> = await section("bridge", noBridge, async () =>
    bridgeOf(reading, numbers.bridgePorts, await scalars.bridge()),
  );
  const lldp: LldpFacts = await section("LLDP", { neighbours: [] }, async () =>
    readLldp(reading, tables, await scalars.lldp(), { ports: index, bridgePorts: bridge.ports }),
  );
  const cdp = await section("CDP", [], () => cdpOf(reading, tables.cdp, index));
  const tagged = await section("forwarding table", undefined, () => taggedOf(reading, tables, bridge.ports));
  const isUntagged = tagged !== undefined && tagged.length === 0;
  const others = await readTogether(reading, {
    plainPorts: isUntagged ? plainRoots.plainPorts : undefined,
    plainStatus: isUntagged ? plainRoots.plainStatus : undefined,
    ownInet: isEmpty(tables.own) ? inetAddressRoots.ownInet : undefined,
    arpInet: isEmpty(tables.arp) ? inetAddressRoots.arpInet : undefined,
  });
  const untagged = isUntagged ? await section("forwarding table", [], () => readUntagged(reading, others, bridge.ports, inVlan)) : [];
  const addresses = await section("own addresses", [], () => ownAddressesOf(reading, tables.own, others.ownInet));
  const arp = await section("ARP table", [], () => arpOf(reading, tables.arp, others.arpInet));
  return {
    ...(bridge.address === undefined ? {} : { bridgeAddress: bridge.address }),
    ...(lldp.chassis === undefined ? {} : { chassis: lldp.chassis }),
    ...(lldp.sysName === undefined ? {} : { lldpSysName: lldp.sysName }),
    addresses,
    ports,
    neighbours: [...lldp.neighbours, ...cdp],
    learnt: [...(tagged ?? []), ...untagged],
    arp,
    ...(bridge.rootIfIndex === undefined ? {} : { rootIfIndex: bridge.rootIfIndex }),
    notes,
  };
}

const scalarOids = [...bridgeScalars, ...lldpScalars];

/** What is said once, in one GET; where that fails each section asks for its own, so that it fails for itself. */
async function readScalars({ session, signal }: Reading): Promise<Record<"bridge" | "lldp", () => Promise<readonly Varbind[]>>> {
  try {
    const answers = await session.get(scalarOids, signal);
    return {
      bridge: async () => answers.slice(0, bridgeScalars.length),
      lldp: async () => answers.slice(bridgeScalars.length),
    };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { bridge: () => session.get(bridgeScalars, signal), lldp: () => session.get(lldpScalars, signal) };
  }
}

/** A reader whose knowledge of vendors comes from outside: what a device is, is the snmp driver's business. */
export function createDeviceReader(describe: DeviceReader["describe"]): DeviceReader {
  return { greet, describe, links: readLinks };
}
