import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LinearPattern } from "../../../drivers/probe/http/linear-pattern.ts";

/** Patterns of the kind that is accepted, small enough that V8's own matcher answers at once. */
const piece: fc.Arbitrary<string> = fc.letrec((tie) => ({
  atom: fc.constantFrom("a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "\\d", "\\w", "\\.", "[\\d_]", "^", "$"),
  repeat: fc
    .tuple(fc.constantFrom("a", "b", "[ab]", "(a|bc)", "(?:ab?)"), fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"))
    .map((parts) => parts.join("")),
  group: fc.tuple(tie("pattern"), tie("pattern")).map(([left, right]) => `(${left}|${right})`),
  part: fc.oneof({ maxDepth: 3 }, tie("atom"), tie("repeat"), tie("group")),
  pattern: fc.array(tie("part"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
})).pattern as fc.Arbitrary<string>;
const text = fc.array(fc.constantFrom("a", "b", "c", "d", "1", "_", ".", "\n", "A"), { maxLength: 12 }).map((letters) => letters.join(""));

describe("a pattern for bodies", () => {
  it("says what JavaScript's own matcher says", () => {
    fc.assert(
      fc.property(piece, text, fc.boolean(), (source, subject, ignoresCase) => {
        const pattern = LinearPattern.compile(ignoresCase ? `(?i)${source}` : source);
        fc.pre(typeof pattern !== "string");
        expect(pattern.matches(subject)).toBe(new RegExp(source, ignoresCase ? "i" : "").test(subject));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["(a+)\\1", "has \\1, which is not known here"],
    ["a(?=b)", "looks ahead or behind"],
    ["(a", "has a ( without a )"],
    ["a)", "has a ) without a ("],
    ["[a", "has a [ without a ]"],
    ["*a", "has nothing before * to repeat"],
    ["a**", "repeats a repeat"],
    ["[z-a]", "has a range whose end is before its beginning"],
    ["a{3,2}", "has {3,2}, which repeats more than 1000 times or has a maximum below its minimum"],
    ["a{500}", "is too large; repeats count as often as they repeat (at most 256 places)"],
    ["((a{50}){50})", "is too large"],
    ["\\qword", "has \\q, which is not known here"],
    ["(?s).", "has a group with ?, of which only (?: and names are known"],
  ])("refuses %s with the reason", (source, reason) => {
    const refused = LinearPattern.compile(source);
    expect(typeof refused === "string" ? refused : "accepted").toContain(reason);
  });

  it("knows word boundaries, named groups and classes with a name", () => {
    const pattern = LinearPattern.compile("\\bload: (?<load>[[:digit:]]+)\\b");
    expect(typeof pattern !== "string" && pattern.matches("the load: 12 now")).toBe(true);
    expect(typeof pattern !== "string" && pattern.matches("overload: 12 now")).toBe(false);
  });

  it("looks at the whole of a large body that was made against it within seconds", () => {
    const pattern = LinearPattern.compile("a.{250}x");
    let dice = 1;
    let body = "";
    while (body.length < 262_144) {
      dice = (Math.imul(dice, 1_103_515_245) + 12_345) >>> 0;
      body += dice >>> 31 === 0 ? "a" : "b";
    }
    const began = performance.now();
    expect(typeof pattern !== "string" && pattern.matches(body)).toBe(false);
    // 1.4 s by itself; the bound is for a loaded machine.
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});
