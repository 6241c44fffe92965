import type { Observation } from "#model/observation.ts";
import type { TableShape } from "#model/report.ts";
import type { FlowMetricEntry } from "#ports/flow-ground.ts";

const maxShapes = 20_000;
const maxRowsShown = 512;
const noShapes: readonly TableShape[] = [];

/** Which metrics exist on this site, by the shapes of what was reported last: what pickers offer. Keeps references, copies nothing. */
export class MetricBook {
  /** By equipment: found by a name that is there already, as making one of two for each table of each report costs more than all the rest here. */
  readonly #shapes = new Map<string, readonly TableShape[]>();
  #count = 0;

  observed(observation: Observation): void {
    if (observation.kind !== "report" || observation.tables.length === 0) return;
    const known = this.#shapes.get(observation.equipment) ?? noShapes;
    for (const { shape } of observation.tables) if (!known.includes(shape)) this.#note(shape);
  }

  /** A list of its exact length each time: one that grows by itself has room for sixteen more. */
  #note(shape: TableShape): void {
    const known = this.#shapes.get(shape.equipment) ?? noShapes;
    const before = known.findIndex(({ table }) => table === shape.table);
    if (before >= 0) this.#shapes.set(shape.equipment, known.with(before, shape));
    else if (this.#count < maxShapes) {
      this.#shapes.set(shape.equipment, known.concat(shape));
      this.#count += 1;
    }
  }

  entries(equipment?: string): readonly FlowMetricEntry[] {
    const shapes = equipment === undefined ? [...this.#shapes.values()].flat() : (this.#shapes.get(equipment) ?? []);
    return shapes.flatMap((shape) => {
      const rows = shape.rows.slice(0, maxRowsShown).map(({ key, labels }) => ({ key, label: labels["ifName"] ?? labels["name"] ?? key }));
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
