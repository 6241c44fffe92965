import { RE2Set } from "re2js";
import { programOf } from "#model/pattern-text.ts";

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
    const set = programOf(source, { withGroups: false, lineEnds: "\\n", maxSteps }, (re2) => {
      // A set of one: a single pattern's automaton has 8 MiB for its states, and nobody can give it less.
      const made = new RE2Set(RE2Set.UNANCHORED, 0, maxStateBytes);
      made.add(re2);
      made.compile();
      return made;
    });
    return typeof set === "string" ? set : new LinearPattern(set);
  }

  matches(text: string): boolean {
    return this.#set.match(text.slice(0, maxSubjectCharacters)).length > 0;
  }
}
