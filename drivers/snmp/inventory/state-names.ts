import type { Inventory } from "#model/observation.ts";
import type { Enumeration } from "../metric-sets/enumeration.ts";
import { enumerations } from "../metric-sets/enumerations.ts";
import type { TableDefinition } from "../metric-sets/metric-set.ts";

/** Enumerations that a profile brings, by the name that stands in `enum:NAME`. */
export type ProfileStates = (name: string) => Enumeration | undefined;

const maxEnumerations = 64;
const maxNames = 256;
const maxNameChars = 64;
/** Of all names together: the inventory is sent whole, and components matter more. */
const maxChars = 16_384;

/** What the values of the tables' state metrics are called. Beyond the bounds states stay numbers. */
export function stateNamesOf(tables: readonly TableDefinition[], ofProfiles: ProfileStates | undefined): Inventory["enumerations"] {
  const units = new Set(tables.flatMap((table) => table.columns.map((column) => column.unit)));
  const wanted = [...units].filter((unit) => unit.startsWith("enum:")).map((unit) => unit.slice("enum:".length));
  const found: Record<string, Readonly<Record<string, string>>> = {};
  let chars = 0;
  for (const name of wanted.slice(0, maxEnumerations)) {
    const names = (enumerations[name] ?? ofProfiles?.(name))?.names;
    if (names === undefined) continue;
    const own = Object.entries(names)
      .slice(0, maxNames)
      .map(([value, text]) => [value, text.slice(0, maxNameChars)] as const);
    chars += own.reduce((sum, [value, text]) => sum + value.length + text.length + 6, name.length + 6);
    if (chars > maxChars) break;
    found[name] = Object.fromEntries(own);
  }
  return found;
}
