import type { EquipmentId } from "#model/equipment.ts";
import type { Instant } from "#model/time.ts";
import type { TableAnswer, TablePlan } from "#ports/snmp.ts";
import type { TableDefinition } from "../metric-sets/metric-set.ts";
import type { Exchange } from "./exchange.ts";
import { applyConditions, type FillContext, fillMeans, fillOutput, type RoutedAnswer } from "./fill-columns.ts";
import { noteQuarantine } from "./gaps.ts";
import { type HiddenLabels, LabelReader, noHiddenLabels } from "./hidden-labels.ts";
import { countRows } from "./learn-rows.ts";
import type { LongTask } from "./long-task.ts";
import { buildGroups, type ReadGroup, type WireTypes } from "./read-groups.ts";
import { type LearntRow, sameRow, sharedRows } from "./row-keys.ts";
import { intervalAfterMs } from "./schedule.ts";
import { onlyRows, type SharedSurvey, type Survey, sharedSurvey } from "./survey.ts";
import { buildOutputs, TableOutput } from "./table-output.ts";
import { Reading, type TableReading } from "./table-reading.ts";
import { TableTimes } from "./table-times.ts";

/** A moment on the agent's clock and on ours, to tell how long lies between two readings. */
export interface AgentMoment {
  readonly monotonicMs: number;
  /** The agent's clock without roll-over (ours where its own is not sane), milliseconds since the first contact. */
  readonly agentMs: number;
  /** Grows with each restart of the agent: counters of different epochs are not comparable. */
  readonly epoch: number;
}

/** What a table needs of the equipment that it belongs to. */
export interface TableOwner {
  readonly equipment: EquipmentId;
  nextRevision(table: string): number;
}

/** A walk for new rows that found none is not repeated for this long, doubled each time up to the rare interval. */
const firstHoldDownMs = 30_000;
const noOutputs: readonly TableOutput[] = [];

/** One table of one equipment: which rows it has, how they are read, and what is reported of them. */
export class PolledTable extends TableTimes {
  readonly definition: TableDefinition;
  readonly intervalMs: number;
  /** Rows and labels must be learnt before anything is read: at first, after a restart, after a change that the agent announced. */
  mustLearn = true;
  /** The survey that learns them, while there is one: it goes on between polls where the agent is slow. */
  survey: LongTask<Survey> | undefined;
  readonly #owner: TableOwner;
  /** What the last survey found, but for hidden labels: like equipment has the same. */
  #known: SharedSurvey | undefined;
  #hidden = noHiddenLabels;
  #groups: readonly ReadGroup[] = [];
  /** Nearly always there is one: a list around each would take as much memory as what is kept of a table besides its counters. */
  #outputs: TableOutput | readonly TableOutput[] = noOutputs;
  #seriesCount = 0;
  /** Of the agent, when the table was last read. */
  #previousEpoch = 0;

  constructor(definition: TableDefinition, intervalMs: number, owner: TableOwner) {
    super();
    this.definition = definition;
    this.#owner = owner;
    this.intervalMs = intervalMs;
    this.holdDownMs = firstHoldDownMs;
  }

  /** Read with every poll. */
  get isLive(): boolean {
    return this.definition.cadence === "live";
  }

  get rows(): readonly LearntRow[] {
    return this.#known?.reported ?? [];
  }

  get hidden(): HiddenLabels {
    return this.#hidden;
  }

  /** All labels of its rows, hidden ones included. */
  labels(): LabelReader {
    return new LabelReader(this.rows, this.hidden);
  }

  get outputs(): readonly TableOutput[] {
    return this.#outputs instanceof TableOutput ? [this.#outputs] : this.#outputs;
  }

  /** Whether rows and labels were learnt at least once. */
  get isLearnt(): boolean {
    return this.#known !== undefined;
  }

  get seriesCount(): number {
    return this.#seriesCount;
  }

