import type { EquipmentId } from "#model/equipment.ts";

/** One subnet that a person enabled. Nothing is on by default. */
export interface DiscoverySubnet {
  readonly cidr: string;
  readonly enabled: boolean;
  /** false: nothing is asked that was not seen passively. */
  readonly activeSweep: boolean;
  /** Names of credentials in the order they are tried; empty = no SNMP at all. At most 5. */
  readonly credentials: readonly string[];
  /** Addresses and networks that are never sent a packet; applied before anything else. */
  readonly exclude: readonly string[];
  /** A person confirmed more than 1,024 addresses. */
  readonly confirmLarge: boolean;
  readonly snmpPort: number;
}

export interface DiscoverySettings {
  readonly subnets: readonly DiscoverySubnet[];
  /** Device classes that site policy accepts without asking. */
  readonly autoAccept: readonly string[];
  /** Devices of the whole site. */
  readonly maxDevices: number;
  /** Of equipment that is accepted. */
  readonly pollIntervalMs: number;
}

/** What the gateway polls already: its address is known to be wanted, and its credential to be right. */
export interface KnownEquipment {
  readonly id: EquipmentId;
  readonly address: string;
  readonly port: number;
  readonly credential?: string;
}

/** The limits and intervals of discovery. Not configurable: they are what keeps it gentle. */
export const gentle = {
  maxCredentials: 5,
  /** /22. */
  maxAddresses: 1_024,
  /** /16, confirmed, and cut into /24s. */
  maxConfirmedAddresses: 65_536,
  maxSubnets: 32,
  maxDepth: 3,
  /** With a burst of 5: never more than 50 in any second. */
  packetsPerSecond: 45,
  packetBurst: 5,
  echoPerSecond: 20,
  echoBurst: 5,
  echoTimeoutMs: 1_000,
  connectsPerSecond: 5,
  connectTimeoutMs: 1_000,
  connectPorts: [22, 80, 443, 445, 554, 3389, 5060, 8080, 9100],
  snmpTargets: 16,
  snmpTimeoutMs: 1_000,
  snmpRetries: 1,
  credentialSpacingMs: 2_000,
  refusedRetryMs: 24 * 3_600_000,
  arpIntervalMs: 60_000,
  sweepIntervalMs: 3_600_000,
  neighbourIntervalMs: 900_000,
  describeIntervalMs: 24 * 3_600_000,
  hostIntervalMs: 24 * 3_600_000,
  readDeadlineMs: 120_000,
  ssdpMxS: 3,
  /** A host that nobody saw for this long is not asked. */
  aliveMs: 2 * 3_600_000,
  lossLimit: 0.1,
  lossFactor: 0.25,
  mdnsServices: [
    "_services._dns-sd._udp",
    "_ipp._tcp",
    "_printer._tcp",
    "_http._tcp",
    "_ssh._tcp",
    "_smb._tcp",
    "_axis-video._tcp",
    "_rtsp._tcp",
  ],
} as const;
