/** What kind of site and store a seed is about; the faults come on top. */
export interface Scenario {
  readonly kind: "plain" | "small store" | "damage";
  readonly budgetBytes: number;
  readonly journalBytes: number;
  /** Text that cannot be compressed in every row, so that a small store fills within hours. */
  readonly padChars: number;
}

const mebibyte = 1024 * 1024;
const plain = { budgetBytes: 64 * mebibyte, journalBytes: 2 * mebibyte, padChars: 0 };

/**
 * One seed in five has a store that is too small for its outages, and must evict; another one boots from damaged files, which no ledger can
 * survive whole, so its books are judged less strictly. All others must be exact.
 */
export function scenarioOf(seed: number): Scenario {
  if (seed % 5 === 0) return { kind: "small store", budgetBytes: 2.25 * mebibyte, journalBytes: mebibyte, padChars: 900 };
  if (seed % 5 === 3) return { kind: "damage", ...plain };
  return { kind: "plain", ...plain };
}
