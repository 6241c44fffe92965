import { isGatewayError } from "#model/errors.ts";
import type { AgentGreeting, DeviceReader, LinkFacts, LinkRequest } from "#ports/discovery.ts";
import type { SnmpSession } from "#ports/snmp.ts";
import { readArp, readOwnAddresses } from "./addresses.ts";
import { readBridge, readForwarding } from "./bridge.ts";
import { readCdp } from "./cdp.ts";
import { PortIndex, readPorts } from "./interfaces.ts";
import { readLldp } from "./lldp.ts";
import { bytesOf, numberOf, type Reading, textOf } from "./table.ts";

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
  const ports = await readPorts(reading);
  const index = new PortIndex(ports);
  const section = async <T>(what: string, fallback: T, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!isGatewayError(error) || signal.aborted) throw error;
      note(`${what}: ${error.code}`);
      return fallback;
    }
  };
  const noBridge = { ports: new Map<number, number>() };
  const bridge: Awaited<ReturnType<typeof readBridge>> = await section("bridge", noBridge, () => readBridge(reading));
  const lldp = await section("LLDP", { neighbours: [] }, () => readLldp(reading, index, bridge.ports));
  const cdp = await section("CDP", [], () => readCdp(reading, index));
  const learnt = await section("forwarding table", [], () => readForwarding(reading, bridge.ports, inVlan));
  const addresses = await section("own addresses", [], () => readOwnAddresses(reading));
  const arp = await section("ARP table", [], () => readArp(reading));
  return {
    ...(bridge.address === undefined ? {} : { bridgeAddress: bridge.address }),
    ...("chassis" in lldp && lldp.chassis !== undefined ? { chassis: lldp.chassis } : {}),
    ...("sysName" in lldp && lldp.sysName !== undefined ? { lldpSysName: lldp.sysName } : {}),
    addresses,
    ports,
    neighbours: [...lldp.neighbours, ...cdp],
    learnt,
    arp,
    ...(bridge.rootIfIndex === undefined ? {} : { rootIfIndex: bridge.rootIfIndex }),
    notes,
  };
}

/** A reader whose knowledge of vendors comes from outside: what a device is, is the snmp driver's business. */
export function createDeviceReader(describe: DeviceReader["describe"]): DeviceReader {
  return { greet, describe, links: readLinks };
}
