import type { DevicePort } from "#ports/discovery.ts";
import { macOf } from "./link-id.ts";
import { bytesOf, columnOf, numberOf, type Parts, type Reading, textOf } from "./table.ts";

const ifEntry = "1.3.6.1.2.1.2.2.1";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";
const maxPorts = 1_024;

/** What is read of the interfaces. The ifIndex column is not: the instance says it. */
export const portRoots = {
  descrs: { what: "interfaces", oid: `${ifEntry}.2`, maxRows: maxPorts },
  types: { what: "interfaces", oid: `${ifEntry}.3`, maxRows: maxPorts },
  macs: { what: "interfaces", oid: `${ifEntry}.6`, maxRows: maxPorts },
  names: { what: "interface names", oid: `${ifXEntry}.1`, maxRows: maxPorts },
  aliases: { what: "interface aliases", oid: `${ifXEntry}.18`, maxRows: maxPorts },
} as const;

/** The interfaces of a device, by ifIndex. @throws GatewayError driver.* when not all could be asked for */
export function portsOf(reading: Reading, read: Parts<typeof portRoots>): readonly DevicePort[] {
  const [descrs, types, macs] = [columnOf(reading, read.descrs), columnOf(reading, read.types), columnOf(reading, read.macs)];
  const names = columnOf(reading, read.names);
  const aliases = columnOf(reading, read.aliases);
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
  readonly #ports: readonly DevicePort[];
  /** Made when first asked for: most devices have nobody beside them who says what it is called. */
  #fields: readonly ReadonlyMap<string, DevicePort | undefined>[] | undefined;
  #macs: ReadonlyMap<string, DevicePort | undefined> | undefined;

  constructor(ports: readonly DevicePort[]) {
    this.#ports = ports;
    this.byIfIndex = new Map(ports.map((port) => [port.ifIndex, port]));
  }

  byText(text: string): DevicePort | undefined {
    if (text === "") return undefined;
    // ifDescr before ifAlias: what people write into the alias may be the name of another port.
    this.#fields ??= (["name", "descr", "alias"] as const).map((field) => unique(this.#ports, (port) => port[field]));
    for (const field of this.#fields) {
      const port = field.get(text);
      if (port !== undefined) return port;
    }
    return undefined;
  }

  byMac(mac: string): DevicePort | undefined {
    this.#macs ??= unique(this.#ports, (port) => port.mac ?? "");
    return this.#macs.get(mac);
  }
}

function unique(ports: readonly DevicePort[], key: (port: DevicePort) => string): ReadonlyMap<string, DevicePort | undefined> {
  const found = new Map<string, DevicePort | undefined>();
  for (const port of ports) found.set(key(port), found.has(key(port)) ? undefined : port);
  return found;
}
