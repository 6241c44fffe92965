/** Ranges of UTF-16 codes, inclusive. */
export interface CharacterSet {
  readonly ranges: readonly (readonly [number, number])[];
  readonly negated: boolean;
}

export type PatternNode =
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "start" | "end" }
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly options: readonly PatternNode[] }
  | { readonly kind: "repeat"; readonly part: PatternNode; readonly least: number; readonly most: number };

const maxDepth = 8;
const maxRepeat = 100;

export function isPatternNode(parsed: PatternNode | string): parsed is PatternNode {
  return typeof parsed !== "string";
}

export function hasCharacter({ ranges, negated }: CharacterSet, code: number): boolean {
  for (const [from, to] of ranges) if (code >= from && code <= to) return !negated;
  return negated;
}

/** @returns the tree, or the reason why it is refused */
export function parsePattern(source: string): PatternNode | string {
  const ignoresCase = source.startsWith("(?i)");
  return new Parser(ignoresCase ? source.slice(4) : source, ignoresCase).parse();
}

const digit: CharacterSet["ranges"] = [[48, 57]];
const word: CharacterSet["ranges"] = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const space: CharacterSet["ranges"] = [
  [9, 13],
  [32, 32],
  [160, 160],
];
const shorthands: Readonly<Record<string, CharacterSet>> = {
  d: { ranges: digit, negated: false },
  D: { ranges: digit, negated: true },
  w: { ranges: word, negated: false },
  W: { ranges: word, negated: true },
  s: { ranges: space, negated: false },
  S: { ranges: space, negated: true },
};
const controls: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v", "0": "\0" };

class Parser {
  readonly #source: string;
  readonly #ignoresCase: boolean;
  #at = 0;
  #depth = 0;
  #problem: string | undefined;

  constructor(source: string, ignoresCase: boolean) {
    this.#source = source;
    this.#ignoresCase = ignoresCase;
  }

  parse(): PatternNode | string {
    const node = this.#choice();
    if (this.#problem === undefined && this.#at < this.#source.length) this.#problem = "has a ) without a (";
    return this.#problem ?? node;
  }

  #peek(): string | undefined {
    return this.#source[this.#at];
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #refuse(reason: string): PatternNode {
    this.#problem ??= reason;
    this.#at = this.#source.length;
    return { kind: "sequence", parts: [] };
  }

