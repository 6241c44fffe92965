import { createHash, type Hash } from "node:crypto";
import type { Metric, Row, TableShape } from "#model/report.ts";

/** A row range of one table of one equipment: a group of the dictionary. */
export interface GroupShape {
  readonly gid: number;
  readonly shape: TableShape;
  readonly fromRow: number;
  readonly rowCount: number;
}

/** The dictionary's letter of a metric's kind (states travel as gauges). */
export function kindLetter(metric: Metric): "c" | "g" | "s" {
  if (metric.kind === "counter") return "c";
  return metric.kind === "text" ? "s" : "g";
}

/**
 * Largest record, bytes before compression: a dictionary that is longer goes out as a full record and deltas behind it. Below the chunk's hard
 * limit, so that even labels that do not compress cannot make a record the NOC must refuse.
 */
const recordBytes = 90_000;
/** Bytes of rows in one group, for the same reason. */
const groupRowBytes = 60_000;
const maxLabelChars = 256;
const maxLabels = 32;
const maxKeyChars = 256;

/** Labels may come from a device: bounded here, once per shape. */
function boundedLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(labels).slice(0, maxLabels);
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(0, maxLabelChars), value.slice(0, maxLabelChars).toWellFormed()]));
}

function rowText(row: Row): [string, Record<string, string>] {
  return [row.key.slice(0, maxKeyChars).toWellFormed(), boundedLabels(row.labels)];
}

/**
 * One group as it stands in a record. Metrics and rows are listed once; the series are their product in metric-major order, which is
 * the order of `state` and `vals`.
 */
export function groupText(group: GroupShape): string {
  const { shape, fromRow, rowCount } = group;
  return JSON.stringify({
    gid: group.gid,
    dev: shape.equipment,
    tbl: shape.table,
    iv: shape.intervalMs,
    metrics: shape.metrics.map((metric) => [metric.name, kindLetter(metric), metric.unit, metric.scale]),
    rows: shape.rows.slice(fromRow, fromRow + rowCount).map(rowText),
  });
}

/** Cuts the first `rows` rows of a table into groups: of `maxRows` at most, and of no more text than a record can carry. */
export function rowRanges(
  shape: TableShape,
  rows: number,
  maxRows: number,
): readonly { readonly fromRow: number; readonly rowCount: number }[] {
  const ranges: { readonly fromRow: number; readonly rowCount: number }[] = [];
  let fromRow = 0;
  let bytes = 0;
  for (const [index, row] of shape.rows.slice(0, rows).entries()) {
    const own = Buffer.byteLength(JSON.stringify(rowText(row)));
    if (index > fromRow && (index - fromRow >= maxRows || bytes + own > groupRowBytes)) {
      ranges.push({ fromRow, rowCount: index - fromRow });
      fromRow = index;
      bytes = 0;
    }
    bytes += own;
  }
  if (rows > fromRow) ranges.push({ fromRow, rowCount: rows - fromRow });
  return ranges;
}

/** A group that lives. Its text is made again when it is sent: at a large site all texts are as much memory as all values. */
interface LiveGroup extends GroupShape {
  readonly bytes: number;
  /** 32 bytes, one a character. */
  readonly digest: string;
}

/**
 * The gateway's series dictionary: which groups live, at which revision. Revisions and group ids are never used twice: each process run
 * counts from a random epoch, so that backlog of an earlier run cannot be read with this run's dictionary.
 */
export class DictionaryWriter {
  /** In the order of their ids. A map would be five times as large. */
  readonly #groups: LiveGroup[] = [];
  #revision: number;
  #nextGid = 1;
  #sentFull = false;
  #added: number[] = [];
  #removed: number[] = [];
  /** Over the digests of the groups so far; undefined = begin anew. Each group of a starting site comes with a record that carries the digest. */
  #hash: Hash | undefined;

  /** @param epoch 0 .. 2^32-1, random per process run */
  constructor(epoch: number) {
    this.#revision = epoch * 1_048_576;
  }

  get revision(): number {
    return this.#revision;
  }

  nextGid(): number {
    this.#nextGid += 1;
    return this.#nextGid - 1;
  }

  /** @returns the group as it is kept: whoever keeps it as well should keep this one */
  add(group: GroupShape): GroupShape {
    const text = groupText(group);
    const digest = createHash("sha256").update(text).digest("latin1");
    const { gid, shape, fromRow, rowCount } = group;
    const live: LiveGroup = { gid, shape, fromRow, rowCount, bytes: Buffer.byteLength(text), digest };
    this.#groups.push(live);
    this.#hash?.update(digest, "latin1");
    this.#added.push(gid);
    return live;
  }

  remove(gid: number): void {
    const place = this.#placeOf(gid);
    if (this.#groups[place]?.gid !== gid) return;
    this.#groups.splice(place, 1);
    this.#removed.push(gid);
    this.#hash = undefined;
  }

  /** The next records begin with a full one. */
  restart(): void {
    this.#sentFull = false;
  }

  /** Texts of the records that are due, in order; [] = nothing changed. Raises the revision by one for each. */
  takeRecords(): string[] {
    if (this.#sentFull && this.#added.length === 0 && this.#removed.length === 0) return [];
    const isFull = !this.#sentFull;
    const parts = partsOf(isFull ? this.#groups : this.#added.flatMap((gid) => this.#find(gid) ?? []));
    const records = parts.map((part, index) => {
      const base = this.#revision;
      this.#revision += 1;
      const full = isFull && index === 0;
      const removed = isFull || index > 0 ? [] : this.#removed;
      return this.#recordText({ base: full ? 0 : base, full }, part, removed, index === parts.length - 1);
    });
    this.#sentFull = true;
    this.#added = [];
    this.#removed = [];
    return records;
  }

  /** Everything that lives, under the present revision; undefined when that is more than one record may hold. */
  fullText(): string | undefined {
    const [only, ...more] = partsOf(this.#groups);
    if (only === undefined || more.length > 0) return undefined;
    return this.#recordText({ base: 0, full: true }, only, [], true);
  }

  /** SHA-256 over the digests of the live groups in the order of their ids, hexadecimal. */
  sha256(): string {
    if (this.#hash === undefined) {
      this.#hash = createHash("sha256");
      for (const entry of this.#groups) this.#hash.update(entry.digest, "latin1");
    }
    return this.#hash.copy().digest("hex");
  }

  /** Where the group stands, or would stand. */
  #placeOf(gid: number): number {
    let [low, high] = [0, this.#groups.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#groups[middle]?.gid ?? 0) < gid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #find(gid: number): LiveGroup | undefined {
    const found = this.#groups[this.#placeOf(gid)];
    return found?.gid === gid ? found : undefined;
  }

  /** A record of the present revision. */
  #recordText(
    head: { readonly base: number; readonly full: boolean },
    live: readonly LiveGroup[],
    removed: readonly number[],
    isLast: boolean,
  ): string {
    // Only the last record of a set leaves the dictionary complete, so only that one carries its digest.
    const digest = isLast ? `,"sha256":"${this.sha256()}"` : "";
    const place = `"v":1,"rev":${this.#revision},"base":${head.base},"full":${head.full}`;
    const groups = live.map(groupText);
    return `{${place},"groups":[${groups.join(",")}],"removed":[${removed.join(",")}]${digest}}`;
  }
}

/** Groups for one record each. */
function partsOf(groups: readonly LiveGroup[]): LiveGroup[][] {
  const parts: LiveGroup[][] = [[]];
  let bytes = 0;
  for (const group of groups) {
    if (bytes > 0 && bytes + group.bytes > recordBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(group);
    bytes += group.bytes;
  }
  return parts;
}
