import { classify } from "./classify.ts";
import type { KnownDevice } from "./device-book.ts";
import { strongestKey } from "./identity.ts";
import type { Finding } from "./proposals.ts";
import type { Sighting } from "./sightings.ts";

/** A device that answers SNMP, with what it is and how that is known. */
export function findingOfDevice(device: KnownDevice, sighting: Sighting | undefined): Finding | undefined {
  const [address] = device.addresses;
  if (address === undefined || device.greeting === undefined) return undefined;
  const { description, greeting, credential, keys } = device;
  const identity = description?.identity;
  const members = description?.members.length ?? 0;
  const identified = strongestKey(keys);
  const evidence = [
    ...(credential === undefined ? [] : [`answers SNMP with credential ${credential}`]),
    ...(identified === undefined ? ["has nothing that identifies it; told apart by its address"] : [`identified by ${identified}`]),
    ...(device.addresses.length > 1 ? [`one device at ${device.addresses.length} addresses`] : []),
    ...(members > 1 ? [`a stack of ${members} members`] : []),
    ...(sighting?.evidence ?? []),
    ...(identity?.evidence ?? []),
    ...(device.links?.notes ?? []),
  ];
  return {
    address,
    addresses: device.addresses,
    port: device.port,
    deviceClass: identity?.deviceClass ?? "unknown",
    keys,
    ...optional("vendor", identity?.vendor),
    ...optional("model", identity?.model),
    ...optional("serial", identity?.serial),
    ...optional("sysName", greeting.sysName),
    ...optional("mac", sighting?.mac),
    ...optional("credential", credential),
    ...(members > 1 ? { members } : {}),
    evidence,
  };
}

/** A host without SNMP is worth a proposal only where it is clear that it belongs to the infrastructure. */
export function findingOfHost(sighting: Sighting, port: number): Finding | undefined {
  const { deviceClass, evidence } = classify(sighting);
  if (deviceClass === "unknown") return undefined;
  return {
    address: sighting.address,
    addresses: [sighting.address],
    port,
    deviceClass,
    keys: { serials: [], ...optional("mac", sighting.mac) },
    ...optional("vendor", sighting.vendor),
    ...optional("model", sighting.model),
    ...optional("sysName", sighting.hostName),
    ...optional("mac", sighting.mac),
    evidence: [...evidence, ...sighting.evidence, "answers SNMP with none of the subnet's credentials"],
  };
}

function optional<K extends string>(name: K, value: string | undefined): { readonly [key in K]?: string } {
  return value === undefined || value === "" ? {} : ({ [name]: value } as { readonly [key in K]?: string });
}
