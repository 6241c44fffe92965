const ids = new WeakMap<object, number>();
let nextId = 0;

/** A number for each object, to make keys of: equal for the same object only. */
export function idOf(one: object): number {
  const known = ids.get(one);
  if (known !== undefined) return known;
  ids.set(one, nextId);
  return nextId++;
}

/** Lists longer than this are nobody else's. */
const longestList = 128;

/** Frozen lists of objects that are shared themselves: one for all who have the same objects in the same order. */
export class SharedLists<T extends object> {
  readonly #lists: Shared<readonly T[]>;

  constructor(most: number) {
    this.#lists = new Shared(most);
  }

  get(list: readonly T[]): readonly T[] {
    return list.length > longestList ? Object.freeze(list) : this.#lists.get(list.map(idOf).join(), () => Object.freeze([...list]));
  }
}

/** Values made once for equal keys: like equipment shares what does not change. Bounded; losing an entry only loses the sharing. */
export class Shared<T> {
  readonly #kept = new Map<string, T>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string, make: () => T): T {
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#kept.set(key, made);
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > this.#most && oldest !== undefined) this.#kept.delete(oldest);
    return made;
  }
}

const numbersShared = new Shared<Float64Array>(512);

/** Speeds and times of like equipment are the same list: they are learnt seldom and forgotten seldom. Nobody writes into it from now on. */
export function sharedNumbers(numbers: Float64Array): Float64Array {
  return numbers.length > longestList ? numbers : numbersShared.get(numbers.join(), () => numbers);
}
