import type { Report, Row, TableReport, TableShape } from "#model/report.ts";
import type { AlarmIdentity } from "#ports/alarms.ts";
import { isLike } from "../identity.ts";
import { CompiledCondition, type ConditionSurroundings, maxRows } from "./compiled-condition.ts";
import { ConditionForms } from "./condition-form.ts";
import type { AbsenceCondition, ConditionScope, TableCondition } from "./definition.ts";
import { genericStates } from "./generic-states.ts";
import { comeBack, holdFailed, isGoneForGood, isLongGone, msATenth, type SeenTable, seenMsOf, vanishedMs } from "./gone-tables.ts";
import { LeftOverAlarms, type LeftOverParts, vanishedText } from "./left-over-alarms.ts";
import { rowPath } from "./row-path.ts";
import { printable } from "./text.ts";

interface WatchedTable extends SeenTable {
  readonly compiled: readonly CompiledCondition[];
  /** Identities of raised rows that are no longer in the table, by key. */
  vanished: Map<string, { readonly clear: () => void; readonly atMs: number }>;
}

/** Equipment that said nothing for so long, and for three intervals, was away. */
const awayMs = 3_600_000;

/** Shared by the tables of which no row ever vanished while it was raised: nearly all. Stays empty. */
const nothingVanished: WatchedTable["vanished"] = new Map();
const noTables: readonly WatchedTable[] = [];
const noConditions: WatchedTable["compiled"] = [];
const noAbsences: WatchedTable["absences"] = [];

export interface TableConditionsParts extends ConditionSurroundings {
  readonly conditions: readonly TableCondition[];
  /** Whether every state that means trouble by its enumeration is an alarm, named or not. */
  readonly genericStates?: boolean;
  /** `switch`, `printer` ...; "" while not known. */
  readonly deviceClassOf: (equipment: string) => string;
  /** What an earlier run raised is among it. */
  readonly active: LeftOverParts["active"];
}

/**
 * Judges reports by conditions on tables. A condition is compiled once per equipment and row shape; a poll then costs one pass over its
 * columns. Memory: some 25 bytes per row and condition.
 */
export class TableConditions {
  readonly #parts: TableConditionsParts;
  readonly #forms: ConditionForms;
  /** By equipment, in lists of their exact length: a map for each would be larger than what is in it. */
  readonly #watched = new Map<string, readonly WatchedTable[]>();
  readonly #leftOver: LeftOverAlarms;
  #compiledCount = 0;

  constructor(parts: TableConditionsParts) {
    this.#parts = parts;
    this.#forms = new ConditionForms(parts.meanings);
    const clear = (identity: AlarmIdentity, text: string) => parts.sink.clear(identity, text);
    this.#leftOver = new LeftOverAlarms({ conditions: parts.conditions, active: parts.active, clear });
  }

  /** Conditions times tables that are being judged. */
  get size(): number {
    return this.#compiledCount;
  }

  observe(report: Report): void {
    const { tables } = report;
    if (tables.length === 0) return;
    for (const table of tables) this.#table(table);
    this.#lookForGone(report);
    this.#leftOver.observe(report);
  }

  /** Another class of device was found: conditions for classes are chosen anew with the next report. */
  reconsider(equipment: string): void {
    this.#watched.delete(equipment);
    this.#leftOver.reconsider(equipment);
  }

