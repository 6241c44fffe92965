import type { LinkNeighbour } from "#ports/discovery.ts";
import { labelOf, type PortIndex } from "./interfaces.ts";
import { addressOf, cdpId } from "./link-id.ts";
import { arcsOf, bytesOf, type Reading, readEntry, textOf } from "./table.ts";

const cdpCacheEntry = "1.3.6.1.4.1.9.9.23.1.2.1.1";
const maxCells = 4_096;
const maxNeighbours = 512;

/** Neighbours by CDP (CISCO-CDP-MIB). The index begins with the ifIndex. @throws GatewayError driver.* */
export async function readCdp(reading: Reading, ports: PortIndex): Promise<readonly LinkNeighbour[]> {
  const rows = await readEntry(reading, "CDP neighbours", cdpCacheEntry, maxCells);
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
