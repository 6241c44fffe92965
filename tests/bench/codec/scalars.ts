import type { Metric, MetricKind } from "#model/report.ts";

export const uptimeAtStart = 60 * 86_400;

function randomOf(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Seeded, so that every run of the bench measures the same site. */
export class Random {
  readonly next: () => number;
  constructor(seed: number) {
    this.next = randomOf(seed);
  }
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }
  pick<T>(items: readonly T[], otherwise: T): T {
    return items[this.below(items.length)] ?? otherwise;
  }
}

export const describe = {
  switch: "Example Networks ES-2800 28-port gigabit switch, software 15.2(7)E10, release build 2231",
  router: "Example Networks EF-60 firewall, firmware 7.2.8 build 1639",
  ap: "Example Networks EA-300 access point, firmware 6.5.28",
  ups: "Example Power EP-1500 management card, application 3.1.0",
  server: "Linux 6.1.0-28-amd64 #1 SMP PREEMPT_DYNAMIC Debian x86_64",
} as const;

export type DeviceKind = keyof typeof describe;

/** One value that moves: `step` returns the next one. */
export interface Value {
  readonly metric: Metric;
  value: number;
  readonly step: (value: number, at: { readonly secondOfDay: number }) => number;
}

export const metricOf = (name: string, kind: MetricKind, unit: string, scale = 1): Metric => ({ name, kind, unit, scale });

/** Values that a device has once: load, memory, temperatures, battery. */
export class Scalars {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  of(kind: DeviceKind): Value[] {
    return [...this.#common(), ...this.#own(kind)];
  }

  #common(): Value[] {
    const ticks = Math.round((uptimeAtStart + this.#random.below(2_000_000)) * 100);
    const rtt = 0.3 + this.#random.next() * 2;
    return [
      { metric: metricOf("sysUpTime", "gauge", "cs"), value: ticks, step: (value) => value + 6_000 + this.#random.below(9) - 4 },
      {
        metric: metricOf("icmpRttMs", "gauge", "ms", 1_000),
        value: rtt,
        step: () => Math.round(rtt * Math.exp(this.#random.normal() * 0.15) * 1_000) / 1_000,
      },
    ];
  }

  /** Moves with probability `chance` by about `size`, rounded to the scale, and drifts back to where it began. */
  #wandering(name: string, unit: string, start: number, size: number, chance: number, scale = 1): Value {
    const step = (value: number) => {
      if (this.#random.next() >= chance) return value;
      const moved = value + this.#random.normal() * size + (start - value) * 0.1;
      return Math.max(0, Math.round(moved * scale) / scale);
    };
    return { metric: metricOf(name, "gauge", unit, scale), value: start, step };
  }

  #constant(name: string, value: number, kind: MetricKind = "gauge"): Value {
    return { metric: metricOf(name, kind, ""), value, step: (same) => same };
  }

  #own(kind: DeviceKind): Value[] {
    const r = this.#random;
    const percent = (name: string, chance = 0.85) => this.#wandering(name, "%", 5 + r.below(40), 4, chance);
    const many = (count: number, make: (index: number) => Value) => Array.from({ length: count }, (_, index) => make(index));
    if (kind === "ups") {
      return [
        this.#constant("upsOutputSource", 3, "state"),
        this.#constant("upsBatteryStatus", 2, "state"),
        percent("upsOutputPercentLoad", 0.6),
        this.#wandering("upsInputVoltage", "V", 2_300 + r.below(40), 6, 0.9),
        this.#wandering("upsOutputVoltage", "V", 2_300, 2, 0.4),
        this.#wandering("upsBatteryVoltage", "V", 546, 1, 0.3),
        this.#wandering("upsBatteryTemperature", "Cel", 26, 1, 0.05),
        this.#wandering("upsEstimatedMinutesRemaining", "min", 47, 1, 0.3),
        this.#wandering("upsEstimatedChargeRemaining", "%", 100, 1, 0.02),
        this.#constant("upsConfigInputVoltage", 230),
        this.#constant("upsConfigOutputVA", 1_500),
      ];
    }
    if (kind === "server") {
      return [
        ...many(8, (index) => percent(`hrProcessorLoad.${index}`, 0.9)),
        ...many(3, (index) => this.#wandering(`laLoad.${index}`, "1", 0.7, 0.15, 0.9, 100)),
        ...many(4, (index) => this.#wandering(`memUsed.${index}`, "KiBy", 4_000_000 + r.below(9_000_000), 30_000, 0.9)),
        ...many(4, (index) => this.#wandering(`hrStorageUsed.${index}`, "{block}", 20_000_000 + r.below(90_000_000), 500, 0.35)),
        ...many(2, (index) => this.#wandering(`temperature.${index}`, "Cel", 41 + r.below(12), 1, 0.25)),
        this.#constant("memTotal", 32_768_000),
        ...many(4, (index) => this.#constant(`hrStorageSize.${index}`, 240_000_000 + r.below(9_000_000))),
      ];
    }
    if (kind === "switch") {
      return [
        percent("cpu5min"),
        this.#wandering("memUsed", "By", 180_000_000 + r.below(9_000_000), 20_000, 0.9),
        ...many(3, (index) => this.#wandering(`temperature.${index}`, "Cel", 38 + r.below(9), 1, 0.15)),
        this.#constant("memTotal", 536_870_912),
      ];
    }
    if (kind === "router") {
      return [
        percent("cpu"),
        this.#wandering("sessions", "1", 4_200, 150, 1),
        this.#wandering("temperature", "Cel", 52, 1, 0.2),
        this.#constant("memTotal", 4_096),
      ];
    }
    return [
      ...many(2, (index) => this.#wandering(`clients.${index}`, "1", 6 + r.below(14), 1.5, 0.4)),
      ...many(2, (index) => percent(`channelUtilisation.${index}`)),
      ...many(2, (index) => this.#wandering(`noiseFloor.${index}`, "dBm", 92, 1, 0.4)),
    ];
  }
}
