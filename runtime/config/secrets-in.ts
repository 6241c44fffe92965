import { Secret } from "#model/secret.ts";

const maxDepth = 32;

/** The text of every `Secret` in a value, once each. Never log it. */
export function secretsIn(value: unknown): readonly string[] {
  const found = new Set<string>();
  collect(value, found, 0);
  return [...found];
}

function collect(value: unknown, found: Set<string>, depth: number): void {
  if (value instanceof Secret) found.add(value.reveal());
  else if (typeof value === "object" && value !== null && depth < maxDepth)
    for (const inner of Object.values(value)) collect(inner, found, depth + 1);
}
