import { profileLimits } from "./limits.ts";
import { PatternProgram } from "./pattern-program.ts";
import { type PatternTree, parsePatternTree } from "./pattern-tree.ts";

const maxUnboundedRepeats = 4;
/** Characters of a device's text that a pattern sees. */
const maxSubjectLength = 512;
/** Ways through a text that RegExp may try, at worst: some milliseconds. */
const maxWays = 2 ** 20;

/**
 * A regular expression out of a profile, for texts out of devices: both come from strangers. The corpus is written for RE2, so nothing
 * is lost by refusing what RE2 does not know either (back references, look-around), and repeats within repeats are refused as well.
 * Case does not count. RegExp runs what has few ways through a text, a program of our own the rest: nothing takes longer than milliseconds.
 */
export class Pattern {
  readonly source: string;
  readonly #pattern: RegExp | PatternProgram;

  private constructor(source: string, pattern: RegExp | PatternProgram) {
    this.source = source;
    this.#pattern = pattern;
  }

  /** @returns the pattern, or the reason why it is refused */
  static compile(source: string): Pattern | string {
    if (source.length > profileLimits.patternLength) return `pattern is longer than ${profileLimits.patternLength} characters`;
    const plain = fromRe2(source);
    if (/\\[1-9k]/.test(plain)) return "pattern has a back reference";
    const unknown = [...plain.matchAll(/\\[\s\S]/g)].find(([written]) => /[A-Za-z]/.test(written) && !knownEscapes.has(written));
    if (unknown !== undefined) return `pattern has ${unknown[0]}, which is not known here`;
    if (/\(\?(?:[=!]|<[=!])/.test(plain)) return "pattern looks ahead or behind";
    const shape = withoutLiterals(plain);
    if (repeatsWithinRepeat(shape)) return "pattern repeats a group that itself repeats or chooses";
    if ((shape.match(/[*+]|\{\d+,\}/g)?.length ?? 0) > maxUnboundedRepeats) {
      return `pattern has more than ${maxUnboundedRepeats} unbounded repeats`;
    }
    try {
      const pattern = new RegExp(plain, "i");
      const tree = parsePatternTree(plain);
      if (tree !== undefined && waysOf(tree) * (isAnchored(tree) ? 1 : maxSubjectLength) <= maxWays) return new Pattern(source, pattern);
      const program = tree && PatternProgram.compile(tree);
      return program === undefined ? "pattern is too large, or has groups that are not known here" : new Pattern(source, program);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return "pattern is not a regular expression";
    }
  }

  test(text: string): boolean {
    return this.#pattern.exec(text.slice(0, maxSubjectLength)) !== null;
  }

  /** The first group, or the whole match where the pattern has none. */
  extract(text: string): string | undefined {
    const match = this.#pattern.exec(text.slice(0, maxSubjectLength));
    return match === null ? undefined : (match[1] ?? match[0]);
  }

  /** `template` with `$1` or `\1` replaced by the groups; undefined = no match. */
  expand(text: string, template: string): string | undefined {
    const match = this.#pattern.exec(text.slice(0, maxSubjectLength));
    if (match === null) return undefined;
    return template.replace(/[$\\](\d)/g, (_, group: string) => match[Number(group)] ?? "").slice(0, maxSubjectLength);
  }
}

const knownEscapes: ReadonlySet<string> = new Set([..."dDwWsSbBnrtfvxu"].map((letter) => `\\${letter}`));

const posixClasses: Readonly<Record<string, string>> = {
  ...{ digit: "\\d", alpha: "a-z", alnum: "a-z\\d", upper: "a-z", lower: "a-z", space: "\\s", word: "\\w", xdigit: "\\da-f" },
  punct: "!-\\/:-@\\[-`{-~",
};

/** What RE2 writes otherwise. Its inline flag for ignoring case goes: every pattern is read so here. */
function fromRe2(source: string): string {
  return source
    .replace(/^\(\?i\)/, "")
    .replaceAll("(?i:", "(?:")
    .replaceAll("(?P<", "(?<")
    .replaceAll(/\\[\s\S]/g, (written) => (written === "\\A" ? "^" : written === "\\z" ? "$" : written))
    .replaceAll(/\[:([a-z]+):\]/g, (written, name: string) => posixClasses[name] ?? written);
}

/** How many ways through a text of 512 characters there may be from one beginning. */
function waysOf(tree: PatternTree): number {
  if (tree.is === "sequence") return tree.parts.reduce((product, part) => product * waysOf(part), 1);
  if (tree.is === "choice") return tree.options.reduce((sum, option) => sum + waysOf(option), 0);
  if (tree.is === "group") return waysOf(tree.inner);
  if (tree.is !== "repeat") return 1;
  const most = Math.min(tree.most, maxSubjectLength);
  // What is repeated neither repeats nor chooses, or is not repeated often: anything else was refused.
  return Math.max(1, most - Math.min(tree.least, most) + 1) * waysOf(tree.part) ** Math.max(1, most);
}

function isAnchored(tree: PatternTree): boolean {
  if (tree.is === "assertion") return tree.at === "start";
  if (tree.is === "sequence") return tree.parts[0] !== undefined && isAnchored(tree.parts[0]);
  if (tree.is === "choice") return tree.options.every(isAnchored);
  return tree.is === "group" && isAnchored(tree.inner);
}

/** Escapes and classes become one plain character, group openers a bare parenthesis: only structure is left. */
function withoutLiterals(source: string): string {
  return source
    .replaceAll(/\\./gs, "a")
    .replaceAll(/\[\^?\]?[^\]]*\]/g, "a")
    .replaceAll(/\(\?(?::|<\w+>)/g, "(");
}

function repeatsWithinRepeat(shape: string): boolean {
  const risky: boolean[] = [];
  for (let at = 0; at < shape.length; at++) {
    const character = shape[at] ?? "";
    if (character === "(") risky.push(false);
    else if (/[*+{|]/.test(character) && risky.length > 0) risky[risky.length - 1] = true;
    else if (character === ")") {
      const inside = risky.pop() ?? false;
      if (inside && /^(?:[*+]|\{\d+,?\d*\})/.test(shape.slice(at + 1))) return true;
      if (inside && risky.length > 0) risky[risky.length - 1] = true;
    }
  }
  return false;
}