  /** Absences, and rows that vanished long ago. */
  tick(nowMs: number): void {
    // All of a large site's equipment, every few seconds: going through a map's entries one by one would make two objects of each.
    this.#watched.forEach((tables, equipment) => {
      if (hasWork(tables)) this.#look(equipment, tables, nowMs);
    });
  }

  #look(equipment: string, tables: readonly WatchedTable[], nowMs: number): void {
    const newestMs = Math.max(...tables.map(seenMsOf));
    for (const watched of tables) {
      // Who does not answer at all is somebody else's alarm.
      const answers = nowMs - newestMs < 3 * Math.min(...tables.map(({ shape }) => shape.intervalMs));
      if (answers) for (const condition of watched.absences) this.#judgeAbsence(equipment, watched, condition, nowMs);
      for (const [key, { clear, atMs }] of watched.vanished) {
        if (nowMs - atMs < vanishedMs) continue;
        clear();
        watched.vanished.delete(key);
      }
    }
  }

  /** Silence of a table that has a reason is no absence; and a driver that looks for tables must have found this one lacking. */
  #lookForGone({ equipment, observedAt, gaps, lacking }: Report): void {
    const nowMs = observedAt.monotonicMs;
    const tables = this.#watched.get(equipment) ?? noTables;
    if (gaps.length > 0) holdFailed(tables, gaps, nowMs);
    for (let place = 0; place < tables.length; place++) {
      const watched = tables[place];
      if (watched === undefined || !isLongGone(watched, nowMs)) continue;
      if (isGoneForGood(watched, tables, lacking, nowMs)) this.#forget(equipment, watched);
    }
  }

  /** The equipment answers without this table for good: a module that was pulled, another firmware. Should it come back, it is judged anew. */
  #forget(equipment: string, watched: WatchedTable): void {
    for (const one of watched.compiled) {
      for (const [row, level] of one.raised.entries()) if (level > 0) this.#clear(one.identityOf(row));
    }
    for (const { clear } of watched.vanished.values()) clear();
    this.#compiledCount -= watched.compiled.length;
    this.#watched.set(equipment, (this.#watched.get(equipment) ?? noTables).filter((one) => one !== watched).slice());
  }

  #clear(identity: AlarmIdentity): void {
    this.#parts.sink.clear(identity, vanishedText);
  }

  #table(table: TableReport): void {
    const { shape } = table;
    const nowMs = table.observedAt.monotonicMs;
    const watched = this.#knownFor(shape) ?? this.#watch(shape, nowMs);
    const longMs = Math.max(awayMs, 3 * shape.intervalMs);
    if (nowMs - seenMsOf(watched) > longMs) comeBack(this.#watched.get(shape.equipment) ?? noTables, nowMs, longMs);
    watched.seenTenths = Math.round(nowMs / msATenth);
    for (const condition of watched.compiled) condition.evaluate(table);
  }

  #knownFor(shape: TableShape): WatchedTable | undefined {
    const tables = this.#watched.get(shape.equipment) ?? noTables;
    for (let index = 0; index < tables.length; index++) if (tables[index]?.shape === shape) return tables[index];
    return undefined;
  }

  #watch(shape: TableShape, nowMs: number): WatchedTable {
    const tables = this.#watched.get(shape.equipment) ?? noTables;
    const older = tables.find((one) => one.shape.table === shape.table);
    const watched = this.#compile(shape, older, nowMs);
    this.#watched.set(shape.equipment, tables.filter((one) => one !== older).concat(watched));
    return watched;
  }

  #compile(shape: TableShape, older: WatchedTable | undefined, nowMs: number): WatchedTable {
    const { conditions, deviceClassOf } = this.#parts;
    const compiled: CompiledCondition[] = [];
    const absences: AbsenceCondition[] = [];
    const deviceClass = deviceClassOf(shape.equipment);
    const generic = this.#parts.genericStates === true ? genericStates(shape, conditions, this.#parts.meanings) : [];
    for (const condition of [...conditions, ...generic]) {
      if (!appliesTo(condition.scope, shape, deviceClass) || shape.rows.length > maxRows) continue;
      if (condition.kind === "absence") {
        if (shape.metrics.some((metric) => metric.name === condition.metric)) absences.push(condition);
        continue;
      }
      const form = this.#forms.get(condition, shape, () =>
        sharedPlaces([...shape.rows.keys()].filter((row) => isMeant(condition.scope, shape.rows[row]))),
      );
      if (form !== undefined) compiled.push(new CompiledCondition(form, shape, this.#parts));
    }
    this.#compiledCount += compiled.length - (older?.compiled.length ?? 0);
    const watched: WatchedTable = {
      shape,
      compiled: compiled.length === 0 ? noConditions : compiled.slice(),
      absences: absences.length === 0 ? noAbsences : absences.slice(),
      seenTenths: Math.round(nowMs / msATenth),
      vanished: older?.vanished ?? nothingVanished,
    };
    if (older !== undefined) this.#takeOver(watched, older, nowMs);
    return watched;
  }

  #takeOver(watched: WatchedTable, older: WatchedTable, nowMs: number): void {
    const oldRows = new Map(older.shape.rows.map((row, index) => [row.key, index]));
    const moved = new Map(
      watched.shape.rows.flatMap((row, index): (readonly [number, number])[] => {
        const oldRow = oldRows.get(row.key);
        return oldRow === undefined ? [] : [[index, oldRow]];
      }),
    );
    const kept = new Set(moved.values());
    for (const before of older.compiled) {
      watched.compiled.find((one) => one.condition === before.condition)?.adopt(before, moved);
      for (const [row, level] of before.raised.entries()) {
        if (level === 0 || kept.has(row)) continue;
        const identity = before.identityOf(row);
        const clear = () => this.#clear(identity);
        if (watched.vanished === nothingVanished) watched.vanished = new Map();
        watched.vanished.set(`${before.condition.name} ${identity.path}`, { clear, atMs: nowMs });
      }
    }
    // A row that came back is judged again by its own memory.
    for (const one of watched.compiled) {
      for (const row of watched.shape.rows.keys()) watched.vanished.delete(`${one.condition.name} ${one.identityOf(row).path}`);
    }
  }

  #judgeAbsence(equipment: string, watched: WatchedTable, condition: AbsenceCondition, nowMs: number): void {
    const { shape } = watched;
    const identity = {
      equipment: shape.equipment,
      path: rowPath(shape.table, "table", condition.path),
      type: condition.alarm,
      qualifier: "",
    };
    const isAbsent = nowMs - seenMsOf(watched) >= Math.max(condition.forMs, 3 * shape.intervalMs);
    if (!isAbsent) {
      if (this.#parts.sink.find(identity) !== undefined) this.#parts.sink.clear(identity);
      return;
    }
    this.#parts.sink.set({
      ...identity,
      severity: condition.severity,
      text: printable(condition.text.replaceAll("{row}", equipment)),
      source: { kind: "poll", ref: condition.name },
      ...(condition.repair === undefined ? {} : { repair: condition.repair }),
    });
  }
}

