import { enumerations } from "../../drivers/snmp/metric-sets/enumerations.ts";
import { AlarmEngine, type AlarmEngineParts } from "../../runtime/alarms/alarm-engine.ts";
import { AlarmList } from "../../runtime/alarms/alarm-list.ts";
import { AlarmMemory } from "../../runtime/alarms/alarm-memory.ts";
import { defaultConditions } from "../../runtime/alarms/conditions/defaults.ts";
import type { StateMeaning } from "../../runtime/alarms/conditions/definition.ts";
import { Marks } from "../../runtime/alarms/marks.ts";
import { defaultNotificationRules } from "../../runtime/alarms/watch/notification-rules.ts";
import { type EquipmentId, isEquipmentId } from "../../runtime/model/equipment.ts";
import type { AlarmChange, Event, Inventory, Observation } from "../../runtime/model/observation.ts";
import type { Column, GapReason, Metric, Report, Row, TableReport, TableShape } from "../../runtime/model/report.ts";
import type { AlarmLog } from "../../runtime/ports/alarm-log.ts";
import type { AlarmCondition } from "../../runtime/ports/alarms.ts";
import type { SiteLink, SiteTopology } from "../../runtime/ports/topology.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { MemoryState, StepClock } from "./alarm-doubles.ts";

export function equipmentId(text: string): EquipmentId {
  if (!isEquipmentId(text)) throw new Error(`not an equipment id: ${text}`);
  return text;
}

export class MemoryLog implements AlarmLog {
  readonly changes: AlarmChange[] = [];

  append(changes: readonly AlarmChange[]): void {
    this.changes.push(...changes);
  }

  newestFirst(): Iterable<AlarmChange> {
    return this.changes.toReversed();
  }
}

/** A list with its memory, and what it sent so far. */
export class ListKit {
  readonly clock = new StepClock();
  readonly state = new MemoryState();
  readonly log = new MemoryLog();
  readonly sent: AlarmChange[] = [];
  list = this.#open(1);

  #open(seed: number): AlarmList {
    const { clock, state, log } = this;
    let next = 0;
    const marks = new Marks({ state, newId: () => `mark-${++next}` });
    const memory = new AlarmMemory(state);
    return new AlarmList({ gateway: "gw-1", clock, entropy: seededEntropy(seed), memory, marks, log, onPending: () => undefined });
  }

  /** What the unit does with what is pending. @param cut the power fails after the state was written, before anything is sent */
  flush(cut = false): readonly AlarmChange[] {
    const waiting = this.list.outgoing.take();
    new AlarmMemory(this.state).write(new Set(waiting.map(({ instance }) => instance)));
    if (cut) return [];
    const changes = waiting.map(({ change }) => change);
    this.log.append(changes);
    this.sent.push(...changes);
    return changes;
  }

  pass(ms: number): void {
    this.clock.ms += ms;
    this.list.tick();
  }

  restart(seed = 2): void {
    this.list = this.#open(seed);
  }
}

export function condition(what: Partial<AlarmCondition> = {}): AlarmCondition {
  return {
    ...{ equipment: equipmentId("sw-1"), path: "interface/gi1", type: "linkDown", qualifier: "", severity: "major" },
    ...{ text: "port gi1 is down", source: { kind: "poll", ref: "test" } },
    ...what,
  };
}

/** What the NOC makes of changes: by key, the newest instance, the greatest revision. */
export function folded(changes: readonly AlarmChange[]): ReadonlyMap<string, AlarmChange> {
  const rows = new Map<string, AlarmChange>();
  for (const change of changes) {
    const known = rows.get(change.key);
    if (known === undefined || change.id > known.id || (change.id === known.id && change.rev > known.rev)) rows.set(change.key, change);
  }
  return rows;
}

/** Cables of a site, drawn by hand: `sw-1/gi1 - fw-1/lan`. */
export function cables(lines: readonly string[], parents: Readonly<Record<string, string>> = {}): SiteTopology {
  const links = new Map<string, SiteLink[]>();
  const add = (from: string, to: string) => {
    const [own = "", port] = from.split("/");
    const [other = "", otherPort] = to.split("/");
    const link: SiteLink = { port, other: equipmentId(other), otherPort, otherLabel: other, evidence: "test" };
    links.set(own, [...(links.get(own) ?? []), link]);
  };
  for (const line of lines) {
    const [a = "", b = ""] = line.split(" - ");
    add(a, b);
    add(b, a);
  }
  return {
    links: (equipment) => links.get(equipment) ?? [],
    parent: (equipment) => (parents[equipment] === undefined ? undefined : equipmentId(parents[equipment])),
  };
}

const meanings = (name: string): StateMeaning | undefined => enumerations[name];

/** The whole engine on a clock that the test moves; a tick a second, as the unit does. */
export class EngineKit {
  readonly clock = new StepClock();
  readonly state: MemoryState;
  readonly engine: AlarmEngine;
  readonly sent: AlarmChange[] = [];
  readonly #shapes = new Map<string, TableShape>();

