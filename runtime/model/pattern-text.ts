/** How a pattern is to be read, and how much work it may make. */
export interface PatternReading {
  /** Whether groups are asked for; else each ( is read as (?: and costs nothing. */
  readonly withGroups: boolean;
  /** What `.` is: every character but these, as a class writes them. */
  readonly lineEnds: string;
  /** Steps of the program, with repeats as often as they repeat. */
  readonly maxSteps: number;
}

/** Of syslog rules: who checks a configuration and who receives read them alike. A message of 512 characters takes some milliseconds at worst. */
export const syslogPatternReading: PatternReading = { withGroups: true, lineEnds: "\\n", maxSteps: 256 };

/** RegExp's \s. RE2's is ASCII without the vertical tab; but devices and pages do write no-break spaces. */
const spaces =
  "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff";
const space = charactersOf(spaces);
/** With (?i) RE2 seeks the other case of a range character by character: 30 ms for so many. */
const maxRangeCharacters = 150_000;

/** Beyond it no character has another case. */
const lastCased = 0x1e943;

const escaping = String.raw`\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|[^])`;
const part = new RegExp(
  [
    `(?<escaped>${escaping})`,
    String.raw`(?<set>\[\^?\]?(?:\[:\^?[a-z]+:\]|\\[^]|[^\]\\])*\])`,
    String.raw`(?<open>\((?:\?(?:P?<\w+>|i?:|<?[=!]|[^])?)?)`,
    String.raw`(?<close>\))`,
    String.raw`\{(?<least>\d+)(?<comma>,?)(?<most>\d*)\}|(?<often>[*+?])`,
    "[^]",
  ].join("|"),
  "gu",
);
const escapes = new RegExp(escaping, "gu");
const ranges = /(\\x\{[\da-f]+\}|[^\\])-(\\x\{[\da-f]+\}|[^\\\]])/giu;
const knownEscape = /^\\(?:[dDwWsSbBnrtfv0Az]|x[\da-f]{2}|u[\da-f]{4}|[^A-Za-z0-9])$/iu;

/**
 * Patterns are read as RegExp reads them and run by RE2, which no text can make slow. It reads some things otherwise (`\s`, `.`, `\u`), and makes
 * programs of a million steps if it is told to: this writes a pattern so that RE2 means the same, and counts before anything is made.
 * @param source callers bound its length: 256 characters
 * @returns the pattern for RE2, or the reason why it is refused
 */
export function patternForRe2(source: string, { withGroups, lineEnds, maxSteps }: PatternReading): { readonly re2: string } | string {
  const flag = source.startsWith("(?i)") ? "(?i)" : "";
  const steps = new StepCount();
  const refusals: string[] = [];
  const re2 = source.slice(flag.length).replace(part, (written: string, ...rest) => {
    const { escaped, set, open, close, least, comma, most, often } = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    if (open !== undefined) {
      steps.open(withGroups ? 2 : 0);
      return openingOf(open, withGroups, refusals);
    }
    if (close !== undefined) steps.close();
    else if (least !== undefined) steps.repeat(Number(least), comma === "" ? Number(least) : most === "" ? undefined : Number(most));
    else if (often !== undefined) steps.repeat(often === "+" ? 1 : 0, often === "?" ? 1 : undefined);
    else steps.add();
    if (escaped !== undefined) return escapeOf(escaped, `[${space}]`, `[^${space}]`, refusals);
    if (set !== undefined) return classOf(set, refusals);
    return written === "." ? `[^${lineEnds}]` : written;
  });
  if (steps.total > maxSteps) refusals.push(`is too large; repeats count as often as they repeat (at most ${maxSteps} places)`);
  if (rangeCharacters(re2) > maxRangeCharacters) refusals.push(`has ranges of more than ${maxRangeCharacters} characters altogether`);
  return refusals[0] ?? { re2: flag + re2 };
}

/** What the library throws for a pattern that it does not take. `input` is the part that it names. */
interface Re2Refusal extends Error {
  readonly error: string;
  readonly input?: string | null;
}

/**
 * A program of a pattern. @param make makes it of what RE2 reads, by the library that the caller has: here nothing is imported
 * @returns the program, or the reason why the pattern is refused @throws whatever else `make` throws
 */
export function programOf<Program extends object>(
  source: string,
  reading: PatternReading,
  make: (re2: string) => Program,
): Program | string {
  const text = patternForRe2(source, reading);
  if (typeof text === "string") return text;
  try {
    return make(text.re2);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const [, sentence] = sentences.find(([words]) => error.error.includes(words)) ?? [];
    return sentence?.replace("…", () => error.input ?? "") ?? "is not a regular expression";
  }
}

