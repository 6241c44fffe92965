import type { SnmpCredential } from "#model/equipment.ts";
import type { Clock } from "#ports/clock.ts";
import type { DeviceReader, DiscoveryNetwork } from "#ports/discovery.ts";
import type { Logger } from "#ports/logger.ts";
import type { SnmpEngine } from "#ports/snmp.ts";
import type { Permits } from "../../concurrency/permits.ts";
import type { CredentialMemory } from "./credential-memory.ts";
import type { DeviceBook } from "./device-book.ts";
import type { Pace } from "./pace.ts";
import type { KnownEquipment } from "./settings.ts";
import type { Sightings } from "./sightings.ts";

/** What all subnets of a site share. */
export interface SiteParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly network: DiscoveryNetwork;
  readonly snmp: SnmpEngine;
  readonly reader: DeviceReader;
  /** undefined = no such credential, or none for SNMP. */
  readonly credential: (name: string) => SnmpCredential | undefined;
  readonly equipment: () => readonly KnownEquipment[];
  readonly pace: Pace;
  /** Devices that are asked at the same time, over the whole site. */
  readonly permits: Permits;
  readonly book: DeviceBook;
  readonly sightings: Sightings;
  readonly memory: CredentialMemory;
  /** Whether an address lies in an enabled subnet, excluded ones taken out. */
  readonly inScope: (address: string) => boolean;
}
