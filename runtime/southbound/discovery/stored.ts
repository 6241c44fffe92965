import type { State } from "#ports/state.ts";

/** A JSON value of ours in the state; undefined when it is absent or does not look as it should (an older version's). */
export function readJson<T>(state: State, key: string, fits: (value: unknown) => value is T): T | undefined {
  const text = state.getText(key);
  if (text === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
  return fits(parsed) ? parsed : undefined;
}

/** As readJson, for an object whose entries are judged one by one. */
export function readJsonEntries<T>(state: State, key: string, fits: (value: unknown) => value is T): Record<string, T> {
  const all = readJson(state, key, (value): value is Record<string, unknown> => typeof value === "object" && value !== null) ?? {};
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, T] => fits(entry[1])));
}