  constructor(parts: Partial<AlarmEngineParts> = {}, state = new MemoryState()) {
    this.state = state;
    this.engine = new AlarmEngine({
      ...{ gateway: "gw-1", clock: this.clock, entropy: seededEntropy(1), logger: silentLogger, state, topology: cables([]) },
      equipment: () =>
        ["sw-1", "fw-1", "ups-1", "nas-1"].map((id) => ({
          id: equipmentId(id),
          name: id,
          address: `192.0.2.${id.length}`,
          pollIntervalMs: 60_000,
        })),
      ...{ conditions: defaultConditions, genericStates: true, rules: defaultNotificationRules, ports: [], maintenance: () => [] },
      ...{ unreachableAfterMs: 150_000, meanings },
      uplink: () => ({ state: "none", answered: false, sinceMs: 0, reason: "", code: "" }),
      ...parts,
    });
    this.engine.facts.refresh();
  }

  /** Lets time pass, a second at a time. */
  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 1_000) {
      this.clock.ms += 1_000;
      this.engine.list.tick();
      this.engine.tick(this.clock.ms);
    }
    this.flush();
  }

  flush(): void {
    this.engine.correlate();
    const waiting = this.engine.list.outgoing.take();
    new AlarmMemory(this.state).write(new Set(waiting.map(({ instance }) => instance)));
    this.sent.push(...waiting.map(({ change }) => change));
  }

  see(observation: Observation): void {
    this.engine.observe(observation);
  }

  /** Types of active alarms with their resource, sorted. */
  get active(): readonly string[] {
    this.flush();
    return this.engine.list
      .active()
      .map(({ equipment = "", path, type }) => [equipment, path, type].filter((part) => part !== "").join(" "))
      .sort();
  }

  /** Polls of one table, `everyMs` apart: each turn one row of values by metric; undefined = no value. */
  poll(table: PolledTable, turns: readonly Readonly<Record<string, number | undefined>>[], everyMs = 60_000): void {
    for (const values of turns) {
      this.pass(everyMs);
      this.see(this.report(table, [values]));
    }
    this.flush();
  }

  report(table: PolledTable, rows: readonly Readonly<Record<string, number | undefined>>[]): Report {
    const shape = this.#shape(table);
    const observedAt = this.clock.now();
    const columns = shape.metrics.map((metric): Column => columnOf(metric, rows));
    const reported: TableReport = { shape, columns, observedAt, elapsedMs: shape.intervalMs };
    return { kind: "report", equipment: shape.equipment, observedAt, plannedAtMs: this.clock.ms, tables: [reported], gaps: [] };
  }

  fail(equipment: string, reason: GapReason = "timeout"): void {
    const observedAt = this.clock.now();
    this.see({ kind: "report", equipment: equipmentId(equipment), observedAt, plannedAtMs: this.clock.ms, tables: [], gaps: [{ reason }] });
  }

  event(event: Pick<Event, "type"> & Partial<Event>): void {
    this.see({
      ...{ kind: "event", source: "trap", severity: "warning", text: event.type, observedAt: this.clock.now(), attributes: {} },
      ...event,
    });
  }

  inventory(equipment: string, identity: Partial<Inventory["identity"]>): void {
    const full = { deviceClass: "switch", evidence: [], ...identity };
    this.see({
      kind: "inventory",
      equipment: equipmentId(equipment),
      observedAt: this.clock.now(),
      identity: full,
      components: [],
      changes: [],
    });
  }

  #shape({ equipment = "sw-1", table, metrics, rows = [{ key: "", labels: {} }], intervalMs = 60_000 }: PolledTable): TableShape {
    const name = JSON.stringify([equipment, table, metrics, rows, intervalMs]);
    const known = this.#shapes.get(name);
    if (known !== undefined) return known;
    const shape: TableShape = { equipment: equipmentId(equipment), table, revision: 1, intervalMs, metrics, rows };
    this.#shapes.set(name, shape);
    return shape;
  }
}

export interface PolledTable {
  readonly equipment?: string;
  readonly table: string;
  readonly metrics: readonly Metric[];
  readonly rows?: readonly Row[];
  readonly intervalMs?: number;
}

export const gauge = (name: string, unit = "%"): Metric => ({ name, kind: "gauge", unit, scale: 1 });
export const counter = (name: string): Metric => ({ name, kind: "counter", unit: "{packet}", scale: 1 });
export const stateMetric = (name: string, enumeration = name): Metric => ({ name, kind: "state", unit: `enum:${enumeration}`, scale: 1 });

function columnOf(metric: Metric, rows: readonly Readonly<Record<string, number | undefined>>[]): Column {
  const values = rows.map((row) => row[metric.name]);
  const present = Uint8Array.from(values, (value) => (value === undefined ? 0 : 1));
  const numbers = Float64Array.from(values, (value) => value ?? 0);
  if (metric.kind === "counter")
    return {
      kind: "counter",
      present,
      absolute: BigUint64Array.from(values, () => 0n),
      increment: Float64Array.from(values, (value) => value ?? Number.NaN),
    };
  return { kind: "number", present, value: numbers };
}

/** One port table row by port name; in the order given. */
export function portTable(ports: readonly string[], labels: Readonly<Record<string, string>> = {}): PolledTable {
  return {
    table: "IF-MIB:ifTable",
    metrics: [stateMetric("ifAdminStatus"), stateMetric("ifOperStatus")],
    rows: ports.map((key, index) => ({ key, labels: { ifIndex: String(index + 1), ifType: "ethernetCsmacd", ...labels } })),
  };
}
