import type { Device } from "../device.ts";

export interface Supply {
  readonly index: number;
  readonly description: string;
  /** PrtMarkerSuppliesTypeTC: 3 toner, 4 wasteToner, 9 opc (drum). */
  readonly type: number;
  /** 3 supplyThatIsConsumed, 4 receptacleThatIsFilled. */
  readonly supplyClass: number;
  readonly capacity: number;
  readonly level: () => number;
}

export interface InputTray {
  readonly index: number;
  readonly name: string;
  readonly capacity: number;
  readonly level: () => number;
}

export interface PrinterReadings {
  readonly printing: () => boolean;
  readonly pages: () => number;
  readonly supplies: readonly Supply[];
  readonly trays: readonly InputTray[];
  /** hrPrinterDetectedErrorState bits, 0 = lowPaper (highest bit of the first octet). */
  readonly errorBits: () => readonly number[];
  readonly display: () => string;
}

/** Printer-MIB (RFC 3805) and the printer part of HOST-RESOURCES-MIB. */
export function addPrinter(device: Device, printer: PrinterReadings): void {
  const one = [1];
  device.tree
    .table("1.3.6.1.2.1.25.3.2.1", one, (row) => row, [
      [1, "integer", (row) => row],
      [2, "oid", () => "1.3.6.1.2.1.25.3.1.5"],
      [3, "octet-string", () => device.identity.model],
      [5, "integer", () => (printer.errorBits().length > 0 ? 3 : 2)],
    ])
    .table("1.3.6.1.2.1.25.3.5.1", one, (row) => row, [
      [1, "integer", () => (printer.printing() ? 4 : 3)],
      [2, "octet-string", () => bits(printer.errorBits())],
    ])
    .scalars("1.3.6.1.2.1.25.1", [[1, "timeticks", () => device.upTimeTicks]])
    .table("1.3.6.1.2.1.43.5.1.1", one, (row) => row, [
      [1, "counter32", () => 1],
      [16, "octet-string", () => device.sysName],
      [17, "octet-string", () => device.serial],
    ])
    .table("1.3.6.1.2.1.43.6.1.1", one, (row) => `1.${row}`, [
      [2, "octet-string", () => "Front cover"],
      [3, "integer", () => 4],
    ])
    .table("1.3.6.1.2.1.43.8.2.1", printer.trays, (tray) => `1.${tray.index}`, [
      [9, "integer", (tray) => tray.capacity],
      [10, "integer", (tray) => Math.round(tray.level())],
      [13, "octet-string", (tray) => tray.name],
      [18, "octet-string", (tray) => tray.name],
    ])
    .table("1.3.6.1.2.1.43.10.2.1", one, (row) => `1.${row}`, [
      [3, "integer", () => 7],
      [4, "counter32", printer.pages],
      [5, "counter32", () => printer.pages() % 1_000],
    ])
    .table("1.3.6.1.2.1.43.11.1.1", printer.supplies, (supply) => `1.${supply.index}`, [
      [4, "integer", (supply) => supply.supplyClass],
      [5, "integer", (supply) => supply.type],
      [6, "octet-string", (supply) => supply.description],
      [7, "integer", () => 7],
      [8, "integer", (supply) => supply.capacity],
      [9, "integer", (supply) => Math.round(supply.level())],
    ])
    .table("1.3.6.1.2.1.43.16.5.1", one, (row) => `1.${row}`, [[2, "octet-string", printer.display]]);
}

function bits(set: readonly number[]): Buffer {
  const octets = Buffer.alloc(2);
  for (const bit of set) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return octets;
}
