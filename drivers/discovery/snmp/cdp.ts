import type { LinkNeighbour } from "#ports/discovery.ts";
import { labelOf, type PortIndex } from "./interfaces.ts";
import { addressOf, cdpId } from "./link-id.ts";
import { arcsOf, bytesOf, type Part, type Reading, rowsOf, textOf } from "./table.ts";

const maxNeighbours = 512;

/** cdpCacheEntry. */
export const cdpRoots = {
  cdp: { what: "CDP neighbours", oid: "1.3.6.1.4.1.9.9.23.1.2.1.1", maxRows: 4_096 },
} as const;

/** Neighbours by CDP (CISCO-CDP-MIB). The index begins with the ifIndex. @throws GatewayError driver.* */
export function cdpOf(reading: Reading, cache: Part, ports: PortIndex): readonly LinkNeighbour[] {
  const rows = rowsOf(reading, cache);
  return [...rows].slice(0, maxNeighbours).flatMap(([index, row]) => {
    const [ifIndex] = arcsOf(index);
    const device = bytesOf(row.get(6));
    if (ifIndex === undefined || device.length === 0) return [];
    const port = ports.byIfIndex.get(ifIndex);
    const chassis = cdpId(device);
    const address = addressOf(bytesOf(row.get(4)));
    return [
      {
        protocol: "cdp" as const,
        ...(port === undefined ? {} : { localIfIndex: ifIndex }),
        localPort: port === undefined ? String(ifIndex) : labelOf(port),
        chassis,
        port: { kind: "text" as const, value: textOf(row.get(7)) },
        portDescr: "",
        // `name(serial)` and `serial(name)` occur; the name alone is what can be compared.
        sysName: chassis.kind === "text" ? chassis.value.replace(/\(.*\)$/, "") : "",
        sysDescr: textOf(row.get(8)),
        addresses: address === undefined || address === "0.0.0.0" ? [] : [address],
      },
    ];
  });
}
