import { describe, expect, it } from "vitest";
import { IdlePool } from "../../../drivers/snmp/idle-pool.ts";

const item = (key: string, cells = 1) => ({ key, cells });

describe("what waits for its next use", () => {
  it("serves those with the same key, the last one back first", () => {
    const pool = new IdlePool({ keys: 10, items: 10, cells: 100 });
    const [first, second] = [item("a"), item("a")];
    pool.giveBack(first);
    pool.giveBack(second);
    expect(pool.take("b")).toBeUndefined();
    expect(pool.take("a")).toBe(second);
    expect(pool.take("a")).toBe(first);
    expect(pool.take("a")).toBeUndefined();
  });

  it("stays within its bounds of items, cells and keys", () => {
    const pool = new IdlePool({ keys: 2, items: 3, cells: 10 });
    pool.giveBack(item("a", 8));
    pool.giveBack(item("a", 3));
    expect(pool.size).toBe(1);
    pool.giveBack(item("b"));
    pool.giveBack(item("c"));
    expect(pool.size).toBe(1);
    for (let n = 0; n < 5; n++) pool.giveBack(item("c"));
    expect(pool.size).toBe(3);
  });

  it("is let go of when it was not needed for a while, and what is in use stays", () => {
    const pool = new IdlePool({ keys: 10, items: 1_000, cells: 1_000 });
    for (let n = 0; n < 100; n++) pool.giveBack(item("a"));
    for (let n = 0; n < 3_000; n++) {
      const [one, other] = [pool.take("a"), pool.take("a")];
      if (other !== undefined) pool.giveBack(other);
      if (one !== undefined) pool.giveBack(one);
    }
    expect(pool.size).toBe(2);
  });
});
