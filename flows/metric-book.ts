import type { Observation } from "#model/observation.ts";
import type { TableShape } from "#model/report.ts";
import type { FlowMetricEntry } from "#ports/flow-ground.ts";

const maxShapes = 20_000;
const maxRowsShown = 512;

/** Which metrics exist on this site, by the shapes of what was reported last: what pickers offer. Keeps references, copies nothing. */
export class MetricBook {
  readonly #shapes = new Map<string, TableShape>();

  observed(observation: Observation): void {
    if (observation.kind !== "report") return;
    for (const { shape } of observation.tables) {
      const key = `${shape.equipment}\0${shape.table}`;
      if (this.#shapes.get(key) === shape) continue;
      if (this.#shapes.size < maxShapes || this.#shapes.has(key)) this.#shapes.set(key, shape);
    }
  }

  entries(equipment?: string): readonly FlowMetricEntry[] {
    return [...this.#shapes.values()]
      .filter((shape) => equipment === undefined || shape.equipment === equipment)
      .flatMap((shape) => {
        const rows = shape.rows
          .slice(0, maxRowsShown)
          .map(({ key, labels }) => ({ key, label: labels["ifName"] ?? labels["name"] ?? key }));
        return shape.metrics.map(({ name, kind, unit }) => ({
          equipment: shape.equipment,
          table: shape.table,
          metric: name,
          kind,
          unit,
          rows,
        }));
      });
  }
}