  /**
   * Takes over what a survey found. `changedAtMs`: when the agent says that its rows changed; counters are followed to other
   * instances only if nothing was read since. @returns whether rows, labels or sources differ from before
   */
  apply(found: Survey, types: WireTypes, exchange: Exchange, changedAtMs: number): boolean {
    const before = this.#known;
    const survey = before === undefined ? found : reuseRows(before, found);
    const previous = this.outputs;
    this.#known = sharedSurvey(survey);
    this.#hidden = survey.hidden;
    const rows = this.definition.aggregate === undefined ? survey.reported : onlyRows;
    const outputs = buildOutputs(this.definition, survey.columns, rows, {
      labels: new LabelReader(survey.reported, survey.hidden),
      intervalMs: this.intervalMs,
      previous,
      owner: this.#owner,
      speedOverrides: exchange.settings.speeds,
      mayFollow: this.previousMs < changedAtMs,
    });
    const [sole, ...others] = outputs;
    this.#outputs = sole !== undefined && others.length === 0 ? sole : outputs;
    this.#seriesCount = outputs.reduce((sum, output) => sum + output.rows.length * output.columns.length, 0);
    // The engine keeps what it learnt about a plan with the plan: a new one only where something changed.
    const sameShapes = outputs.length === previous.length && outputs.every((output, at) => output.shape === previous[at]?.shape);
    const samePlan = sameShapes && before !== undefined && samePlanned(before, survey);
    if (!samePlan) {
      for (const { plan } of this.#groups) exchange.session.forget?.(plan);
      this.#groups = buildGroups(this.definition, survey, outputs, types);
    }
    const nowMs = exchange.clock.monotonicMs();
    this.mustLearn = false;
    const { rareIntervalMs } = exchange.settings;
    const times = before === undefined ? "first" : "again";
    this.learnAtMs = nowMs + intervalAfterMs(times, rareIntervalMs, this.#owner.equipment, `rows of ${this.definition.table}`);
    // Other rows of more than there may be are no news: an agent that makes rows up has others each time.
    this.#holdDown(samePlan || survey.rowsMax !== undefined, nowMs, exchange.settings.rareIntervalMs);
    return !samePlan;
  }

  /** Reads the values. @throws GatewayError driver.* when nothing of the table was obtained */
  async read(moment: AgentMoment, exchange: Exchange): Promise<TableReading> {
    if (this.definition.aggregate === "count") return this.#count(moment, exchange);
    const groups = this.#groups;
    const answers: TableAnswer[] = [];
    for (const { plan } of groups) answers.push(await exchange.session.readTable(plan, exchange.deadlineMs, exchange.signal));
    const reading = this.take(answers, moment, exchange);
    for (const { plan } of groups) exchange.session.release?.(plan);
    return reading;
  }

  /** The plan that all of its values come by; undefined where there are several, or none. */
  get solePlan(): TablePlan | undefined {
    return this.#groups.length === 1 && this.definition.aggregate !== "count" ? this.#groups[0]?.plan : undefined;
  }

  /** Makes of the answers to its plans, in their order, what is reported. */
  take(answers: readonly TableAnswer[], moment: AgentMoment, exchange: Exchange): TableReading {
    for (const answer of answers) {
      if (answer.quarantined !== undefined) noteQuarantine(this.definition.table, answer.quarantined, exchange);
      if (answer.changed || answer.vanished > 0) this.#surveyEarlier(exchange);
    }
    const observedAt = exchange.clock.now();
    const elapsedMs = this.#stamp(moment, observedAt.monotonicMs);
    const reading = new Reading(this.definition.table);
    this.#fill(this.#groups, answers, { observedAt, elapsedMs, reading }, exchange);
    for (const answer of answers) reading.add(answer);
    return reading;
  }

  /** Rows come and go too fast here for a plan: they are walked and counted. */
  async #count(moment: AgentMoment, exchange: Exchange): Promise<TableReading> {
    const startedMs = exchange.clock.monotonicMs();
    const before = exchange.session.counters().requests;
    const column = this.outputs[0]?.columns[0];
    const count = column === undefined ? 0 : await countRows(this.definition, column.definition.oid, exchange);
    const observedAt = exchange.clock.now();
    const elapsedMs = this.#stamp(moment, observedAt.monotonicMs);
    const reading = new Reading(this.definition.table);
    for (const output of this.outputs) {
      const cells = exchange.cells.take(output.form, output.memory, exchange.notices.anomalies);
      const counted = cells.columns[0];
      if (counted?.kind === "number") {
        counted.present[0] = 1;
        counted.value[0] = count;
      }
      reading.report(output, cells, observedAt, elapsedMs);
    }
    reading.requests = exchange.session.counters().requests - before;
    reading.durationMs = observedAt.monotonicMs - startedMs;
    return reading;
  }

  /** @returns how long the previous reading is ago, milliseconds; NaN on the first */
  #stamp(moment: AgentMoment, answeredMs: number): number {
    const elapsedMs = this.#elapsed(moment, answeredMs);
    this.previousAgentMs = moment.agentMs + (answeredMs - moment.monotonicMs);
    this.#previousEpoch = moment.epoch;
    this.previousMs = answeredMs;
    return elapsedMs;
  }