const placesShared = new Map<string, readonly number[]>();
const maxPlaces = 256;
const longestPlaces = 128;

/** The same list for like equipment: most conditions mean all rows, or those of a kind. Bounded; what is over the bound is merely not shared. */
function sharedPlaces(rows: readonly number[]): readonly number[] {
  if (rows.length > longestPlaces) return rows;
  const key = rows.join();
  const known = placesShared.get(key);
  if (known !== undefined) return known;
  if (placesShared.size < maxPlaces) placesShared.set(key, rows);
  return rows;
}

/** Most equipment has neither absences to be judged nor rows that vanished, and there may be a thousand of them every 5 s. */
function hasWork(tables: readonly WatchedTable[]): boolean {
  for (let place = 0; place < tables.length; place++) {
    const watched = tables[place];
    if (watched !== undefined && (watched.absences.length > 0 || watched.vanished.size > 0)) return true;
  }
  return false;
}

function appliesTo(scope: ConditionScope, shape: TableShape, deviceClass: string): boolean {
  if (scope.table !== undefined && !isLike(shape.table, scope.table)) return false;
  if (scope.equipment !== undefined && !scope.equipment.some((id) => isLike(shape.equipment, id))) return false;
  return scope.deviceClasses === undefined || scope.deviceClasses.includes(deviceClass);
}

function isMeant(scope: ConditionScope, row: Row | undefined): boolean {
  if (row === undefined) return false;
  const { rows, label, except } = scope;
  if (except?.some((unwanted) => isLike(row.key, unwanted)) === true) return false;
  if (rows !== undefined && !rows.some((wanted) => [row.key, ...Object.values(row.labels)].some((text) => isLike(text, wanted))))
    return false;
  if (label === undefined) return true;
  const value = row.labels[label.name] ?? "";
  if (label.oneOf !== undefined && !label.oneOf.includes(value)) return false;
  return label.noneOf === undefined || !label.noneOf.includes(value);
}

/** Whether a row of an equipment is among those that a scope means, classes of devices left aside. */
export function isMeantRow(scope: ConditionScope, equipment: string, row: Row): boolean {
  return (scope.equipment === undefined || scope.equipment.some((id) => isLike(equipment, id))) && isMeant(scope, row);
}
