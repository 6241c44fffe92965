import { describe, expect, it } from "vitest";
import type { DictionaryGroup, DictionaryRecord } from "#model/chunk.ts";
import { DictionaryBook } from "../../../cloud-bridge/protocol/codec/dictionary-book.ts";

const group = (groupId: number): DictionaryGroup => ({ groupId, equipment: "sw-1", table: "t", intervalMs: 60_000, series: [] });
const record = (revision: number, base: number, gids: readonly number[], removed: readonly number[] = []): DictionaryRecord => ({
  revision,
  base,
  full: base === 0,
  groups: gids.map(group),
  removed,
});
const gids = (book: DictionaryBook, revision: number) => [...(book.at(revision)?.keys() ?? [])];

describe("the dictionary book", () => {
  it("reads every revision from the full record on, in whatever order and how often the records come", () => {
    const records = [record(10, 0, [1]), record(11, 10, [2]), record(12, 11, [3], [1]), record(13, 12, [4])];
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [2, 0, 0, 3, 1, 2],
    ]) {
      const book = new DictionaryBook();
      for (const index of order) book.apply(records[index] ?? record(0, 0, []));
      expect(gids(book, 13)).toEqual([1, 2, 3, 4]);
      expect(book.at(14)).toBeUndefined();
    }
  });

  it("says that a delta waits as long as its base is missing", () => {
    const book = new DictionaryBook();
    expect(book.apply(record(12, 11, [3]))).toBe(false);
    expect(book.at(12)).toBeUndefined();
    expect(book.apply(record(11, 0, [1, 2]))).toBe(true);
    expect(gids(book, 12)).toEqual([1, 2, 3]);
  });

  it("reads an older revision of the same run with a later full record, and no revision of another run", () => {
    const run = 1_048_576;
    const book = new DictionaryBook();
    book.apply(record(7 * run + 20, 0, [1, 2]));
    expect(gids(book, 7 * run + 3)).toEqual([1, 2]);
    expect(book.at(6 * run + 3)).toBeUndefined();
    expect(book.at(7 * run + 21)).toBeUndefined();
  });

  it("keeps an earlier run's dictionary for its backlog", () => {
    const book = new DictionaryBook();
    book.apply(record(10, 0, [1]));
    book.apply(record(5_000, 0, [1, 2]));
    expect(gids(book, 10)).toEqual([1]);
    expect(gids(book, 5_000)).toEqual([1, 2]);
  });

  it("stays bounded whatever it is told", () => {
    const book = new DictionaryBook();
    for (let index = 0; index < 10_000; index++) {
      book.apply(record(2 * index + 10, 0, [index]));
      book.apply(record(1e9 + index, 1e8 + index, [index]));
    }
    expect(gids(book, 10)).not.toEqual([0]);
    expect(gids(book, 2 * 9_999 + 10)).toEqual([9_999]);
  });
});
