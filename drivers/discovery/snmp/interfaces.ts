import type { DevicePort } from "#ports/discovery.ts";
import { macOf } from "./link-id.ts";
import { bytesOf, numberOf, type Reading, readColumn, textOf } from "./table.ts";

const ifDescr = "1.3.6.1.2.1.2.2.1.2";
const ifType = "1.3.6.1.2.1.2.2.1.3";
const ifPhysAddress = "1.3.6.1.2.1.2.2.1.6";
const ifName = "1.3.6.1.2.1.31.1.1.1.1";
const ifAlias = "1.3.6.1.2.1.31.1.1.1.18";
const maxPorts = 1_024;

/** The interfaces of a device, by ifIndex. The ifIndex column is not read: the instance says it. */
export async function readPorts(reading: Reading): Promise<readonly DevicePort[]> {
  const [descrs, types, macs] = [
    await readColumn(reading, "interfaces", ifDescr, maxPorts),
    await readColumn(reading, "interfaces", ifType, maxPorts),
    await readColumn(reading, "interfaces", ifPhysAddress, maxPorts),
  ];
  const names = await readColumn(reading, "interface names", ifName, maxPorts);
  const aliases = await readColumn(reading, "interface aliases", ifAlias, maxPorts);
  const indices = [...new Set([...descrs.keys(), ...names.keys()])].filter((index) => /^\d+$/.test(index)).slice(0, maxPorts);
  return indices.map((index) => {
    const mac = macOf(bytesOf(macs.get(index)));
    const type = numberOf(types.get(index));
    return {
      ifIndex: Number(index),
      name: textOf(names.get(index)),
      descr: textOf(descrs.get(index)),
      alias: textOf(aliases.get(index)),
      ...(mac === undefined || mac === "00:00:00:00:00:00" ? {} : { mac }),
      ...(type === undefined ? {} : { type }),
    };
  });
}

/** What a port is called by people. */
export function labelOf(port: DevicePort): string {
  return port.name || port.descr || port.alias || String(port.ifIndex);
}

/** Finds interfaces by what they are called; a name that two interfaces share finds none. */
export class PortIndex {
  readonly byIfIndex: ReadonlyMap<number, DevicePort>;
  readonly #fields: readonly ReadonlyMap<string, DevicePort | undefined>[];
  readonly #macs: ReadonlyMap<string, DevicePort | undefined>;

  constructor(ports: readonly DevicePort[]) {
    this.byIfIndex = new Map(ports.map((port) => [port.ifIndex, port]));
    // ifDescr before ifAlias: what people write into the alias may be the name of another port.
    this.#fields = (["name", "descr", "alias"] as const).map((field) => unique(ports, (port) => port[field]));
    this.#macs = unique(ports, (port) => port.mac ?? "");
  }

  byText(text: string): DevicePort | undefined {
    if (text === "") return undefined;
    for (const field of this.#fields) {
      const port = field.get(text);
      if (port !== undefined) return port;
    }
    return undefined;
  }

  byMac(mac: string): DevicePort | undefined {
    return this.#macs.get(mac);
  }
}

function unique(ports: readonly DevicePort[], key: (port: DevicePort) => string): ReadonlyMap<string, DevicePort | undefined> {
  const found = new Map<string, DevicePort | undefined>();
  for (const port of ports) found.set(key(port), found.has(key(port)) ? undefined : port);
  return found;
}
