import type { EquipmentId } from "#model/equipment.ts";
import type { Column, Metric, Report, TableReport, TableShape } from "#model/report.ts";
import { type Instant, monotonicMs, wallMs } from "#model/time.ts";
import { type DeviceKind, describe, metricOf, Random, Scalars, uptimeAtStart, type Value } from "./scalars.ts";

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

const counterNames = [
  "ifHCInOctets",
  "ifHCOutOctets",
  "ifHCInUcastPkts",
  "ifHCOutUcastPkts",
  "ifHCInMulticastPkts",
  "ifInErrors",
  "ifOutDiscards",
];

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
    plan: { readonly id: string; readonly ports: number; readonly columns: number; readonly kind: DeviceKind },
    busyShare: number,
  ): Device {
    const interfaces = Array.from({ length: plan.ports }, () => this.#interfaceRow(plan.columns, busyShare));
    const scalars = new Scalars(this.#random).of(plan.kind);
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
}

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