function isRefusal(error: unknown): error is Re2Refusal {
  return error instanceof Error && error.name === "RE2JSSyntaxException" && "error" in error && typeof error.error === "string";
}

const sentences: readonly (readonly [string, string])[] = [
  ["missing closing )", "has a ( without a )"],
  ["unexpected )", "has a ) without a ("],
  ["missing closing ]", "has a [ without a ]"],
  ["missing argument", "has nothing before … to repeat"],
  ["nested repetition", "repeats a repeat"],
  ["repeat count", "has …, which repeats more than 1000 times or has a maximum below its minimum"],
  ["character class range", "has a range whose end is before its beginning, or of what is not one character"],
  ["duplicate", "has two groups of one name"],
];

function openingOf(written: string, withGroups: boolean, refusals: string[]): string {
  if (/^\(\?<?[=!]$/.test(written)) refusals.push("looks ahead or behind");
  else if (/^\(\?.*[^:>]$|^\(\?$/u.test(written)) refusals.push("has a group with ?, of which only (?: and names are known");
  if (written.endsWith(":")) return written;
  return withGroups ? written.replace("(?<", "(?P<") : "(?:";
}

function escapeOf(written: string, spaces: string, noSpaces: string, refusals: string[]): string {
  if (/^\\[1-9k]/.test(written)) refusals.push(`has ${written}, which is not known here: no back references`);
  if (!knownEscape.test(written)) refusals.push(`has ${written}, which is not known here`);
  if (written === "\\s") return spaces;
  if (written === "\\S") return noSpaces;
  if (written === "\\0") return "\\x{0}";
  if (/^\\[ux]./.test(written)) return `\\x{${written.slice(2)}}`;
  // RE2 knows no escaped characters beyond ASCII.
  return /^\\[^\0-\x7f]/u.test(written) ? written.slice(1) : written;
}

/** `\S` goes out of a class: as ranges it would be all of Unicode, and 12 ms. */
function classOf(written: string, refusals: string[]): string {
  let without = "";
  const set = written.replace(escapes, (one) => {
    if (one === "\\S") without ||= written.replace(escapes, (other) => (other === one ? "" : other));
    if (one === "\\S") return "";
    return one === "\\b" ? "\\x{8}" : escapeOf(one, space, "", refusals);
  });
  if (without === "") return set;
  if (!written.startsWith("[^")) return set === "[]" ? `[^${space}]` : `(?:[^${space}]|${set})`;
  return spacesIn(without) ?? set;
}

/** A class of the spaces that `set` holds, an RegExp class. Undefined = it is none, as RE2 will say. */
function spacesIn(set: string): string | undefined {
  try {
    const own = new RegExp(`^${set.replaceAll(/\[:\^?[a-z]+:\]/g, "")}$`, "iu");
    const kept = [...spaces].filter((one) => own.test(one)).join("");
    return kept === "" ? "[^\\x{0}-\\x{10ffff}]" : `[${charactersOf(kept)}]`;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function charactersOf(text: string): string {
  return [...text].map((one) => `\\x{${one.charCodeAt(0).toString(16)}}`).join("");
}

function rangeCharacters(re2: string): number {
  let characters = 0;
  for (const [, from = "", to = ""] of re2.matchAll(ranges)) characters += Math.max(0, codeOf(to) - codeOf(from));
  return characters;
}

function codeOf(character: string): number {
  const code = character.startsWith("\\x{") ? Number.parseInt(character.slice(3), 16) : (character.codePointAt(0) ?? 0);
  return Math.min(code, lastCased);
}

/** Steps that the program of a pattern has at most. */
class StepCount {
  /** Of each group that is open, outermost first. */
  readonly #sums: number[] = [0];
  /** Of what was read last, which a repeat repeats. */
  #last = 0;

  get total(): number {
    return this.#sums.reduce((sum, steps) => sum + steps, 0);
  }

  add(steps = 1): void {
    this.#last = steps;
    this.#sums.push((this.#sums.pop() ?? 0) + steps);
  }

  open(steps: number): void {
    this.#sums.push(steps);
  }

  close(): void {
    if (this.#sums.length > 1) this.add(Math.max(1, this.#sums.pop() ?? 0));
  }

  repeat(least: number, most: number | undefined): void {
    const copies = Math.max(1, most ?? least);
    const after = this.#last * copies + (most === undefined ? 1 : Math.max(0, copies - least));
    this.add(after - this.#last);
    this.#last = after;
  }
}
