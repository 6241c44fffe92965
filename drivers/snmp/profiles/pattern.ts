import { profileLimits } from "./limits.ts";

const maxUnboundedRepeats = 4;
/** Characters of a device's text that a pattern sees: with the shapes allowed here, time stays below a millisecond. */
const maxSubjectLength = 512;

/**
 * A regular expression out of a profile, for texts out of devices: both come from strangers. The corpus is written for RE2, so nothing
 * is lost by refusing what RE2 does not know either (back references, look-around), and repeats within repeats are refused as well.
 * Case does not count.
 */
export class Pattern {
  readonly source: string;
  readonly #pattern: RegExp;

  private constructor(source: string, pattern: RegExp) {
    this.source = source;
    this.#pattern = pattern;
  }

  /** @returns the pattern, or the reason why it is refused */
  static compile(source: string): Pattern | string {
    if (source.length > profileLimits.patternLength) return `pattern is longer than ${profileLimits.patternLength} characters`;
    // RE2's inline flag for ignoring case, which is how every pattern is read here.
    const plain = source.replace(/^\(\?i\)/, "").replaceAll("(?P<", "(?<");
    if (/\\[1-9k]/.test(plain)) return "pattern has a back reference";
    if (/\(\?(?:[=!]|<[=!])/.test(plain)) return "pattern looks ahead or behind";
    const shape = withoutLiterals(plain);
    if (repeatsWithinRepeat(shape)) return "pattern repeats a group that itself repeats or chooses";
    if ((shape.match(/[*+]|\{\d+,\}/g)?.length ?? 0) > maxUnboundedRepeats) {
      return `pattern has more than ${maxUnboundedRepeats} unbounded repeats`;
    }
    try {
      return new Pattern(source, new RegExp(plain, "i"));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return "pattern is not a regular expression";
    }
  }

  test(text: string): boolean {
    return this.#pattern.test(text.slice(0, maxSubjectLength));
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
