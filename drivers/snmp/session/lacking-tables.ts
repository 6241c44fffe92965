/** Two looks so far apart are two looks: right after a start an agent may not have everything yet, and profiles are looked for at once. */
const apartMs = 3_600_000;
const nothing: ReadonlySet<string> = new Set();

/** Tables of our sets that an equipment did not have at two looks far enough apart, and at every one between and since. */
export class LackingTables {
  /** Not there since `#sinceS`; undefined = nobody looked yet. */
  #missing: ReadonlySet<string> | undefined;
  /** Whole seconds, as a number with a fraction would be an object of its own. */
  #sinceS = 0;
  #sure = nothing;

  /** Empty until two looks agree. */
  get sure(): ReadonlySet<string> {
    return this.#sure;
  }

  /** @param lacking names of tables; not changed any more @param nowMs monotonic */
  look(lacking: ReadonlySet<string>, nowMs: number): void {
    const still = this.#missing === undefined ? lacking : inBoth(this.#missing, lacking);
    const isApart = this.#missing !== undefined && nowMs - this.#sinceS * 1_000 >= apartMs;
    this.#sure = isApart ? still : inBoth(this.#sure, lacking);
    // What vanished since is sure at the next look that is far enough from this one.
    if (this.#missing === undefined || isApart) {
      this.#missing = lacking;
      this.#sinceS = Math.round(nowMs / 1_000);
    } else this.#missing = still;
  }
}

/** Like equipment has the same set: mostly there is nothing to make. */
function inBoth(before: ReadonlySet<string>, lacking: ReadonlySet<string>): ReadonlySet<string> {
  if (before === lacking || before.size === 0) return before;
  const both = [...before].filter((name) => lacking.has(name));
  if (both.length === before.size) return before;
  return both.length === lacking.size ? lacking : new Set(both);
}
