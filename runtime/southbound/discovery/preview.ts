import type { EchoMethod } from "#ports/discovery.ts";
import type { Scope } from "./scope.ts";
import { type DiscoverySubnet, gentle } from "./settings.ts";

/** What a scan of a subnet would do, before it does anything. */
export interface DiscoveryPreview {
  readonly cidr: string;
  readonly addresses: number;
  readonly parts: number;
  readonly credentials: readonly string[];
  readonly activeSweep: boolean;
  readonly echoMethod: EchoMethod;
  readonly packetsPerSecondMax: number;
  /** Seconds: the sweep alone, with a quarter of the addresses alive, and with all of them alive and refusing every credential. */
  readonly estimatedS: { readonly sweep: number; readonly typical: number; readonly most: number };
}

/** Packets for reading one device: 63 (UPS) to 105 (24-port switch) were counted at the simulated site; large forwarding tables cost more. */
const packetsPerDevice = 80;
const liveShare = 0.25;

export function previewOf(scope: Scope, subnet: DiscoverySubnet, method: EchoMethod, packetsPerEcho: number): DiscoveryPreview {
  const addresses = scope.size;
  const sweepS = subnet.activeSweep ? (addresses * packetsPerEcho) / gentle.echoPerSecond + gentle.echoTimeoutMs / 1_000 : 0;
  const tries = subnet.credentials.length;
  const perTargetS = (gentle.credentialSpacingMs / 1_000) * tries + gentle.snmpTimeoutMs / 1_000;
  const snmpS = (live: number, refusing: number): number =>
    tries === 0
      ? 0
      : Math.max(
          (refusing * perTargetS) / gentle.snmpTargets,
          (refusing * tries * (1 + gentle.snmpRetries) + (live - refusing) * packetsPerDevice) / gentle.packetsPerSecond,
        );
  const hostsS = (hosts: number): number =>
    subnet.activeSweep ? (hosts * gentle.connectPorts.length) / gentle.connectsPerSecond + gentle.ssdpMxS + 3 : 0;
  const live = addresses * liveShare;
  const round = (seconds: number): number => Math.ceil(seconds);
  return {
    cidr: scope.cidr,
    addresses,
    parts: [...scope.parts()].length,
    credentials: subnet.credentials,
    activeSweep: subnet.activeSweep,
    echoMethod: method,
    packetsPerSecondMax: gentle.packetsPerSecond + gentle.packetBurst,
    estimatedS: {
      sweep: round(sweepS),
      typical: round(sweepS + snmpS(live, live / 2) + hostsS(live / 2)),
      most: round(sweepS + snmpS(addresses, addresses) + hostsS(addresses)),
    },
  };
}
