import { Pages } from "#model/pages.ts";
import type { Row, TableShape } from "#model/report.ts";

/** What is remembered of one port. */
export interface Port {
  /** undefined = neither up nor down: dormant, testing, unknown, or switched off by a person. */
  isUp: boolean | undefined;
  adminUp: boolean;
  /** Monotonic ms since when `isUp` has its value. */
  sinceMs: number;
  /** Unix ms since when it was up without a break before it went down, or is up now. */
  upSinceWallMs: number | undefined;
  /** Told by a trap and not yet confirmed by a poll. */
  byTrap: boolean;
}

const bits = { known: 1, up: 2, down: 4, adminUp: 8, byTrap: 16 } as const;
const noRows: readonly Row[] = [];

/** Key, port and labels. */
type BrokenPort = readonly [string, Port, Row["labels"]];

const noneGone: ReadonlyMap<string, Port & { readonly labels: Row["labels"] }> = new Map();

/** For nearly every equipment nearly every time. */
const noneBroken: readonly BrokenPort[] = [];

interface Page {
  /** Tenths of a second, monotonic. */
  readonly sinceTenths: Uint32Array;
  /** Unix seconds, which is exact enough for what is kept over days; 0 = not known. */
  readonly upSinceS: Uint32Array;
  readonly flags: Uint8Array;
}

const msATenth = 100;
const noPage: Page = { sinceTenths: new Uint32Array(0), upSinceS: new Uint32Array(0), flags: new Uint8Array(0) };
const pages = new Pages<Page>(1_024, (rows) => ({
  sinceTenths: new Uint32Array(rows),
  upSinceS: new Uint32Array(rows),
  flags: new Uint8Array(rows),
}));

/**
 * The ports of one equipment by the rows of its newest table: nine bytes a port, names and labels are the shape's. Ports that are in the table no
 * more are kept beside it, as they may come back.
 */
export class PortRows {
  #rows: readonly Row[] = noRows;
  #page = noPage;
  /** Where its first row stands in the page. */
  #at = 0;
  /** Made with the first port that goes. */
  #gone = noneGone;

