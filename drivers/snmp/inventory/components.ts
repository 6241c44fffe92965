import type { InventoryComponent } from "#model/observation.ts";
import type { RowLabels } from "../conversions/convert.ts";
import type { PolledTable } from "../session/polled-table.ts";
import type { LearntRow } from "../session/row-keys.ts";
import { speedOf } from "../session/row-keys.ts";
import { interfacesOfEntities } from "./entity-interfaces.ts";
import { type EntityRow, meaningful } from "./facts.ts";

/** More components than this are left out. */
const maxComponents = 2_000;
/** Ports and sensors have tables of their own; containers are holes. */
const quietClasses = new Set(["port", "sensor", "container", "backplane", "unknown", "other", ""]);
/** What tables whose rows are entities call their index. */
const entityIndex = "entPhysicalIndex";

/** What the device is made of: rows of tables that are components, and the entities that can be replaced. */
export function componentsOf(tables: readonly PolledTable[], entities: readonly EntityRow[]): readonly InventoryComponent[] {
  const components: InventoryComponent[] = [];
  const interfaceOf = interfacesOfEntities(tables, entities);
  for (const table of tables) {
    const { component } = table.definition;
    if (component === undefined) continue;
    const reader = table.labels();
    for (const row of table.rows) {
      const labels = reader.of(row);
      const name = nameOf(labels, component.name) || row.key;
      const attributes = attributesOf(table, row, labels);
      const port = table.definition.indexLabel === entityIndex ? interfaceOf(row.index) : undefined;
      if (port !== undefined) attributes.interface = port;
      components.push({ kind: component.kind, key: row.key, name, attributes });
    }
  }
  for (const entity of entities) if (!quietClasses.has(entity.class)) components.push(entityComponent(entity, interfaceOf(entity.index)));
  return components.slice(0, maxComponents);
}

function nameOf(labels: RowLabels, names: readonly string[]): string {
  for (const name of names) {
    const value = labels[name];
    if (value !== undefined && value !== "") return value;
  }
  return "";
}

function attributesOf(table: PolledTable, row: LearntRow, labels: RowLabels): Record<string, string | number> {
  const attributes: Record<string, string | number> = { [table.definition.indexLabel ?? "index"]: row.index };
  for (const [name, value] of Object.entries(labels)) {
    if (value !== "" && name !== "ifSpeed" && name !== "ifHighSpeed") attributes[name] = value;
  }
  const speed = table.definition.speedLabel === undefined ? undefined : speedOf(labels);
  if (speed !== undefined) attributes.speedBitPerS = speed;
  return attributes;
}

function entityComponent(entity: EntityRow, port: string | undefined): InventoryComponent {
  const attributes: Record<string, string> = { class: entity.class };
  for (const field of ["descr", "model", "serial", "hardware", "firmware", "software", "vendor", "containedIn"] as const) {
    const value = meaningful(entity[field]);
    if (value !== undefined) attributes[field] = value;
  }
  if (port !== undefined) attributes.interface = port;
  return {
    kind: kindOf(entity.class),
    key: `entity-${entity.index}`,
    name: meaningful(entity.name) ?? meaningful(entity.descr) ?? entity.index,
    attributes,
  };
}

function kindOf(entityClass: string): InventoryComponent["kind"] {
  if (entityClass === "module") return "module";
  if (entityClass === "battery") return "battery";
  return entityClass === "storageDrive" ? "disk" : "entity";
}