  /** Names must be verified before the next reading; a survey from before does not count. */
  learnFirst(): void {
    this.mustLearn = true;
    this.survey?.cancel();
    this.survey = undefined;
    this.holdDownMs = firstHoldDownMs;
  }

  /** With the next poll, but not again and again for the same reason. */
  #surveyEarlier(exchange: Exchange): void {
    if (exchange.clock.monotonicMs() >= this.walkAgainAtMs) this.learnAtMs = Number.NEGATIVE_INFINITY;
  }

  #fill(groups: readonly ReadGroup[], answers: readonly TableAnswer[], into: Filling, exchange: Exchange): void {
    const { anomalies } = exchange.notices;
    const context: FillContext = {
      elapsedMs: into.elapsedMs,
      anomalies,
      speedsStale: () => this.#surveyEarlier(exchange),
      limitDoubted: (output, row) => doubtLimit(output, row, exchange),
    };
    const { outputs } = this;
    for (let position = 0; position < outputs.length; position++) {
      const output = outputs[position];
      if (output === undefined) continue;
      const cells = exchange.cells.take(output.form, output.memory, anomalies);
      if (this.definition.aggregate === undefined) {
        for (let order = 0; order < answers.length; order++) {
          const answer = answers[order];
          const routing = groups[order]?.routings[position];
          if (answer !== undefined && routing !== undefined) fillOutput(output, cells, answer, routing, context);
        }
      } else fillMeans(output, cells, routedTo(position, groups, answers));
      applyConditions(output, cells);
      into.reading.report(output, cells, into.observedAt, into.elapsedMs);
    }
  }

  /** By the agent's own clock if it is sane, else by ours; NaN on the first reading. Counters of another epoch are forgotten. */
  #elapsed(moment: AgentMoment, answeredMs: number): number {
    const ownElapsedMs = answeredMs - this.previousMs;
    if (Number.isNaN(ownElapsedMs)) return Number.NaN;
    if (this.#previousEpoch !== moment.epoch) {
      for (const output of this.outputs) output.reset();
      return ownElapsedMs;
    }
    const agentElapsedMs = moment.agentMs + (answeredMs - moment.monotonicMs) - this.previousAgentMs;
    return agentElapsedMs > 0 ? agentElapsedMs : ownElapsedMs;
  }

  #holdDown(same: boolean, nowMs: number, maxMs: number): void {
    this.holdDownMs = same ? Math.min(this.holdDownMs * 2, maxMs) : firstHoldDownMs;
    this.walkAgainAtMs = nowMs + this.holdDownMs;
  }
}

/** Where what one reading says goes. */
interface Filling {
  readonly observedAt: Instant;
  readonly elapsedMs: number;
  readonly reading: Reading;
}

function routedTo(output: number, groups: readonly ReadGroup[], answers: readonly TableAnswer[]): RoutedAnswer[] {
  return answers.flatMap((answer, order) => {
    const group = groups[order];
    const routing = group?.routings[output];
    return group === undefined || routing === undefined ? [] : [{ answer, routing, rows: group.plan.rows.length }];
  });
}

/** Rows that are what they were stay the objects they were: reports and the engine's plans refer to them. */
function reuseRows(before: SharedSurvey, after: Survey): Survey {
  const known = new Map(before.planned.map((row) => [row.key, row]));
  const reuse = (row: LearntRow): LearntRow => {
    const old = known.get(row.key);
    return old !== undefined && sameRow(old, row) ? old : row;
  };
  const reported = sharedRows(after.reported.map(reuse));
  return { ...after, reported, planned: after.planned === after.reported ? reported : after.planned.map(reuse) };
}

function samePlanned(before: SharedSurvey, after: SharedSurvey): boolean {
  return (
    before.planned.length === after.planned.length &&
    before.planned.every((row, position) => row.index === after.planned[position]?.index) &&
    before.signatures.join() === after.signatures.join()
  );
}

function doubtLimit(output: TableOutput, row: number, exchange: Exchange): void {
  const key = output.rows[row]?.key ?? "";
  exchange.notices.once(`speed ${output.shape.table} ${key}`, {
    type: "interface.speed-implausible",
    severity: "warning",
    text: `${key} carries more than its speed allows; the device's word for its speed is not believed`,
    observedAt: exchange.clock.now(),
    attributes: { table: output.shape.table, row: key, speedBitPerS: output.speeds[row] ?? 0 },
  });
}