  /** Takes over another shape of the same table. */
  adopt(shape: TableShape): void {
    if (shape.rows === this.#rows) return;
    const before = new Map(this.#gone);
    for (const [row, { key, labels }] of this.#rows.entries()) {
      const port = this.at(row);
      if (port !== undefined) before.set(key, { ...valuesOf(port), labels });
    }
    this.#gone = noneGone;
    this.#rows = shape.rows;
    const { page, at } = pages.take(shape.rows.length);
    this.#page = page;
    this.#at = at;
    for (const [row, { key }] of shape.rows.entries()) {
      const port = before.get(key);
      if (port !== undefined) this.put(row, port);
      before.delete(key);
    }
    if (before.size > 0) this.#gone = before;
  }

  put(row: number, port: Port): void {
    this.#page.flags[this.#at + row] = bits.known;
    Object.assign(new RowPort(this.#page, this.#at + row), valuesOf(port));
  }

  /** The port of a row, to read and to write; undefined = not seen yet. */
  at(row: number): Port | undefined {
    if (((this.#page.flags[this.#at + row] ?? 0) & bits.known) === 0) return undefined;
    return new RowPort(this.#page, this.#at + row);
  }

  get(key: string): Port | undefined {
    const row = this.#rows.findIndex((one) => one.key === key);
    return row < 0 ? this.#gone.get(key) : this.at(row);
  }

  labelsOf(key: string): Row["labels"] {
    return this.#rows.find((one) => one.key === key)?.labels ?? this.#gone.get(key)?.labels ?? {};
  }

  keyOfIndex(ifIndex: string): string | undefined {
    const isIt = ({ labels }: { readonly labels: Row["labels"] }) => labels.ifIndex === ifIndex;
    return this.#rows.find(isIt)?.key ?? [...this.#gone].find(([, port]) => isIt(port))?.[0];
  }

  /** Whether nothing about a row has changed: most polls of most ports. */
  isSame(row: number, isUp: boolean | undefined, adminUp: boolean): boolean {
    const flags = (this.#page.flags[this.#at + row] ?? 0) & ~bits.byTrap;
    return flags === (bits.known | upBits(isUp) | (adminUp ? bits.adminUp : 0));
  }

  /**
   * Ports that should be up and have been down since `untilMs` or longer, with their labels: found without a look at the others.
   * @param wasUp only those that have been seen up: half of the ports of many switches have nothing plugged in
   */
  broken(untilMs: number, wasUp = false): readonly BrokenPort[] {
    let found: BrokenPort[] | undefined;
    const { flags, sinceTenths, upSinceS } = this.#page;
    for (let row = 0, at = this.#at; row < this.#rows.length; row++, at++) {
      if (((flags[at] ?? 0) & (bits.down | bits.adminUp)) !== (bits.down | bits.adminUp)) continue;
      if (!((sinceTenths[at] ?? 0) * msATenth <= untilMs) || (wasUp && upSinceS[at] === 0)) continue;
      const [described, port] = [this.#rows[row], this.at(row)];
      if (described === undefined || port === undefined) continue;
      found ??= [];
      found.push([described.key, port, described.labels]);
    }
    if (this.#gone.size > 0) {
      for (const [key, port] of this.#gone) {
        if (wasUp && port.upSinceWallMs === undefined) continue;
        if (port.isUp !== false || !port.adminUp || port.sinceMs > untilMs) continue;
        found ??= [];
        found.push([key, port, port.labels]);
      }
    }
    return found ?? noneBroken;
  }

  /** Every port that was ever seen. */
  *all(): Iterable<readonly [string, Port]> {
    for (const [row, { key }] of this.#rows.entries()) {
      const port = this.at(row);
      if (port !== undefined) yield [key, port];
    }
    yield* this.#gone;
  }
}

function upBits(isUp: boolean | undefined): number {
  if (isUp === undefined) return 0;
  return isUp ? bits.up : bits.down;
}

function valuesOf({ isUp, adminUp, sinceMs, upSinceWallMs, byTrap }: Port): Port {
  return { isUp, adminUp, sinceMs, upSinceWallMs, byTrap };
}

/** One row's numbers, seen as a port. */
class RowPort implements Port {
  readonly #page: Page;
  readonly #at: number;

  constructor(page: Page, at: number) {
    this.#page = page;
    this.#at = at;
  }

  get isUp(): boolean | undefined {
    const flags = this.#page.flags[this.#at] ?? 0;
    if ((flags & (bits.up | bits.down)) === 0) return undefined;
    return (flags & bits.up) !== 0;
  }

  set isUp(value: boolean | undefined) {
    this.#page.flags[this.#at] = ((this.#page.flags[this.#at] ?? 0) & ~(bits.up | bits.down)) | upBits(value);
  }

  get adminUp(): boolean {
    return this.#is(bits.adminUp);
  }

  set adminUp(value: boolean) {
    this.#set(bits.adminUp, value);
  }

  get byTrap(): boolean {
    return this.#is(bits.byTrap);
  }

  set byTrap(value: boolean) {
    this.#set(bits.byTrap, value);
  }

  get sinceMs(): number {
    return (this.#page.sinceTenths[this.#at] ?? Number.NaN) * msATenth;
  }

  set sinceMs(value: number) {
    this.#page.sinceTenths[this.#at] = Math.round(value / msATenth);
  }

  get upSinceWallMs(): number | undefined {
    const seconds = this.#page.upSinceS[this.#at] ?? 0;
    return seconds === 0 ? undefined : seconds * 1_000;
  }

  set upSinceWallMs(value: number | undefined) {
    this.#page.upSinceS[this.#at] = value === undefined ? 0 : Math.max(1, Math.floor(value / 1_000));
  }

  #is(bit: number): boolean {
    return ((this.#page.flags[this.#at] ?? 0) & bit) !== 0;
  }

  #set(bit: number, value: boolean): void {
    const flags = this.#page.flags[this.#at] ?? 0;
    this.#page.flags[this.#at] = value ? flags | bit : flags & ~bit;
  }
}
