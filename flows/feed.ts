import type { Observation } from "#model/observation.ts";
import type { Column, Report, Row, TableReport } from "#model/report.ts";
import { MetricGate } from "./metric-filter.ts";
import type { Delivery, EventFilter, MetricFilter, Subscription } from "./protocol.ts";

const maxSubscriptions = 4_000;
const maxEventBytes = 16 * 1024;

interface MetricSubscriber {
  readonly subscription: Subscription;
  readonly filter: MetricFilter;
  readonly gate: MetricGate;
}

/**
 * Picks out of everything that is observed what flows have asked for. Runs inside the tap of the intake: it looks at nothing that nobody wants,
 * copies what it keeps, never waits and never throws for what a flow asked.
 */
export class Feed {
  readonly #offer: (deliveries: readonly Delivery[]) => void;
  #metrics = new Map<string, readonly MetricSubscriber[]>();
  #events: readonly { readonly subscription: Subscription; readonly filter: EventFilter }[] = [];

  constructor(offer: (deliveries: readonly Delivery[]) => void) {
    this.#offer = offer;
  }

  /** All wishes of the child at once. A wish that was there before keeps its memory. */
  subscribe(list: readonly Subscription[]): void {
    const known = new Map([...this.#metrics.values()].flat().map((one) => [keyOf(one.subscription), one]));
    const metrics = new Map<string, MetricSubscriber[]>();
    const events: { readonly subscription: Subscription; readonly filter: EventFilter }[] = [];
    for (const subscription of list.slice(0, maxSubscriptions)) {
      const { filter } = subscription;
      if (filter.kind !== "metric") {
        events.push({ subscription, filter });
        continue;
      }
      const subscriber = known.get(keyOf(subscription)) ?? { subscription, filter, gate: new MetricGate(filter) };
      metrics.set(filter.metric, [...(metrics.get(filter.metric) ?? []), subscriber]);
    }
    this.#metrics = metrics;
    this.#events = events;
  }

  clear(): void {
    this.#metrics = new Map();
    this.#events = [];
  }

  observed(observation: Observation): void {
    if (observation.kind === "report") {
      if (this.#metrics.size > 0) for (const table of observation.tables) this.#table(observation, table);
      if (observation.gaps.length > 0 && this.#events.length > 0) this.#gaps(observation);
    } else if (this.#events.length > 0) this.#event(observation);
  }

  #table(report: Report, table: TableReport): void {
    for (const [index, metric] of table.shape.metrics.entries()) {
      const subscribers = this.#metrics.get(metric.name);
      const column = table.columns[index];
      if (subscribers === undefined || column === undefined) continue;
      for (const subscriber of subscribers) {
        const { equipment, table: wanted } = subscriber.filter;
        if ((equipment === "" || equipment === report.equipment) && (wanted === "" || wanted === table.shape.table))
          this.#rows(subscriber, { report, table, column, metric });
      }
    }
  }

  #rows(
    { subscription, filter, gate }: MetricSubscriber,
    at: {
      readonly report: Report;
      readonly table: TableReport;
      readonly column: Column;
      readonly metric: { readonly name: string; readonly kind: string; readonly unit: string };
    },
  ): void {
    const { report, table, column, metric } = at;
    const deliveries: Delivery[] = [];
    for (const [index, row] of table.shape.rows.entries()) {
      if (!matches(filter.row, row.key)) continue;
      const value = valueAt(column, index, filter, table.elapsedMs);
      if (value === undefined) continue;
      const payload = gate.pass(`${report.equipment}\0${row.key}`, value, table.observedAt.monotonicMs);
      if (payload === undefined) continue;
      deliveries.push({ node: subscription.node, msg: messageOf(payload, row, { report, table, metric, filter }) });
    }
    if (deliveries.length > 0) this.#offer(deliveries);
  }

  #gaps(report: Report): void {
    for (const gap of report.gaps) {
      const payload = { table: gap.shape?.table ?? "", reason: gap.reason };
      this.#toEvents("gap", report.equipment, gap.reason, {
        payload,
        topic: gap.reason,
        equipment: report.equipment,
        at: report.observedAt.wallMs,
      });
    }
  }

  #event(observation: Exclude<Observation, Report>): void {
    if (observation.kind === "gap" || observation.kind === "anchor" || observation.kind === "check-latency") return;
    // A flow must not hear what it says itself: it would answer for ever.
    if (observation.kind === "event" && observation.source === "flow") return;
    const equipment = observation.equipment ?? "";
    const topic = observation.kind === "inventory" ? "inventory" : observation.kind === "check" ? observation.check : observation.type;
    const { kind, observedAt, ...payload } = observation;
    this.#toEvents(kind, equipment, topic, { payload, topic, equipment, at: observedAt.wallMs });
  }

  #toEvents(kind: EventFilter["kind"], equipment: string, topic: string, msg: Readonly<Record<string, unknown>>): void {
    const wanted = this.#events.filter(
      ({ filter }) => filter.kind === kind && (filter.equipment === "" || filter.equipment === equipment) && topic.startsWith(filter.match),
    );
    if (wanted.length === 0 || JSON.stringify(msg).length > maxEventBytes) return;
    this.#offer(wanted.map(({ subscription }) => ({ node: subscription.node, msg })));
  }
}

function keyOf(subscription: Subscription): string {
  return JSON.stringify([subscription.node, subscription.filter]);
}

/** Exact, everything, or a beginning that ends in `*`. */
function matches(wanted: string, key: string): boolean {
  return wanted === "" || (wanted.endsWith("*") ? key.startsWith(wanted.slice(0, -1)) : wanted === key);
}

function valueAt(column: Column, index: number, filter: MetricFilter, elapsedMs: number): number | string | undefined {
  if (column.present[index] !== 1) return undefined;
  if (column.kind !== "counter") return column.value[index];
  if (filter.counter === "absolute") return Number(column.absolute[index]);
  const increment = column.increment[index] ?? Number.NaN;
  if (Number.isNaN(increment)) return undefined;
  if (filter.counter === "increment") return increment;
  return elapsedMs > 0 ? (increment * 1000) / elapsedMs : undefined;
}

function messageOf(
  payload: number | string,
  row: Row,
  at: {
    readonly report: Report;
    readonly table: TableReport;
    readonly metric: { readonly name: string; readonly kind: string; readonly unit: string };
    readonly filter: MetricFilter;
  },
): Readonly<Record<string, unknown>> {
  const { report, table, metric, filter } = at;
  const isRate = metric.kind === "counter" && filter.counter === "rate";
  return {
    payload,
    topic: `${report.equipment}/${metric.name}/${row.key}`,
    equipment: report.equipment,
    metric: metric.name,
    table: table.shape.table,
    row: row.key,
    labels: row.labels,
    unit: isRate ? `${metric.unit}/s` : metric.unit,
    kind: metric.kind,
    at: table.observedAt.wallMs,
    elapsedS: table.elapsedMs / 1000,
  };
}