  #choice(): PatternNode {
    const options = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: "choice", options };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    for (let next = this.#peek(); next !== undefined && next !== "|" && next !== ")"; next = this.#peek())
      parts.push(this.#repeated(this.#atom()));
    return { kind: "sequence", parts };
  }

  #repeated(part: PatternNode): PatternNode {
    const bounds = this.#bounds();
    if (bounds === undefined) return part;
    const [least, most] = bounds;
    // Lazy or greedy makes no difference to whether there is a match.
    this.#take("?");
    if (least > maxRepeat || (most !== Number.POSITIVE_INFINITY && most > maxRepeat))
      return this.#refuse(`repeats more than ${maxRepeat} times`);
    if (most < least) return this.#refuse("has a repeat whose maximum is below its minimum");
    if (part.kind === "start" || part.kind === "end") return this.#refuse("repeats ^ or $");
    if (this.#bounds() !== undefined) return this.#refuse("repeats a repeat");
    return { kind: "repeat", part, least, most };
  }

  #bounds(): readonly [number, number] | undefined {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    const [all, least, comma, most] = /^\{(\d{1,3})(,?)(\d{0,3})\}/.exec(this.#source.slice(this.#at, this.#at + 12)) ?? [];
    if (all === undefined) return undefined;
    this.#at += all.length;
    if (comma === "") return [Number(least), Number(least)];
    return [Number(least), most === "" ? Number.POSITIVE_INFINITY : Number(most)];
  }

  #atom(): PatternNode {
    if (this.#take("^")) return { kind: "start" };
    if (this.#take("$")) return { kind: "end" };
    if (this.#take(".")) return { kind: "set", set: { ranges: [[10, 10]], negated: true } };
    if (this.#take("[")) return this.#class();
    if (this.#take("(")) return this.#group();
    if (this.#take("\\")) return { kind: "set", set: this.#cased(this.#escape()) };
    const character = this.#source[this.#at] ?? "";
    this.#at += 1;
    if ("*+?{".includes(character) && character !== "") return this.#refuse(`has nothing before ${character} to repeat`);
    return { kind: "set", set: this.#cased(only(character)) };
  }

  #group(): PatternNode {
    const isPlain = this.#take("?:") || this.#peek() !== "?";
    if (!isPlain) return this.#refuse("has a group with ?, of which only (?: is known");
    this.#depth += 1;
    if (this.#depth > maxDepth) return this.#refuse(`has groups more than ${maxDepth} deep`);
    const inner = this.#choice();
    this.#depth -= 1;
    return this.#take(")") ? inner : this.#refuse("has a ( without a )");
  }

  #escape(): CharacterSet {
    const letter = this.#source[this.#at] ?? "";
    this.#at += 1;
    const short = shorthands[letter];
    if (short !== undefined) return short;
    const control = controls[letter];
    if (control !== undefined) return only(control);
    if (letter === "" || /[A-Za-z1-9]/.test(letter)) this.#refuse(`has \\${letter}, which is not known here`);
    return only(letter);
  }

  #class(): PatternNode {
    const negated = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    for (let isFirst = true; ; isFirst = false) {
      const next = this.#peek();
      if (next === undefined) return this.#refuse("has a [ without a ]");
      if (next === "]" && !isFirst) break;
      const from = this.#classPart();
      const [code, last] = from.ranges[0] ?? [0, 0];
      const isSingle = from.ranges.length === 1 && code === last && !from.negated;
      if (isSingle && this.#peek() === "-" && this.#source[this.#at + 1] !== "]") {
        this.#at += 1;
        const [to = 0] = this.#classPart().ranges[0] ?? [];
        if (to < code) return this.#refuse("has a range whose end is before its beginning");
        ranges.push([code, to]);
      } else ranges.push(...(from.negated ? complement(from.ranges) : from.ranges));
    }
    this.#at += 1;
    return { kind: "set", set: { ranges: this.#cased({ ranges, negated: false }).ranges, negated } };
  }

  #classPart(): CharacterSet {
    if (this.#take("\\")) return this.#escape();
    const character = this.#source[this.#at] ?? "";
    this.#at += 1;
    return only(character);
  }

  /** With (?i) the other case of ASCII letters, and of single characters, belongs to the set. */
  #cased(set: CharacterSet): CharacterSet {
    return this.#ignoresCase ? { ...set, ranges: [...set.ranges, ...set.ranges.flatMap(otherCases)] } : set;
  }
}

function only(character: string): CharacterSet {
  const code = character === "" ? 0 : character.charCodeAt(0);
  return { ranges: [[code, code]], negated: false };
}

function complement(ranges: CharacterSet["ranges"]): CharacterSet["ranges"] {
  const result: (readonly [number, number])[] = [];
  let from = 0;
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    if (first > from) result.push([from, first - 1]);
    from = Math.max(from, last + 1);
  }
  if (from <= 0xffff) result.push([from, 0xffff]);
  return result;
}

function otherCases([from, to]: readonly [number, number]): readonly (readonly [number, number])[] {
  if (from !== to) return [...shifted(from, to, [65, 90], 32), ...shifted(from, to, [97, 122], -32)];
  const text = String.fromCharCode(from);
  const others = [text.toLowerCase(), text.toUpperCase()].filter((one) => one.length === 1 && one !== text);
  return others.map((one) => [one.charCodeAt(0), one.charCodeAt(0)] as const);
}

/** The part of a range that lies in `within`, moved by `by`. */
function shifted(from: number, to: number, within: readonly [number, number], by: number): readonly (readonly [number, number])[] {
  const first = Math.max(from, within[0]);
  const last = Math.min(to, within[1]);
  return first > last ? [] : [[first + by, last + by]];
}
