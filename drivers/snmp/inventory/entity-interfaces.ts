import type { PolledTable } from "../session/polled-table.ts";
import { type EntityRow, meaningful } from "./facts.ts";

/** ENTITY-MIB's entAliasMappingIdentifier (RFC 6933): which object outside of the MIB a physical entity stands for. Index: entPhysicalIndex, logical index. */
export const entAliasMapping = "1.3.6.1.2.1.47.1.3.2.1.2";

/** Steps up to what holds an entity, or down to what it holds: a sensor stands in a transceiver, that in a port, that in a module. */
const maxSteps = 8;

/** The ifIndex that an alias names; undefined: it names something else. Any column of the interface tables will do, agents differ. */
export function ifIndexOf(alias: unknown): string | undefined {
  return typeof alias === "string" ? /^\.?1\.3\.6\.1\.2\.1\.(?:2\.2|31\.1\.1)\.1\.\d+\.(\d+)$/.exec(alias)?.[1] : undefined;
}

/**
 * To which interface an entity belongs, by the agent's own word: it or what it stands in is the interface's port, or it is a module with one port.
 * @returns a function from entPhysicalIndex to the interface's key; undefined where nothing or too much is said
 */
export function interfacesOfEntities(
  tables: readonly PolledTable[],
  entities: readonly EntityRow[],
): (index: string) => string | undefined {
  if (entities.every(({ ifIndex }) => ifIndex === undefined)) return () => undefined;
  const interfaces = new Map<string, string>();
  for (const table of tables) {
    if (table.definition.component?.kind === "interface") for (const row of table.rows) interfaces.set(row.index, row.key);
  }
  const byIndex = new Map(entities.map((entity) => [entity.index, entity]));
  return (index) => {
    const start = byIndex.get(index);
    const held = nearest(start, byIndex) ?? (start?.class === "module" ? solePortOf(index, entities) : undefined);
    return held === undefined ? undefined : interfaces.get(held);
  };
}

/** The ifIndex of the entity itself, or of the nearest one that holds it. */
function nearest(start: EntityRow | undefined, byIndex: ReadonlyMap<string, EntityRow>): string | undefined {
  let entity = start;
  for (let step = 0; step < maxSteps && entity !== undefined; step++) {
    if (entity.ifIndex !== undefined) return entity.ifIndex;
    entity = byIndex.get(meaningful(entity.containedIn) ?? "");
  }
  return undefined;
}

/** The only interface among what a module holds, at any depth. */
function solePortOf(index: string, entities: readonly EntityRow[]): string | undefined {
  const inside = new Set([index]);
  const found = new Set<string>();
  for (let step = 0; step < maxSteps; step++) {
    const before = inside.size;
    for (const { index: child, containedIn, ifIndex } of entities) {
      if (!inside.has(containedIn) || inside.has(child)) continue;
      inside.add(child);
      if (ifIndex !== undefined) found.add(ifIndex);
    }
    if (inside.size === before) break;
  }
  const [sole, second] = found;
  return second === undefined ? sole : undefined;
}
