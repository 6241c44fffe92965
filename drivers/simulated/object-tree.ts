/** SMI types an agent can serve, by the name the rest of the gateway uses. */
export type SimulatedType = "integer" | "octet-string" | "oid" | "ip-address" | "counter32" | "gauge32" | "timeticks" | "counter64";

/** `counter64` -> bigint; `octet-string` -> text or bytes; `oid`, `ip-address` -> dotted; the rest -> number. undefined = not there now. */
export type SimulatedValue = number | bigint | string | Buffer | undefined;

export interface ManagedObject {
  readonly oid: string;
  readonly arcs: readonly number[];
  /** OID of the column, or of the scalar without `.0`: what counts are kept by. */
  readonly column: string;
  readonly type: SimulatedType;
  readonly read: () => SimulatedValue;
  /** Takes a SET; false = wrongValue. Absent = notWritable. */
  readonly write?: (value: number | Buffer) => boolean;
}

export type ScalarDefinition = readonly [
  arc: number | string,
  type: SimulatedType,
  read: () => SimulatedValue,
  write?: (value: number | Buffer) => boolean,
];
export type ColumnDefinition<T> = readonly [
  arc: number,
  type: SimulatedType,
  read: (row: T) => SimulatedValue,
  write?: (row: T, value: number | Buffer) => boolean,
];

/** All instances of one agent in lexicographic order (RFC 3416 4.2.2). Built once; values are computed when asked for. */
export class ObjectTree {
  #objects: ManagedObject[] = [];
  #byOid = new Map<string, ManagedObject>();
  #sorted = true;

  /** Scalars below `group`; `arc` may have several parts. */
  scalars(group: string, definitions: readonly ScalarDefinition[]): this {
    for (const [arc, type, read, write] of definitions) this.#add(`${group}.${arc}`, "0", { type, read, write });
    return this;
  }

  /** A conceptual table: `entry` is the OID of the row object, `index` gives a row's instance part. */
  table<T>(entry: string, rows: readonly T[], index: (row: T) => string | number, columns: readonly ColumnDefinition<T>[]): this {
    for (const [arc, type, read, write] of columns) {
      for (const row of rows) {
        const setter = write === undefined ? undefined : (value: number | Buffer) => write(row, value);
        this.#add(`${entry}.${arc}`, String(index(row)), { type, read: () => read(row), write: setter });
      }
    }
    return this;
  }

  get size(): number {
    return this.#objects.length;
  }

  exact(oid: string): ManagedObject | undefined {
    return this.#byOid.get(oid);
  }

  /** Is `oid` below a column or scalar that exists: decides between noSuchInstance and noSuchObject. */
  hasColumnOf(oid: string): boolean {
    const next = this.#objectsInOrder()[this.firstAfter(oid)];
    const before = this.#objectsInOrder()[this.firstAfter(oid) - 1];
    return [next, before].some((object) => object !== undefined && `${oid}.`.startsWith(`${object.column}.`));
  }

  at(position: number): ManagedObject | undefined {
    return this.#objectsInOrder()[position];
  }

  /** Position of the first instance that follows `oid`; `size` = end of the MIB view. */
  firstAfter(oid: string): number {
    const objects = this.#objectsInOrder();
    const arcs = parseOid(oid);
    let low = 0;
    let high = objects.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const candidate = objects[middle];
      if (candidate !== undefined && compareArcs(candidate.arcs, arcs) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #add(
    column: string,
    instance: string,
    rest: { type: SimulatedType; read: () => SimulatedValue; write: ((value: number | Buffer) => boolean) | undefined },
  ): void {
    const oid = `${column}.${instance}`;
    if (this.#byOid.has(oid)) throw new Error(`object ${oid} is defined twice`);
    const { write, ...always } = rest;
    const object: ManagedObject = { oid, arcs: parseOid(oid), column, ...always, ...(write === undefined ? {} : { write }) };
    this.#objects.push(object);
    this.#byOid.set(oid, object);
    this.#sorted = false;
  }

  #objectsInOrder(): readonly ManagedObject[] {
    if (!this.#sorted) {
      this.#objects.sort((a, b) => compareArcs(a.arcs, b.arcs));
      this.#sorted = true;
    }
    return this.#objects;
  }
}

export function parseOid(oid: string): readonly number[] {
  return oid.split(".").map(Number);
}

export function compareArcs(a: readonly number[], b: readonly number[]): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
