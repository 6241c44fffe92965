import { RE2JSSyntaxException, RE2Set } from "re2js";
import { patternForRe2, refusalOfRe2 } from "#model/pattern-text.ts";

/** Characters of a body that a pattern looks at: with the steps below, at worst a second or two. */
const maxSubjectCharacters = 262_144;
const maxSteps = 256;
/** Bytes that states of the automaton may take; where they do not suffice it is walked without keeping them, some times slower. */
const maxStateBytes = 262_144;

/**
 * A regular expression that no text can make slow: RE2, so the time is text length x pattern length. Says only whether there is a match.
 * Look-around and back references are refused.
 */
export class LinearPattern {
  readonly #set: RE2Set;

  private constructor(set: RE2Set) {
    this.#set = set;
  }

  /** @returns the pattern, or the reason why it is refused */
  static compile(source: string): LinearPattern | string {
    const text = patternForRe2(source, { withGroups: false, lineEnds: "\\n", maxSteps });
    if (typeof text === "string") return text;
    // A set of one: a single pattern's automaton has 8 MiB for its states, and nobody can give it less.
    const set = new RE2Set(RE2Set.UNANCHORED, 0, maxStateBytes);
    try {
      set.add(text.re2);
      set.compile();
    } catch (error) {
      if (!(error instanceof RE2JSSyntaxException)) throw error;
      return refusalOfRe2(error.error, error.input ?? "");
    }
    return new LinearPattern(set);
  }

  matches(text: string): boolean {
    return this.#set.match(text.slice(0, maxSubjectCharacters)).length > 0;
  }
}
