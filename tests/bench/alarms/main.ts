/**
 * `npm run bench -- alarms`: what 500 conditions on 100 switches of 48 ports cost the gateway: CPU and memory over reports that carry no
 * conditions at all. Reports are made beforehand; only judging is measured.
 */

import { enumerations } from "../../../drivers/snmp/metric-sets/enumerations.ts";
import { AlarmEngine } from "../../../runtime/alarms/alarm-engine.ts";
import { type ConfiguredCondition, conditionsOf } from "../../../runtime/alarms/configured.ts";
import { defaultNotificationRules } from "../../../runtime/alarms/watch/notification-rules.ts";
import { isEquipmentId } from "../../../runtime/model/equipment.ts";
import type { Column, Report, TableShape } from "../../../runtime/model/report.ts";
import { MemoryState, StepClock } from "../../alarms/alarm-doubles.ts";
import { cables, counter, gauge, stateMetric } from "../../alarms/alarm-kit.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { silentLogger } from "../../sim/silent-logger.ts";

const switches = 100;
const ports = 48;
const polls = Number(process.env["POLLS"] ?? 60);
const own = 500;

const metrics = [
  ...[stateMetric("ifAdminStatus"), stateMetric("ifOperStatus")],
  ...[
    "ifHCInOctets",
    "ifHCOutOctets",
    "ifHCInUcastPkts",
    "ifHCOutUcastPkts",
    "ifInErrors",
    "ifOutErrors",
    "ifInDiscards",
    "ifOutDiscards",
  ].map(counter),
];
const systemMetrics = [gauge("hrProcessorLoad"), gauge("memUsed"), gauge("memTotal"), gauge("temperature", "Cel")];

function shapeOf(id: string, table: string, columns: TableShape["metrics"], rows: number): TableShape {
  if (!isEquipmentId(id)) throw new Error(id);
  const keys = Array.from({ length: rows }, (_, row) => (rows === 1 ? "" : `gi${row + 1}`));
  const labels = { ifType: "ethernetCsmacd" };
  return {
    equipment: id,
    table,
    revision: 1,
    intervalMs: 60_000,
    metrics: columns,
    rows: keys.map((key, index) => ({ key, labels: { ...labels, ifIndex: String(index + 1) } })),
  };
}

function columnsOf(shape: TableShape, turn: number): readonly Column[] {
  const rows = shape.rows.length;
  const present = new Uint8Array(rows).fill(1);
  return shape.metrics.map((metric, index): Column => {
    if (metric.kind !== "counter")
      return { kind: "number", present, value: new Float64Array(rows).fill(metric.kind === "state" ? 1 : 20 + ((turn + index) % 10)) };
    const increment = Float64Array.from({ length: rows }, (_, row) => (index > 5 ? 0 : 1_000 * (row + 1) + turn));
    return { kind: "counter", present, absolute: new BigUint64Array(rows), increment };
  });
}

/** Five for each switch, of each kind that runs with a poll. */
function conditions(): readonly ConfiguredCondition[] {
  const shared = { severity: "minor", holdS: 120, clearHoldS: 0, forS: 900, days: 30 } as const;
  return Array.from({ length: own }, (_, index): ConfiguredCondition => {
    const equipment = [`sw-${Math.floor(index / 5)}`];
    const name = `own-${index}`;
    const all: readonly ConfiguredCondition[] = [
      { ...shared, name, equipment, kind: "rate", metric: "ifHCInOctets", above: 1e9 },
      { ...shared, name, equipment, kind: "rate", metric: "ifInDiscards", above: 100 },
      { ...shared, name, equipment, kind: "threshold", metric: "temperature", above: 80 },
      { ...shared, name, equipment, kind: "share", metric: "memUsed", of: "memTotal", above: 200 },
      { ...shared, name, equipment, kind: "change", metric: "hrProcessorLoad", above: 10_000 },
    ];
    return all[index % 5] ?? { ...shared, name, kind: "state", metric: "ifOperStatus" };
  });
}

function engineWith(given: readonly ConfiguredCondition[], defaults: boolean, clock: StepClock): AlarmEngine {
  const engine = new AlarmEngine({
    ...{ gateway: "gw-1", clock, entropy: seededEntropy(1), logger: silentLogger, state: new MemoryState(), topology: cables([]) },
    equipment: () => shapes.map(({ equipment }) => ({ id: equipment, name: equipment, address: "192.0.2.1", pollIntervalMs: 60_000 })),
    conditions: conditionsOf({ defaults, disable: [], conditions: given, maintenance: [], rules: [] }),
    ...{ genericStates: defaults, rules: defaultNotificationRules, ports: [], maintenance: () => [], unreachableAfterMs: 150_000 },
    meanings: (name) => enumerations[name],
    uplink: () => ({ state: "none", answered: false, sinceMs: 0, reason: "", code: "" }),
  });
  engine.facts.refresh();
  return engine;
}

const shapes = Array.from({ length: switches }, (_, index) => shapeOf(`sw-${index}`, "IF-MIB:ifTable", metrics, ports));
const systems = Array.from({ length: switches }, (_, index) => shapeOf(`sw-${index}`, "X-MIB:system", systemMetrics, 1));

function reportsOf(clock: StepClock, turn: number): readonly Report[] {
  const observedAt = clock.now();
  return shapes.map((shape, index): Report => {
    const tables = [shape, systems[index]].flatMap((one) =>
      one === undefined ? [] : [{ shape: one, columns: columnsOf(one, turn), observedAt, elapsedMs: 60_000 }],
    );
    return { kind: "report", equipment: shape.equipment, observedAt, plannedAtMs: clock.ms, tables, gaps: [] };
  });
}

function measure(name: string, given: readonly ConfiguredCondition[], defaults: boolean): void {
  const clock = new StepClock();
  globalThis.gc?.();
  const heapBefore = process.memoryUsage();
  const engine = engineWith(given, defaults, clock);
  let cpuUs = 0;
  for (let turn = 0; turn < polls; turn++) {
    clock.ms += 60_000;
    const reports = reportsOf(clock, turn);
    const before = process.cpuUsage();
    for (const report of reports) engine.observe(report);
    // A minute of the unit's own life: a look a second.
    for (let second = 0; second < 60; second++) engine.tick(clock.ms + second * 1_000);
    const used = process.cpuUsage(before);
    if (turn >= 5) cpuUs += used.user + used.system;
  }
  globalThis.gc?.();
  const heapAfter = process.memoryUsage();
  const perMinuteMs = cpuUs / 1_000 / (polls - 5);
  const kept = (heapAfter.heapUsed + heapAfter.arrayBuffers - heapBefore.heapUsed - heapBefore.arrayBuffers) / 1_048_576;
  const line = `${perMinuteMs.toFixed(2)} ms CPU a minute (${((perMinuteMs / 60_000) * 100).toFixed(3)} % of a core), ${kept.toFixed(1)} MiB kept`;
  console.log(`${name.padEnd(46)} ${line}; ${engine.conditions.size} conditions compiled, ${engine.list.active().length} alarms`);
}

console.log(
  `${switches} switches of ${ports} ports, polled every 60 s; ${polls - 5} minutes measured${globalThis.gc === undefined ? "; run with --expose-gc for memory" : ""}`,
);
measure("warm-up", [], false);
measure("no conditions", [], false);
measure("shipped conditions", [], true);
measure(`${own} conditions of the site's own`, conditions(), false);
measure(`shipped and ${own} of the site's own`, conditions(), true);
