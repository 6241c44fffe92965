import type { SnmpCredential } from "#model/equipment.ts";
import type { State } from "#ports/state.ts";
import { LanNetwork } from "../../drivers/discovery/lan-network.ts";
import { createSnmpEngine } from "../../drivers/snmp/engine/engine.ts";
import { loadProfiles } from "../../drivers/snmp/profiles/load-profiles.ts";
import { deviceReader } from "../parts-discovery.ts";
import type { Platform } from "../parts-platform.ts";
import { Discovery } from "../southbound/discovery/discovery.ts";
import type { DiscoverySubnet } from "../southbound/discovery/settings.ts";

export interface ScanOptions extends Platform {
  readonly subnet: DiscoverySubnet;
  readonly credential: (name: string) => SnmpCredential | undefined;
  readonly permitLoopback: boolean;
  readonly profilesDir?: string;
}

/** Discovery for one scan by hand: it keeps nothing and tells nobody but the caller. */
export function createScan(options: ScanOptions): { readonly discovery: Discovery; close(): Promise<void> } {
  const { subnet, credential, permitLoopback, profilesDir, clock, entropy, logger } = options;
  const platform = { clock, entropy, logger };
  const snmp = createSnmpEngine(platform);
  const profiles = loadProfiles(profilesDir === undefined ? {} : { userDir: profilesDir });
  const discovery = new Discovery({
    settings: { subnets: [subnet], autoAccept: [], maxDevices: 500, pollIntervalMs: 60_000 },
    ...platform,
    network: new LanNetwork({ ...platform, reverseDns: !permitLoopback }),
    snmp,
    reader: deviceReader(profiles, clock),
    state: new ForgetfulState(),
    sink: { offer: () => undefined },
    credential,
    equipment: () => [],
    permitLoopback,
  });
  return { discovery, close: () => snmp.close() };
}

/** State of one run of a tool. */
class ForgetfulState implements State {
  readonly #entries = new Map<string, Uint8Array | string>();

  get(key: string): Uint8Array | undefined {
    const value = this.#entries.get(key);
    return typeof value === "string" ? new TextEncoder().encode(value) : value;
  }

  getText(key: string): string | undefined {
    const value = this.#entries.get(key);
    return value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
  }

  put(entries: Readonly<Record<string, Uint8Array | string | undefined>>): void {
    for (const [key, value] of Object.entries(entries)) {
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, value);
    }
  }

  keys(prefix: string, limit: number): readonly string[] {
    return [...this.#entries.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort()
      .slice(0, limit);
  }

  close(): void {
    this.#entries.clear();
  }
}
