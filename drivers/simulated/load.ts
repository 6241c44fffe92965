import { normalAt, seedOf, uniformAt } from "./random.ts";

/** Rates are constant within a cell, counters linear: cheap, and independent of how often anybody reads. */
const cellMs = 5_000;
const hourMs = 3_600_000;
/** Memory of the log-normal noise from one cell to the next: bursts of about half a minute. */
const persistence = 0.85;
const sigma = 0.7;

export interface Direction {
  octets: number;
  unicast: number;
  multicast: number;
  broadcast: number;
  errors: number;
}

/** Office hours in UTC: 0.12 at night, 1 in the late morning and the afternoon. */
export function diurnalFactor(dayMs: number): number {
  const hour = dayMs / hourMs;
  const bump = (centre: number, width: number) => Math.exp(-(((hour - centre) / width) ** 2));
  return Math.min(1, 0.12 + 0.85 * bump(10.5, 2.4) + 0.8 * bump(15, 2.4) + 0.25 * bump(20, 1.8));
}

export interface FlowOptions {
  readonly name: string;
  readonly seed: number;
  /** Mean towards the client in working hours, octets per second. */
  readonly downOctetsPerS: number;
  readonly upOctetsPerS: number;
  /** Mean packet size, octets. */
  readonly downPacketOctets: number;
  readonly upPacketOctets: number;
  /** A backup, a camera: does not follow office hours. */
  readonly steady: boolean;
}

/**
 * Traffic of one client, counted once and shown by every interface that it crosses, so that an uplink is the sum of the ports behind it.
 * Log-normal noise with memory over the time of day. `enabled` is changed by the site only after `advanceTo` the moment of the change.
 */
export class Flow {
  readonly name: string;
  readonly down: Direction = { octets: 0, unicast: 0, multicast: 0, broadcast: 0, errors: 0 };
  readonly up: Direction = { octets: 0, unicast: 0, multicast: 0, broadcast: 0, errors: 0 };
  enabled = true;
  /** Multiplies the traffic: a fault or a scenario. */
  boost = 1;
  /** Extra input errors per second: a bad cable. */
  errorsPerS = 0;
  readonly #options: FlowOptions;
  readonly #dayStartMs: number;
  #noise: number;
  #cell = 0;
  #atMs = 0;

  /** @param dayStartMs time of day at the site's start, UTC */
  constructor(options: FlowOptions, dayStartMs: number) {
    this.name = options.name;
    this.#options = options;
    this.#dayStartMs = dayStartMs;
    this.#noise = sigma * normalAt(options.seed, -1);
  }

  /** Octets per second towards the client now, noise and time of day included. */
  get downOctetsPerS(): number {
    return this.enabled ? this.#factor() * this.#options.downOctetsPerS : 0;
  }

  get upOctetsPerS(): number {
    return this.enabled ? this.#factor() * this.#options.upOctetsPerS : 0;
  }

  /** @param elapsedMs since the site's start; never goes back */
  advanceTo(elapsedMs: number): void {
    while (this.#atMs < elapsedMs) {
      const cellEndMs = (this.#cell + 1) * cellMs;
      const untilMs = Math.min(cellEndMs, elapsedMs);
      this.#count((untilMs - this.#atMs) / 1_000);
      this.#atMs = untilMs;
      if (untilMs === cellEndMs) this.#nextCell();
    }
  }

  #nextCell(): void {
    this.#cell += 1;
    this.#noise = persistence * this.#noise + Math.sqrt(1 - persistence ** 2) * sigma * normalAt(this.#options.seed, this.#cell);
    if (!this.enabled) return;
    // About one damaged frame in two hours per client.
    if (uniformAt(this.#options.seed + 7, this.#cell) < 0.0007) this.up.errors += 1;
  }

  #factor(): number {
    const hours = this.#options.steady ? 0.6 : diurnalFactor((this.#dayStartMs + this.#cell * cellMs) % (24 * hourMs));
    const quiet = this.#options.steady ? 0.2 : 1;
    return this.boost * hours * Math.exp(quiet * this.#noise - (quiet * sigma ** 2) / 2);
  }

  #count(seconds: number): void {
    if (!this.enabled) return;
    const { downPacketOctets, upPacketOctets } = this.#options;
    const factor = this.#factor();
    // Besides the load: keep-alives, ARP, LLDP and announcements; 90-octet frames.
    const chatter = { multicast: 0.4 * seconds, broadcast: 0.9 * seconds };
    for (const [side, octetsPerS, packetOctets] of [
      [this.down, this.#options.downOctetsPerS, downPacketOctets],
      [this.up, this.#options.upOctetsPerS, upPacketOctets],
    ] as const) {
      const octets = (factor * octetsPerS + 40) * seconds;
      const share = side === this.down ? 1 : 0.1;
      side.octets += octets + 90 * share * (chatter.multicast + chatter.broadcast);
      side.unicast += octets / packetOctets;
      side.multicast += share * chatter.multicast;
      side.broadcast += share * chatter.broadcast;
    }
    this.up.errors += this.errorsPerS * seconds;
  }
}

/** A client with a typical appetite: log-normal over clients, median 60 kB/s down in working hours. */
export function officeClient(siteSeed: number, name: string, dayStartMs: number): Flow {
  const seed = seedOf(`${siteSeed}/${name}`);
  const downOctetsPerS = 60_000 * Math.exp(1.1 * normalAt(seed, -2));
  return new Flow(
    {
      name,
      seed,
      downOctetsPerS,
      upOctetsPerS: downOctetsPerS * (0.08 + 0.3 * uniformAt(seed, -3)),
      downPacketOctets: 700 + 500 * uniformAt(seed, -4),
      upPacketOctets: 150 + 350 * uniformAt(seed, -5),
      steady: false,
    },
    dayStartMs,
  );
}
