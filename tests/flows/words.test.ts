import { expect, it } from "vitest";
import { wordsOf } from "../../flows/host/words.ts";

it("finds words for anything that a function throws, and throws nothing itself", () => {
  const forged = Object.assign(new Error("x"), { stack: { toString: 1 } });
  const thrown = [
    { toString: 1 },
    Object.create(null),
    forged,
    Symbol("s"),
    undefined,
    7,
    Object.defineProperty(new Error("x"), "stack", { get: () => expect.unreachable() }),
  ];
  for (const one of thrown) expect(wordsOf(one)).toEqual(expect.any(String));
  expect(wordsOf({ toString: 1 })).toBe("something that cannot be shown");
});
