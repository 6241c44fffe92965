import { tags } from "./ber.ts";
import type { Learned } from "./learned.ts";
import type { CompiledPlan } from "./table-plan.ts";

/** Requests that came to nothing one after the other, after which a read is given up. */
const maxFailuresInRow = 8;
/** Values asked for at once after trouble. */
const fewCells = 8;

/** How carefully the rest of one read is asked for, and what is doubted of the agent meanwhile. */
export class Care {
  readonly #learned: Learned;
  /** As learnt; few values at once; single values by GET. */
  #level: "none" | "few" | "single" = "none";
  #failuresInRow = 0;
  /** GETBULK was met with silence or an error and is not known to work: GETNEXT is tried. */
  #isBulkDoubted = false;
  /** > 0: so many cells at once met with silence; a small request is on its way to tell slow from dead. */
  #doubtedCells = 0;

  constructor(learned: Learned) {
    this.#learned = learned;
  }

  get isSingle(): boolean {
    return this.#level === "single";
  }

  get isProbing(): boolean {
    return this.#doubtedCells > 0;
  }

  get isHopeless(): boolean {
    return this.#failuresInRow > maxFailuresInRow;
  }

  get maxCells(): number {
    if (this.#level === "none") return this.#learned.maxCells;
    return this.#level === "few" ? Math.min(fewCells, this.#learned.maxCells) : 1;
  }

  /** GETBULK, GETNEXT or GET. */
  requestType(plan: CompiledPlan): number {
    if (plan.exactReads > 0 || plan.rows.count <= 1 || this.isSingle) return tags.get;
    return this.#learned.bulk && !this.#isBulkDoubted ? tags.getBulk : tags.getNext;
  }

  /** A request came to nothing. */
  noteFailure(): void {
    this.#failuresInRow += 1;
    this.#level = this.#level === "none" ? "few" : "single";
  }

  doubtBulk(): void {
    this.#isBulkDoubted = true;
  }

  /** So many cells were met with silence: alive but slow, deaf to GETBULK, or dead. */
  noteSilence(cells: number, type: number): void {
    this.#doubtedCells = cells;
    this.#isBulkDoubted = type === tags.getBulk && !this.#learned.bulkProven;
    this.#level = "few";
  }

  /** A request brought something: what was doubted is now known. */
  noteSuccess(): void {
    this.#failuresInRow = 0;
    if (this.#isBulkDoubted && this.#learned.bulk && !this.#learned.bulkProven) this.#learned.giveUpBulk();
    else if (this.#doubtedCells > 0) this.#learned.noteSlow(this.#doubtedCells);
    this.#doubtedCells = 0;
  }
}
