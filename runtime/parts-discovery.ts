import type { Equipment, SnmpCredential } from "#model/equipment.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { DeviceDescription, DeviceReader, DiscoveryNetwork } from "#ports/discovery.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { SnmpEngine } from "#ports/snmp.ts";
import type { State } from "#ports/state.ts";
import { LanNetwork } from "../drivers/discovery/lan-network.ts";
import { createDeviceReader } from "../drivers/discovery/snmp/device-reader.ts";
import { meaningful } from "../drivers/snmp/inventory/facts.ts";
import { identifyDevice } from "../drivers/snmp/profiles/identify-device.ts";
import type { ProfileBook } from "../drivers/snmp/profiles/profile-book.ts";
import type { CredentialVault } from "./config/credential-vault.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import type { Platform } from "./parts-platform.ts";
import { Discovery } from "./southbound/discovery/discovery.ts";

/** Says what a device is by the very rules by which it will be polled. */
export function deviceReader(book: ProfileBook, clock: Clock): DeviceReader {
  return createDeviceReader(async (session, deadlineMs, signal): Promise<DeviceDescription> => {
    const { identity, entities } = await identifyDevice(session, { book, clock, deadlineMs, signal });
    const members = entities.flatMap((row) => {
      const serial = row.class === "chassis" ? meaningful(row.serial) : undefined;
      return serial === undefined ? [] : [{ serial, model: row.model }];
    });
    return { identity, members: members.slice(0, 16) };
  });
}

/** undefined = no such credential, or none for SNMP. */
export function snmpCredentialOf(vault: CredentialVault): (name: string) => SnmpCredential | undefined {
  return (name) => {
    try {
      return vault.credential(name).snmp;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefined;
    }
  };
}

export interface DiscoveryAssembly {
  readonly state: State;
  readonly sink: EventSink;
  readonly engine: SnmpEngine;
  readonly profiles: ProfileBook;
  /** What is configured now; the configuration's own by default. */
  readonly equipment?: () => readonly Equipment[];
  /** For tests; this machine's LAN otherwise. */
  readonly network?: DiscoveryNetwork;
}

/** Discovery as the configuration wants it. It sends nothing unless a subnet is enabled. */
export function openDiscovery(configuration: GatewayConfiguration, parts: DiscoveryAssembly, platform: Platform): Discovery {
  const { discovery, credentials, equipment } = configuration;
  const { leaseFiles, ...settings } = discovery;
  return new Discovery({
    settings,
    ...platform,
    network: parts.network ?? new LanNetwork({ ...platform, ...(leaseFiles === undefined ? {} : { leaseFiles }) }),
    snmp: parts.engine,
    reader: deviceReader(parts.profiles, platform.clock),
    state: parts.state,
    sink: parts.sink,
    credential: snmpCredentialOf(credentials),
    equipment: parts.equipment ?? (() => equipment),
  });
}
