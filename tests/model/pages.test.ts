import { describe, expect, it } from "vitest";
import { Pages } from "../../runtime/model/pages.ts";

describe("pages", () => {
  it("give each its own zeros, several of a page, and what is large a page of its own", () => {
    const made: number[] = [];
    const pages = new Pages(16, (cells) => {
      made.push(cells);
      return new Uint8Array(cells);
    });
    const taken = [4, 4, 5, 4, 3, 1, 0].map((cells) => ({ cells, ...pages.take(cells) }));
    expect(made).toEqual([16, 5]);
    for (const [name, { page, at, cells }] of taken.entries()) {
      expect([...page.subarray(at, at + cells)]).toEqual(new Array(cells).fill(0));
      page.fill(name + 1, at, at + cells);
    }
    for (const [name, { page, at, cells }] of taken.entries()) {
      expect([...page.subarray(at, at + cells)]).toEqual(new Array(cells).fill(name + 1));
    }
    pages.take(4);
    expect(made).toEqual([16, 5, 16]);
  });
});
