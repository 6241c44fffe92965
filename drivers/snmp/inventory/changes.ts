import type { Inventory } from "#model/observation.ts";

/** What is compared. */
export type Described = Pick<Inventory, "identity" | "components">;
type Change = Inventory["changes"][number];

const maxChanges = 100;
/** What comes and goes in normal operation is no change of what the device is. */
const quietAttributes = new Set(["speedBitPerS", "ifIndex", "index"]);
const identityFields = [
  "vendor",
  "model",
  "serial",
  "firmware",
  "hardware",
  "osName",
  "deviceClass",
  "sysObjectId",
  "sysName",
  "engineId",
  "macAddress",
] as const;

/**
 * What differs between two readings, as `identity/serial`, `interface/Gi1/0/3/ifAlias`, `disk/Disk 2` (appeared or gone: before or
 * after is empty). At most 100. Pure.
 */
export function changesBetween(before: Described, after: Described): readonly Change[] {
  const changes: Change[] = [];
  for (const field of identityFields) note(changes, `identity/${field}`, before.identity[field], after.identity[field]);
  const old = new Map(before.components.map((component) => [`${component.kind}/${component.key}`, component]));
  for (const component of after.components) {
    const path = `${component.kind}/${component.key}`;
    const previous = old.get(path);
    old.delete(path);
    if (previous === undefined) {
      note(changes, path, undefined, component.name);
      continue;
    }
    for (const name of new Set([...Object.keys(previous.attributes), ...Object.keys(component.attributes)])) {
      if (!quietAttributes.has(name)) note(changes, `${path}/${name}`, previous.attributes[name], component.attributes[name]);
    }
  }
  for (const [path, component] of old) note(changes, path, component.name, undefined);
  return changes.slice(0, maxChanges);
}

function note(changes: Change[], path: string, before: string | number | undefined, after: string | number | undefined): void {
  if (before !== after) changes.push({ path, before: String(before ?? ""), after: String(after ?? "") });
}
