/**
 * Phase of an equipment's poll grid, milliseconds in [0, intervalMs): a hash of its id, so that equipment is never polled in step and
 * each keeps its place across restarts. FNV-1a, 32 bit.
 */
export function phaseMs(id: string, intervalMs: number): number {
  let hash = 2166136261;
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 16777619) >>> 0;
  }
  // The low bits of FNV differ little between "sw-1" and "sw-2"; a final mix spreads neighbours over the whole interval.
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507) >>> 0;
  return (((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32) * intervalMs;
}

/** First grid slot strictly after `nowMs`; slots are at phase + k x interval on the monotonic clock. */
export function nextSlotMs(nowMs: number, phase: number, intervalMs: number): number {
  return phase + (Math.floor((nowMs - phase) / intervalMs) + 1) * intervalMs;
}

/** An entry of the schedule: due at a monotonic time. */
export interface Due {
  dueMs: number;
}

/** Binary min-heap by dueMs. Bounded by the number of equipment. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  has(item: T): boolean {
    return this.#items.includes(item);
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let index = items.length;
    items.push(item);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = items[parentIndex];
      if (parent === undefined || parent.dueMs <= item.dueMs) break;
      items[index] = parent;
      index = parentIndex;
    }
    items[index] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    this.#sink(last);
    return first;
  }

  #sink(item: T): void {
    const items = this.#items;
    let index = 0;
    for (;;) {
      const left = items[2 * index + 1];
      const right = items[2 * index + 2];
      if (left === undefined) break;
      const useRight = right !== undefined && right.dueMs < left.dueMs;
      const child = useRight ? right : left;
      if (child.dueMs >= item.dueMs) break;
      items[index] = child;
      index = 2 * index + (useRight ? 2 : 1);
    }
    items[index] = item;
  }
}
