import type { HostHint } from "#ports/discovery.ts";

/** One address somebody was seen at. */
export interface Sighting {
  readonly address: string;
  mac?: string;
  /** Monotonic milliseconds of the last sign of life. */
  aliveAtMs: number;
  /** How it was seen, in words; at most 8. */
  readonly evidence: Set<string>;
  hostName?: string;
  vendor?: string;
  model?: string;
  readonly services: Set<string>;
  openPorts?: readonly number[];
  /** Steps away from what was seen by ourselves. */
  depth: number;
  /** Monotonic milliseconds; ports and name were looked at. */
  lookedAtMs?: number;
}

const maxSightings = 4_096;
const maxEvidence = 8;
const maxServices = 16;

/** Everybody that was seen on the enabled subnets. Beyond the bound whoever was silent longest is forgotten. */
export class Sightings {
  readonly #byAddress = new Map<string, Sighting>();
  forgotten = 0;

  get size(): number {
    return this.#byAddress.size;
  }

  get(address: string): Sighting | undefined {
    return this.#byAddress.get(address);
  }

  all(): Iterable<Sighting> {
    return this.#byAddress.values();
  }

  see(address: string, evidence: string, nowMs: number, more: { readonly mac?: string; readonly depth?: number } = {}): Sighting {
    const known = this.#byAddress.get(address);
    const sighting: Sighting = known ?? { address, aliveAtMs: nowMs, evidence: new Set(), services: new Set(), depth: more.depth ?? 0 };
    // Moves to the end: the map's order is that of the last sign of life.
    this.#byAddress.delete(address);
    this.#byAddress.set(address, sighting);
    sighting.aliveAtMs = nowMs;
    // That an address resolves says nothing new of its distance: it resolves because it was asked.
    sighting.depth = Math.min(sighting.depth, more.depth ?? sighting.depth);
    if (more.mac !== undefined && sighting.mac !== undefined && sighting.mac !== more.mac) forgetOwner(sighting);
    if (more.mac !== undefined) sighting.mac = more.mac;
    if (sighting.evidence.size < maxEvidence) sighting.evidence.add(evidence);
    if (this.#byAddress.size > maxSightings) this.#forgetOldest();
    return sighting;
  }

  hear(hint: HostHint, nowMs: number): void {
    const sighting = this.see(hint.address, `announced itself by ${hint.source}`, nowMs, hint.mac === undefined ? {} : { mac: hint.mac });
    sighting.hostName = hint.hostName ?? sighting.hostName ?? "";
    if (hint.model !== undefined) sighting.model = hint.model;
    if (hint.vendor !== undefined) sighting.vendor = hint.vendor;
    for (const service of hint.services) if (sighting.services.size < maxServices) sighting.services.add(service);
  }

  #forgetOldest(): void {
    const [oldest] = this.#byAddress.keys();
    if (oldest === undefined) return;
    this.#byAddress.delete(oldest);
    this.forgotten += 1;
  }
}

/** Another device took over the address. */
function forgetOwner(sighting: Sighting): void {
  sighting.evidence.clear();
  sighting.services.clear();
  for (const field of ["hostName", "vendor", "model", "openPorts", "lookedAtMs"] as const) delete sighting[field];
}
