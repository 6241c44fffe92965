import type { StoreQueries } from "../store/store.ts";

/** Names of one enumeration's values: `{ "1": "up" }`. */
export type StateNames = Readonly<Record<string, string>>;

const maxNames = 1_024;
const maxNameChars = 64;

/** What the states of some series are called, as their equipment's inventory says. Absent: the gateway did not say. */
export async function stateNamesOf(
  read: Pick<StoreQueries, "enumerations">,
  gatewayRef: number,
  series: readonly { readonly equipment: string; readonly unit: string }[],
): Promise<(one: { readonly equipment: string; readonly unit: string }) => StateNames | undefined> {
  const wanted = new Set(series.flatMap(({ equipment, unit }) => (unit.startsWith("enum:") ? [equipment] : [])));
  const known = wanted.size === 0 ? new Map<string, unknown>() : await read.enumerations(gatewayRef, [...wanted]);
  const made = new Map<string, StateNames | undefined>();
  return ({ equipment, unit }) => {
    if (!unit.startsWith("enum:")) return undefined;
    const key = `${equipment}/${unit}`;
    if (!made.has(key)) made.set(key, namesIn(known.get(equipment), unit.slice("enum:".length)));
    return made.get(key);
  };
}

/** A gateway's word: whatever it is not is left out. */
function namesIn(enumerations: unknown, name: string): StateNames | undefined {
  const own = memberOf(enumerations, name);
  if (typeof own !== "object" || own === null || Array.isArray(own)) return undefined;
  const names = Object.entries(own)
    .slice(0, maxNames)
    .flatMap(([value, text]) => (typeof text === "string" && text !== "" ? [[value, text.slice(0, maxNameChars)] as const] : []));
  return names.length === 0 ? undefined : Object.fromEntries(names);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/** The name of a state; undefined for what is none of the known ones. */
export function stateText(names: StateNames | undefined, value: number | string | null): string | undefined {
  return typeof value === "number" && names !== undefined && Object.hasOwn(names, String(value)) ? names[String(value)] : undefined;
}
