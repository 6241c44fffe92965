import type { EquipmentId } from "#model/equipment.ts";
import type { Column, Metric, MetricKind, Report, TableReport, TableShape } from "#model/report.ts";
import { type Instant, monotonicMs, wallMs } from "#model/time.ts";

/**
 * The site of PROTOCOL 1.1: 20 devices of which 17 carry exactly 1,500 series polled every 60 s: 564 octet and packet counters on 141
 * interfaces, 132 multicast counters, 264 error counters that hardly move, 145 states, 170 constants, 34 texts and 191 gauges. About half of the
 * interfaces are idle, the others carry log-normal loads with a daily curve.
 */
export const siteSeries = 1_500;
export const intervalMs = 60_000;

export interface SiteOptions {
  readonly seed: number;
  /** Share of interfaces that carry traffic. 0.5; 1 = "all ports busy". */
  readonly busyShare?: number;
}

function randomOf(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class Random {
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

/** One value that moves: `step` returns the next one. */
interface Value {
  readonly metric: Metric;
  value: number;
  readonly step: (value: number, at: { readonly secondOfDay: number }) => number;
}

interface CounterRow {
  /** Octets in, octets out, packets in, packets out, multicast, errors, discards: as many as the device has. */
  readonly counters: bigint[];
  readonly increments: number[];
  readonly bytesPerSecond: number;
  readonly bytesPerPacket: number;
  readonly share: number;
  readonly speedMbits: number;
  oper: number;
}

interface Device {
  readonly id: string;
  readonly delayMs: number;
  readonly interfaces: readonly CounterRow[];
  readonly interfaceShape: TableShape | undefined;
  readonly scalars: readonly Value[];
  readonly texts: readonly string[];
  readonly scalarShape: TableShape;
}

const metricOf = (name: string, kind: MetricKind, unit: string, scale = 1): Metric => ({ name, kind, unit, scale });

const counterNames = [
  "ifHCInOctets",
  "ifHCOutOctets",
  "ifHCInUcastPkts",
  "ifHCOutUcastPkts",
  "ifHCInMulticastPkts",
  "ifInErrors",
  "ifOutDiscards",
];
const uptimeAtStart = 60 * 86_400;

export class Site {
  readonly #random: Random;
  readonly #devices: readonly Device[];
  readonly #epochMs: number;
  #interval = 0;

  constructor(options: SiteOptions) {
    this.#random = new Random(options.seed);
    this.#epochMs = 1_795_280_400_000 + options.seed * 86_400_000;
    this.#devices = this.#makeDevices(options.busyShare ?? 0.5);
  }

  /** One poll of every device. The arrays are new each time. */
  poll(): readonly Report[] {
    this.#interval += 1;
    const base = this.#interval * intervalMs;
    return this.#devices.map((device) => this.#pollDevice(device, base));
  }

  #pollDevice(device: Device, baseMs: number): Report {
    const at = instantOf(this.#epochMs, baseMs + device.delayMs + this.#random.below(40));
    const time = { secondOfDay: ((this.#epochMs + baseMs) / 1_000) % 86_400 };
    const tables: TableReport[] = [];
    for (const row of device.interfaces) this.#stepInterface(row, time.secondOfDay);
    for (const scalar of device.scalars) scalar.value = scalar.step(scalar.value, time);
    if (device.interfaceShape !== undefined) tables.push(tableOf(device.interfaceShape, interfaceColumns(device), at));
    tables.push(tableOf(device.scalarShape, scalarColumns(device), at));
    return { kind: "report", equipment: device.id as EquipmentId, observedAt: at, plannedAtMs: at.monotonicMs, tables, gaps: [] };
  }

  #stepInterface(row: CounterRow, secondOfDay: number): void {
    const daily = 0.6 + 0.5 * Math.sin(((secondOfDay - 32_400) / 86_400) * 2 * Math.PI);
    const octets = row.bytesPerSecond === 0 ? 0 : row.bytesPerSecond * 60 * daily * Math.exp(this.#random.normal() * 0.5);
    const back = octets * row.share * Math.exp(this.#random.normal() * 0.3);
    const packets = (bytes: number) => (bytes / row.bytesPerPacket) * Math.exp(this.#random.normal() * 0.05);
    const rare = row.bytesPerSecond > 0 && this.#random.next() < 0.01 ? 1 + this.#random.below(4) : 0;
    const multicast = row.bytesPerSecond === 0 ? 0 : 60 + this.#random.below(40);
    const steps = [octets, back, packets(octets), packets(back), multicast, rare, this.#random.next() < 0.005 ? 1 : 0];
    for (const index of row.counters.keys()) {
      const step = row.bytesPerSecond === 0 ? 0 : Math.round(steps[index] ?? 0);
      row.increments[index] = step;
      row.counters[index] = (row.counters[index] ?? 0n) + BigInt(step);
    }
  }

  #interfaceRow(columns: number, busyShare: number): CounterRow {
    const busy = this.#random.next() < busyShare;
    const bytesPerSecond = busy ? Math.exp(10 + this.#random.normal() * 1.6) : 0;
    const bytesPerPacket = 250 + this.#random.below(900);
    const share = Math.exp(this.#random.normal() * 1.2);
    // An idle port was once used, or never.
    const past = busy ? bytesPerSecond : this.#random.next() < 0.55 ? Math.exp(8 + this.#random.normal() * 2) : 0;
    const octets = past * uptimeAtStart * 0.7;
    const totals = [octets, octets * share, octets / bytesPerPacket, (octets * share) / bytesPerPacket, past > 0 ? uptimeAtStart * 1.3 : 0];
    totals.push(
      past > 0 && this.#random.next() < 0.2 ? this.#random.below(5_000) : 0,
      past > 0 && this.#random.next() < 0.15 ? this.#random.below(900) : 0,
    );
    const blur = () => 0.9 + 0.2 * this.#random.next();
    return {
      counters: totals.slice(0, columns).map((total) => BigInt(Math.round(total * blur()))),
      increments: new Array<number>(columns).fill(0),
      bytesPerSecond,
      bytesPerPacket,
      share,
      speedMbits: this.#random.pick([1_000, 1_000, 1_000, 10_000, 100], 1_000),
      oper: busy ? 1 : this.#random.next() < 0.9 ? 2 : 1,
    };
  }

  #makeDevices(busyShare: number): readonly Device[] {
    const plan = [
      ...Array.from({ length: 4 }, (_, index) => ({ id: `sw-${index + 1}`, ports: 28, columns: 7, kind: "switch" as const })),
      { id: "fw-1", ports: 8, columns: 7, kind: "router" as const },
      ...Array.from({ length: 6 }, (_, index) => ({ id: `ap-${index + 1}`, ports: 2, columns: 7, kind: "ap" as const })),
      ...Array.from({ length: 2 }, (_, index) => ({ id: `ups-${index + 1}`, ports: 0, columns: 0, kind: "ups" as const })),
      ...Array.from({ length: 4 }, (_, index) => ({
        id: `srv-${index + 1}`,
        ports: index === 0 ? 3 : 2,
        columns: 4,
        kind: "server" as const,
      })),
    ];
    return plan.map((one) => this.#makeDevice(one, busyShare));
  }

  #makeDevice(
    plan: { readonly id: string; readonly ports: number; readonly columns: number; readonly kind: keyof typeof describe },
    busyShare: number,
  ): Device {
    const interfaces = Array.from({ length: plan.ports }, () => this.#interfaceRow(plan.columns, busyShare));
    const scalars = [...this.#commonScalars(), ...this.#ownScalars(plan.kind)];
    const interfaceMetrics = [
      ...counterNames.slice(0, plan.columns).map((name) => metricOf(name, "counter", name.includes("Octets") ? "By" : "{packet}")),
      metricOf("ifOperStatus", "state", "enum:ifOperStatus"),
      metricOf("ifHighSpeed", "gauge", "Mbit/s"),
    ];
    const textMetrics = [metricOf("sysDescr", "text", ""), metricOf("sysName", "text", "")];
    return {
      id: plan.id,
      delayMs: this.#random.below(20_000),
      interfaces,
      interfaceShape: plan.ports === 0 ? undefined : shapeOf(plan.id, "IF-MIB:ifXTable", interfaceMetrics, portRows(plan.id, plan.ports)),
      scalars,
      texts: [describe[plan.kind], `${plan.id}.acme.lan`],
      scalarShape: shapeOf(plan.id, "scalars", [...textMetrics, ...scalars.map((scalar) => scalar.metric)], [{ key: "", labels: {} }]),
    };
  }

  #commonScalars(): Value[] {
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

  #ownScalars(kind: keyof typeof describe): Value[] {
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

const describe = {
  switch: "Example Networks ES-2800 28-port gigabit switch, software 15.2(7)E10, release build 2231",
  router: "Example Networks EF-60 firewall, firmware 7.2.8 build 1639",
  ap: "Example Networks EA-300 access point, firmware 6.5.28",
  ups: "Example Power EP-1500 management card, application 3.1.0",
  server: "Linux 6.1.0-28-amd64 #1 SMP PREEMPT_DYNAMIC Debian x86_64",
} as const;

function instantOf(epochMs: number, monotonic: number): Instant {
  return { wallMs: wallMs(epochMs + monotonic), monotonicMs: monotonicMs(monotonic), bootId: "b7c10000", quality: "synced" };
}

function portRows(id: string, ports: number): TableShape["rows"] {
  return Array.from({ length: ports }, (_, port) => {
    const ifName = id.startsWith("srv") ? `eth${port}` : `Gi1/0/${port + 1}`;
    return { key: ifName, labels: { ifIndex: `${10_100 + port + 1}`, ifName } };
  });
}

function shapeOf(equipment: string, table: string, metrics: readonly Metric[], rows: TableShape["rows"]): TableShape {
  return { equipment: equipment as EquipmentId, table, revision: 1, intervalMs, metrics, rows };
}

function tableOf(shape: TableShape, columns: readonly Column[], observedAt: Instant): TableReport {
  return { shape, columns, observedAt, elapsedMs: intervalMs };
}

function numberColumn(values: readonly number[]): Column {
  return { kind: "number", present: new Uint8Array(values.length).fill(1), value: Float64Array.from(values) };
}

function interfaceColumns(device: Device): Column[] {
  const rows = device.interfaces;
  const present = new Uint8Array(rows.length).fill(1);
  const count = rows[0]?.counters.length ?? 0;
  const counters = Array.from(
    { length: count },
    (_, index): Column => ({
      kind: "counter",
      present,
      absolute: BigUint64Array.from(rows, (row) => row.counters[index] ?? 0n),
      increment: Float64Array.from(rows, (row) => row.increments[index] ?? 0),
    }),
  );
  return [...counters, numberColumn(rows.map((row) => row.oper)), numberColumn(rows.map((row) => row.speedMbits))];
}

function scalarColumns(device: Device): Column[] {
  const present = Uint8Array.of(1);
  return [
    ...device.texts.map((text): Column => ({ kind: "text", present, value: [text] })),
    ...device.scalars.map((scalar) => numberColumn([scalar.value])),
  ];
}
