import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Pattern } from "../../../../drivers/snmp/profiles/pattern.ts";

function compiled(source: string): Pattern {
  const pattern = Pattern.compile(source);
  if (typeof pattern === "string") throw new Error(pattern);
  return pattern;
}

const character = fc.constantFrom(
  "a",
  "b",
  "B",
  "1",
  ".",
  "\\d",
  "\\w",
  "\\s",
  "[ab]",
  "[^a]",
  "\\.",
  "[\\d.]",
  "é",
  "{",
  "\\x61",
  "\\u00e9",
  "\\S",
  "[^\\S\\n]",
  "[\\S ]",
);
const times = fc.constantFrom("", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}", "{1,2}?");
const piece = fc.tuple(character, times).map(([what, often]) => what + often);
const sequence = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(""));
// Where an optional group takes nothing, RE2 says "" and RegExp that there was none: such groups hold at least one character here.
const group = fc
  .tuple(fc.constantFrom("(", "(?:", "(?<n>"), sequence, sequence, fc.boolean(), fc.constantFrom("", "?"))
  .map(([open, one, other, chooses, often]) => {
    const least = often === "" ? "" : "a";
    return `${open}${one}${least}${chooses ? `|${other}${least}` : ""})${often}`;
  });
const whole = fc
  .tuple(fc.constantFrom("", "^", "\\b"), sequence, fc.option(group, { nil: "" }), sequence, fc.constantFrom("", "$", "\\b", "\\B"))
  .map((parts) => parts.join(""));
const subject = fc
  .array(fc.constantFrom("a", "b", "A", "1", ".", " ", "é", "É", "{", "\n", "\r", "\v", "\u00a0", "\u2028"), { maxLength: 14 })
  .map((letters) => letters.join(""));

describe("a pattern of a profile", () => {
  it.each([
    "(.*)(.*)(.*)x",
    ".*a.*a.*a.*x",
    `${"a?".repeat(60)}${"a".repeat(60)}x`,
    `${"(a|aa)".repeat(30)}x`,
    "(a?)+x",
    "a{0,50}a{0,50}a{0,50}a{0,50}x",
  ])("%s is not slow with a text that was made for it", (source) => {
    const pattern = compiled(source);
    const began = performance.now();
    expect(pattern.test("a".repeat(512))).toBe(false);
    // Without a bound this takes from seconds to years.
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it("finds what RegExp finds, group by group", () => {
    fc.assert(
      fc.property(whole, subject, (source, text) => {
        const expected = new RegExp(source, "i").exec(text);
        const pattern = compiled(source);
        expect(pattern.expand(text, "$0|$1")).toBe(expected === null ? undefined : `${expected[0]}|${expected[1] ?? ""}`);
        expect(pattern.test(text)).toBe(expected !== null);
      }),
      { numRuns: 2_000, seed: 20261122 },
    );
  });

  it.each([
    ["\\A(\\d+)\\z", "42", "42"],
    ["Temp: ([[:digit:]]+)", "temp: 28 C", "28"],
    ["([[:alpha:]]+)[[:space:]]*$", "x1 Box ", "Box"],
    ["(?i)v(?P<major>\\d+)", "V7.2", "7"],
    ["(?i:ver) (\\S+)", "VER 1.2", "1.2"],
  ])("%s is read as RE2 reads it", (source, text, expected) => {
    expect(compiled(source).extract(text)).toBe(expected);
  });

  it("is refused where it says what RegExp would silently take for letters", () => {
    expect(Pattern.compile("\\pL+ (\\d+)")).toBe("pattern has \\p, which is not known here");
    expect(Pattern.compile("\\Qa.b\\E")).toBe("pattern has \\Q, which is not known here");
  });

  it.each([
    ["(.)\\1", "has \\1, which is not known here: no back references"],
    ["(?=x)y", "looks ahead or behind"],
    ["(?<!x)y", "looks ahead or behind"],
    ["(?s).*", "has a group with ?, of which only (?: and names are known"],
    ["(a", "has a ( without a )"],
    ["(?<n>a)(?<n>b)", "has two groups of one name"],
    ["x".repeat(300), "is longer than 256 characters"],
    ["(a{1000}){1000}", "is too large; repeats count as often as they repeat (at most 2500 places)"],
    ["a{1000}".repeat(36), "is too large; repeats count as often as they repeat (at most 2500 places)"],
    ["[B-\uffff]".repeat(50), "has ranges of more than 150000 characters altogether"],
  ])("%s is refused with the reason, before much is made of it", (source, reason) => {
    const began = performance.now();
    expect(Pattern.compile(source)).toBe(`pattern ${reason}`);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it("may repeat what repeats", () => {
    expect(compiled("^((?:[a-z]+ )+)(?:\\d+\\.)*(\\d+)$").expand("Acme Box 7.2.1", "$1$2")).toBe("Acme Box 1");
  });
});
