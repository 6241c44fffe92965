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

/** For nearly every equipment nearly every time. */
const noneBroken: readonly BrokenPort[] = [];

/**
 * The ports of one equipment by the rows of its newest table: 17 bytes a port, names and labels are the shape's. Ports that are in the table no
 * more are kept beside it, as they may come back.
 */
export class PortRows {
  #rows: readonly Row[] = noRows;
  #sinceMs = new Float64Array(0);
  #upSinceMs = new Float64Array(0);
  #flags = new Uint8Array(0);
  readonly #gone = new Map<string, Port & { readonly labels: Row["labels"] }>();

  /** Takes over another shape of the same table. */
  adopt(shape: TableShape): void {
    if (shape.rows === this.#rows) return;
    const before = new Map(this.#gone);
    for (const [row, { key, labels }] of this.#rows.entries()) {
      const port = this.at(row);
      if (port !== undefined) before.set(key, { ...valuesOf(port), labels });
    }
    this.#gone.clear();
    this.#rows = shape.rows;
    const count = shape.rows.length;
    const numbers = new Float64Array(2 * count + Math.ceil(count / 8));
    this.#sinceMs = numbers.subarray(0, count);
    this.#upSinceMs = numbers.subarray(count, 2 * count);
    this.#flags = new Uint8Array(numbers.buffer, 16 * count, count);
    for (const [row, { key }] of shape.rows.entries()) {
      const port = before.get(key);
      if (port !== undefined) this.put(row, port);
      before.delete(key);
    }
    for (const [key, port] of before) this.#gone.set(key, port);
  }

  put(row: number, port: Port): void {
    this.#flags[row] = bits.known;
    Object.assign(new RowPort(this.#sinceMs, this.#upSinceMs, this.#flags, row), valuesOf(port));
  }

  /** The port of a row, to read and to write; undefined = not seen yet. */
  at(row: number): Port | undefined {
    if (((this.#flags[row] ?? 0) & bits.known) === 0) return undefined;
    return new RowPort(this.#sinceMs, this.#upSinceMs, this.#flags, row);
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
    const flags = (this.#flags[row] ?? 0) & ~bits.byTrap;
    return flags === (bits.known | upBits(isUp) | (adminUp ? bits.adminUp : 0));
  }

  /**
   * Ports that should be up and have been down since `untilMs` or longer, with their labels: found without a look at the others.
   * @param wasUp only those that have been seen up: half of the ports of many switches have nothing plugged in
   */
  broken(untilMs: number, wasUp = false): readonly BrokenPort[] {
    let found: BrokenPort[] | undefined;
    for (let row = 0; row < this.#rows.length; row++) {
      if (((this.#flags[row] ?? 0) & (bits.down | bits.adminUp)) !== (bits.down | bits.adminUp)) continue;
      if (!((this.#sinceMs[row] ?? 0) <= untilMs) || (wasUp && Number.isNaN(this.#upSinceMs[row] ?? Number.NaN))) continue;
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
  readonly #sinceMs: Float64Array;
  readonly #upSinceMs: Float64Array;
  readonly #flags: Uint8Array;
  readonly #row: number;

  constructor(sinceMs: Float64Array, upSinceMs: Float64Array, flags: Uint8Array, row: number) {
    this.#sinceMs = sinceMs;
    this.#upSinceMs = upSinceMs;
    this.#flags = flags;
    this.#row = row;
  }

  get isUp(): boolean | undefined {
    const flags = this.#flags[this.#row] ?? 0;
    if ((flags & (bits.up | bits.down)) === 0) return undefined;
    return (flags & bits.up) !== 0;
  }

  set isUp(value: boolean | undefined) {
    this.#flags[this.#row] = ((this.#flags[this.#row] ?? 0) & ~(bits.up | bits.down)) | upBits(value);
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
    return this.#sinceMs[this.#row] ?? Number.NaN;
  }

  set sinceMs(value: number) {
    this.#sinceMs[this.#row] = value;
  }

  get upSinceWallMs(): number | undefined {
    const value = this.#upSinceMs[this.#row] ?? Number.NaN;
    return Number.isNaN(value) ? undefined : value;
  }

  set upSinceWallMs(value: number | undefined) {
    this.#upSinceMs[this.#row] = value ?? Number.NaN;
  }

  #is(bit: number): boolean {
    return ((this.#flags[this.#row] ?? 0) & bit) !== 0;
  }

  #set(bit: number, value: boolean): void {
    const flags = this.#flags[this.#row] ?? 0;
    this.#flags[this.#row] = value ? flags | bit : flags & ~bit;
  }
}
