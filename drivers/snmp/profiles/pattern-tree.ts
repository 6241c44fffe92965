/** A pattern's structure. Characters are told apart by the runtime's own RegExp, one atom at a time, so that both ways to run it agree. */
export type PatternTree =
  | { readonly is: "character"; readonly source: string }
  | { readonly is: "assertion"; readonly at: "start" | "end" | "boundary" | "no-boundary" }
  /** `index` from 1; undefined = (?: ) */
  | { readonly is: "group"; readonly index: number | undefined; readonly inner: PatternTree }
  | { readonly is: "sequence"; readonly parts: readonly PatternTree[] }
  | { readonly is: "choice"; readonly options: readonly PatternTree[] }
  | { readonly is: "repeat"; readonly part: PatternTree; readonly least: number; readonly most: number; readonly isLazy: boolean };

const assertions = { "^": "start", $: "end", "\\b": "boundary", "\\B": "no-boundary" } as const;

/** Of a pattern that RegExp has accepted. @returns undefined for groups other than ( ), (?: ) and (?<name> ) */
export function parsePatternTree(source: string): PatternTree | undefined {
  return new Parser(source).parse();
}

class Parser {
  readonly #source: string;
  #at = 0;
  #groups = 0;
  #isUnknown = false;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): PatternTree | undefined {
    const tree = this.#choice();
    return this.#isUnknown || this.#at < this.#source.length ? undefined : tree;
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  #choice(): PatternTree {
    const options = [this.#sequence()];
    while (this.#take(/\|/y)) options.push(this.#sequence());
    return options.length === 1 && options[0] !== undefined ? options[0] : { is: "choice", options };
  }

  #sequence(): PatternTree {
    const parts: PatternTree[] = [];
    for (let part = this.#part(); part !== undefined; part = this.#part()) parts.push(this.#repeated(part));
    return { is: "sequence", parts };
  }

  #repeated(part: PatternTree): PatternTree {
    const [written, least, comma, most, isLazy] = this.#take(/(?:[*+?]|\{(\d+)(,?)(\d*)\})(\??)/y) ?? [];
    if (written === undefined) return part;
    const lazy = isLazy === "?";
    if (written.startsWith("*")) return { is: "repeat", part, least: 0, most: Number.POSITIVE_INFINITY, isLazy: lazy };
    if (written.startsWith("+")) return { is: "repeat", part, least: 1, most: Number.POSITIVE_INFINITY, isLazy: lazy };
    if (written.startsWith("?")) return { is: "repeat", part, least: 0, most: 1, isLazy: lazy };
    const atMost = comma === "" ? Number(least) : most === "" ? Number.POSITIVE_INFINITY : Number(most);
    return { is: "repeat", part, least: Number(least), most: atMost, isLazy: lazy };
  }

  #part(): PatternTree | undefined {
    const [assertion] = this.#take(/\^|\$|\\[bB]/y) ?? [];
    if (assertion !== undefined) return { is: "assertion", at: assertions[assertion as keyof typeof assertions] };
    const [opening] = this.#take(/\((?:\?(?::|<\w+>))?/y) ?? [];
    if (opening !== undefined) return this.#group(opening);
    const [atom] = this.#take(/\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|[\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]|[^|()]/iy) ?? [];
    // A brace that repeats nothing is a brace.
    return atom === undefined ? undefined : { is: "character", source: /^[{}\]]$/.test(atom) ? `\\${atom}` : atom };
  }

  #group(opening: string): PatternTree {
    const isPlain = opening === "(?:";
    if (!isPlain) this.#groups += 1;
    const index = isPlain ? undefined : this.#groups;
    const inner = this.#choice();
    if (this.#take(/\)/y) === undefined) this.#isUnknown = true;
    return { is: "group", index, inner };
  }
}
