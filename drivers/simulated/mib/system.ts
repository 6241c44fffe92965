import { type Device, exampleVendor } from "../device.ts";

/** SNMPv2-MIB system, SNMP-FRAMEWORK-MIB snmpEngine, HOST-RESOURCES hrSystem. */
export function addSystem(device: Device, services: number): void {
  const text = (take: (value: string) => void) => (value: number | Buffer) => {
    if (typeof value === "number" || value.length > 255) return false;
    take(value.toString("utf8"));
    return true;
  };
  device.tree
    .scalars("1.3.6.1.2.1.1", [
      [1, "octet-string", () => device.identity.sysDescr],
      [2, "oid", () => `${exampleVendor}.1.${device.identity.productArc}`],
      [3, "timeticks", () => device.upTimeTicks],
      [4, "octet-string", () => device.contact, text((value) => (device.contact = value))],
      [5, "octet-string", () => device.sysName, text((value) => (device.sysName = value))],
      [6, "octet-string", () => device.location, text((value) => (device.location = value))],
      [7, "integer", () => services],
    ])
    .scalars("1.3.6.1.6.3.10.2.1", [
      [1, "octet-string", () => Buffer.from(device.engineId, "hex")],
      [2, "integer", () => device.engineBoots],
      [3, "integer", () => device.upTimeS],
      [4, "integer", () => 1_472],
    ]);
}

/** ENTITY-MIB: the chassis, with the serial number that inventory looks for. */
export function addChassis(device: Device): void {
  device.tree
    .table("1.3.6.1.2.1.47.1.1.1.1", [device], () => 1, [
      [2, "octet-string", () => `${device.identity.model} chassis`],
      [3, "oid", () => `${exampleVendor}.1.${device.identity.productArc}`],
      [4, "integer", () => 0],
      [5, "integer", () => 3],
      [6, "integer", () => -1],
      [7, "octet-string", () => "Chassis"],
      [8, "octet-string", () => "A1"],
      [9, "octet-string", () => device.firmware],
      [10, "octet-string", () => device.firmware],
      [11, "octet-string", () => device.serial],
      [12, "octet-string", () => "Example Networks"],
      [13, "octet-string", () => device.identity.model],
      [16, "integer", () => 1],
    ])
    .scalars("1.3.6.1.2.1.47.1.4", [[1, "timeticks", () => 0]]);
}
