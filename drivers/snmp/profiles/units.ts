import type { MetricSet } from "../metric-sets/metric-set.ts";

/**
 * Neither dialect states units. Names that this gateway's own sets use have the unit that they have there; others are told by the ending
 * that vendors give their objects. What is not known stays without a unit.
 */
export class UnitTable {
  readonly #byName = new Map<string, string>();

  constructor(sets: readonly MetricSet[]) {
    for (const set of sets) {
      for (const table of set.tables) {
        // A converted column has the unit of the converted value.
        for (const { metric, unit, convert } of table.columns)
          if (convert === undefined && !unit.startsWith("enum:")) this.#byName.set(metric, unit);
      }
    }
  }

  /** UCUM; "" = unknown. */
  unitOf(name: string): string {
    const known = this.#byName.get(name) ?? wellKnown[name];
    if (known !== undefined) return known;
    return endings.find(([ending]) => ending.test(name))?.[1] ?? "";
  }
}

/** Names that the dialects give by convention. */
const wellKnown: Readonly<Record<string, string>> = {
  CPU: "%",
  MemoryUtilization: "%",
  "cpu.usage": "%",
  "memory.usage": "%",
  "memory.total": "By",
  "memory.used": "By",
  "memory.free": "By",
  sysUpTime: "cs",
  sysUpTimeInstance: "cs",
  hrSystemUptime: "cs",
  ifInOctets: "By",
  ifOutOctets: "By",
  ifHCInOctets: "By",
  ifHCOutOctets: "By",
  ifSpeed: "bit/s",
  ifHighSpeed: "Mbit/s",
  hrProcessorLoad: "%",
  hrMemorySize: "KiBy",
  upsEstimatedMinutesRemaining: "min",
  upsEstimatedChargeRemaining: "%",
  upsSecondsOnBattery: "s",
};

const endings: readonly (readonly [RegExp, string])[] = [
  [/(Octets|Bytes)$/i, "By"],
  [/(Pkts|Packets)$/, "{packet}"],
  [/(Percent|Percentage|Utilization|Util)$/i, "%"],
  [/(Milliseconds|Millis)$/i, "ms"],
  [/Seconds$/, "s"],
  [/(Celsius|TemperatureC)$/i, "Cel"],
];
