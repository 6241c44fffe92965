import { createHash, type Hash } from "node:crypto";
import type { Metric, Row, TableShape } from "#model/report.ts";
import { GroupDigests } from "./group-digests.ts";

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

/**
 * The gateway's series dictionary: which groups live, at which revision. Revisions and group ids are never used twice: each process run
 * counts from a random epoch, so that backlog of an earlier run cannot be read with this run's dictionary.
 */
export class DictionaryWriter {
  /** In the order of their ids. Texts are made again when they are sent: at a large site all of them are as much memory as all values. */
  readonly #groups: GroupShape[] = [];
  /** Of the texts, in the same order. */
  readonly #digests = new GroupDigests();
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

  /** @param group with the next id; kept */
  add(group: GroupShape): void {
    const text = groupText(group);
    const digest = createHash("sha256").update(text).digest();
    this.#groups.push(group);
    this.#digests.push(digest, Buffer.byteLength(text));
    this.#hash?.update(digest);
    this.#added.push(group.gid);
  }

  remove(gid: number): void {
    const place = this.#placeOf(gid);
    if (this.#groups[place]?.gid !== gid) return;
    this.#groups.splice(place, 1);
    this.#digests.remove(place);
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
    const parts = this.#parts(isFull ? [...this.#groups.keys()] : this.#added.flatMap((gid) => this.#find(gid)));
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
    const [only, ...more] = this.#parts([...this.#groups.keys()]);
    if (only === undefined || more.length > 0) return undefined;
    return this.#recordText({ base: 0, full: true }, only, [], true);
  }

  /** SHA-256 over the digests of the live groups in the order of their ids, hexadecimal. */
  sha256(): string {
    if (this.#hash === undefined) {
      this.#hash = createHash("sha256");
      for (let place = 0; place < this.#groups.length; place++) this.#hash.update(this.#digests.digestAt(place));
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

  /** @returns its place; none where it was removed */
  #find(gid: number): readonly number[] {
    const place = this.#placeOf(gid);
    return this.#groups[place]?.gid === gid ? [place] : [];
  }

  /** Places of groups for one record each. */
  #parts(places: readonly number[]): number[][] {
    const parts: number[][] = [[]];
    let bytes = 0;
    for (const place of places) {
      const own = this.#digests.textBytesAt(place);
      if (bytes > 0 && bytes + own > recordBytes) {
        parts.push([]);
        bytes = 0;
      }
      parts.at(-1)?.push(place);
      bytes += own;
    }
    return parts;
  }

  /** A record of the present revision. */
  #recordText(
    head: { readonly base: number; readonly full: boolean },
    places: readonly number[],
    removed: readonly number[],
    isLast: boolean,
  ): string {
    // Only the last record of a set leaves the dictionary complete, so only that one carries its digest.
    const digest = isLast ? `,"sha256":"${this.sha256()}"` : "";
    const place = `"v":1,"rev":${this.#revision},"base":${head.base},"full":${head.full}`;
    const groups = places.flatMap((place) => this.#groups[place] ?? []).map(groupText);
    return `{${place},"groups":[${groups.join(",")}],"removed":[${removed.join(",")}]${digest}}`;
  }
}
