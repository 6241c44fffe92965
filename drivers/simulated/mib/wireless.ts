import { type Device, exampleVendor } from "../device.ts";

export interface Radio {
  readonly index: number;
  readonly name: string;
  readonly ssid: string;
  readonly channel: number;
  readonly stations: () => number;
  readonly channelUsePercent: () => number;
}

/**
 * Stations per network and use of the channel: in the objects of UBNT-UniFi-MIB, which the built-in metric sets read, and below the
 * example vendor.
 */
export function addWireless(device: Device, radios: readonly Radio[]): void {
  const index = (radio: Radio) => radio.index;
  device.tree
    .table("1.3.6.1.4.1.41112.1.6.1.1.1", radios, index, [
      [2, "octet-string", (radio) => radio.name],
      [6, "integer", (radio) => Math.round(radio.channelUsePercent())],
    ])
    .table("1.3.6.1.4.1.41112.1.6.1.2.1", radios, index, [
      [4, "integer", (radio) => radio.channel],
      [6, "octet-string", (radio) => radio.ssid],
      [8, "integer", (radio) => radio.stations()],
    ])
    .scalars("1.3.6.1.4.1.41112.1.6.3", [
      [3, "octet-string", () => device.identity.model],
      [6, "octet-string", () => device.firmware],
    ])
    .table(`${exampleVendor}.4.1.1`, radios, index, [
      [2, "octet-string", (radio) => radio.ssid],
      [3, "gauge32", (radio) => radio.stations()],
      [4, "gauge32", (radio) => Math.round(radio.channelUsePercent())],
    ]);
}
