/** Two looks so far apart are two looks: right after a start an agent may not have everything yet, and profiles are looked for at once. */
const apartMs = 3_600_000;

/** Tables of our sets that an equipment did not have whenever it was looked for them. */
export class LackingTables {
  #atEveryLook: ReadonlySet<string> | undefined;
  /** Whole seconds, as a number with a fraction would be an object of its own. */
  #sinceS = 0;
  #isSure = false;

  /** Undefined until two looks agree. */
  get sure(): ReadonlySet<string> | undefined {
    return this.#isSure ? this.#atEveryLook : undefined;
  }

  /** @param lacking names of tables; not changed any more @param nowMs monotonic */
  look(lacking: ReadonlySet<string>, nowMs: number): void {
    const before = this.#atEveryLook;
    if (before === undefined) {
      this.#atEveryLook = lacking;
      this.#sinceS = Math.round(nowMs / 1_000);
      return;
    }
    // Like equipment has the same set: mostly there is nothing to make.
    if (before !== lacking) this.#atEveryLook = new Set([...before].filter((name) => lacking.has(name)));
    this.#isSure ||= nowMs - this.#sinceS * 1_000 >= apartMs;
  }
}
