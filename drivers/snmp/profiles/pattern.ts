import { RE2JS } from "re2js";
import { programOf } from "#model/pattern-text.ts";
import { profileLimits } from "./limits.ts";

/** Characters of a device's text that a pattern sees. */
const maxSubjectLength = 512;
/** With so many a text takes some tens of milliseconds at worst. */
const maxSteps = 2_500;
/** RegExp's line ends: descriptions of devices have \r\n in them. */
const lineEnds = "\\n\\r\\x{2028}\\x{2029}";

/**
 * A regular expression out of a profile, for texts out of devices: both come from strangers. RE2 runs it, for which the corpus was written and which
 * no text can make slow; back references and look-around it does not know. Case does not count.
 */
export class Pattern {
  readonly source: string;
  #compiled: RE2JS | undefined;

  private constructor(source: string) {
    this.source = source;
  }

  /** @returns the pattern, or the reason why it is refused */
  static compile(source: string): Pattern | string {
    if (source.length > profileLimits.patternLength) return `pattern is longer than ${profileLimits.patternLength} characters`;
    const compiled = compile(source);
    return typeof compiled === "string" ? `pattern ${compiled}` : Pattern.known(source);
  }

  /** One that `compile` accepts. The program is made when it is first used: of hundreds of profiles few ever are, and each program takes 10 KB. */
  static known(source: string): Pattern {
    return new Pattern(source);
  }

  test(text: string): boolean {
    return this.#exec(text) !== null;
  }

  /** The first group, or the whole match where the pattern has none. */
  extract(text: string): string | undefined {
    const match = this.#exec(text);
    return match === null ? undefined : (match[1] ?? match[0]);
  }

  /** `template` with `$1` or `\1` replaced by the groups; undefined = no match. */
  expand(text: string, template: string): string | undefined {
    const match = this.#exec(text);
    if (match === null) return undefined;
    return template.replace(/[$\\](\d)/g, (_, group: string) => match[Number(group)] ?? "").slice(0, maxSubjectLength);
  }

  /** Never RE2's test: that one keeps states of an automaton, up to 8 MiB a pattern. */
  #exec(text: string): readonly (string | undefined)[] | null {
    if (this.#compiled === undefined) {
      const compiled = compile(this.source);
      if (typeof compiled === "string") throw new TypeError(`${this.source} ${compiled}`);
      this.#compiled = compiled;
    }
    return this.#compiled.exec(text.slice(0, maxSubjectLength));
  }
}

function compile(source: string): RE2JS | string {
  return programOf(source, { withGroups: true, lineEnds, maxSteps }, (re2) => RE2JS.compile(re2, RE2JS.CASE_INSENSITIVE));
}
