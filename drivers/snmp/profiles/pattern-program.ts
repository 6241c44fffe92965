import type { PatternTree } from "./pattern-tree.ts";

/** A set of UTF-16 codes: the first 256 as bits, the others by asking. */
interface CodeSet {
  readonly bits: Uint32Array;
  readonly beyond: RegExp;
}

type Instruction =
  | { readonly op: "character"; readonly set: CodeSet }
  /** Goes to `first`, and to `second` where that leads nowhere. */
  | { readonly op: "split"; first: number; second: number }
  | { readonly op: "jump"; to: number }
  | { readonly op: "save"; readonly slot: number }
  | { readonly op: "assert"; readonly at: Extract<PatternTree, { readonly is: "assertion" }>["at"] }
  | { readonly op: "match" };

const maxInstructions = 512;

/**
 * A pattern that no text can make slow, with the groups of RegExp: back-tracking that goes through no instruction twice at one place of the text
 * (RE2's BitState), so the time is pattern x text. For patterns with which RegExp might try every way there is.
 */
export class PatternProgram {
  readonly #code: readonly Instruction[];
  readonly #slots: number;

  private constructor(code: readonly Instruction[], slots: number) {
    this.#code = code;
    this.#slots = slots;
  }

  /** @returns undefined where repeats count up to more than 512 instructions */
  static compile(tree: PatternTree): PatternProgram | undefined {
    const writing: Writing = { code: [], sets: new Map(), groups: 0 };
    emit(tree, writing);
    if (writing.code.length >= maxInstructions) return undefined;
    writing.code.push({ op: "match" });
    return new PatternProgram(writing.code, 2 * (writing.groups + 1));
  }

  /** The whole match and the groups, as RegExp.exec gives them. */
  exec(text: string): readonly (string | undefined)[] | null {
    const seen = new Uint32Array(((this.#code.length * (text.length + 1)) >>> 5) + 1);
    for (let from = 0; from <= text.length; from++) {
      const saved = this.#run(text, from, seen);
      if (saved === undefined) continue;
      return Array.from({ length: this.#slots / 2 }, (_, group) => {
        const start = saved[2 * group] ?? -1;
        const end = saved[2 * group + 1] ?? -1;
        return start < 0 || end < 0 ? undefined : text.slice(start, end);
      });
    }
    return null;
  }

  /** What led nowhere from an earlier beginning leads nowhere now: `seen` holds for all of them. */
  #run(text: string, from: number, seen: Uint32Array): readonly number[] | undefined {
    const saved = new Array<number>(this.#slots).fill(-1);
    saved[0] = from;
    // Pairs: where to go on at which place; or, with a negative first, what a slot held before this way was tried.
    const open: number[] = [0, from];
    while (open.length > 0) {
      let position = open.pop() ?? 0;
      let at = open.pop() ?? 0;
      if (at < 0) {
        saved[-at - 1] = position;
        continue;
      }
      for (;;) {
        const mark = at * (text.length + 1) + position;
        if (((seen[mark >>> 5] ?? 0) >>> (mark & 31)) & 1) break;
        seen[mark >>> 5] = (seen[mark >>> 5] ?? 0) | (1 << (mark & 31));
        const instruction = this.#code[at];
        if (instruction === undefined) break;
        if (instruction.op === "match") {
          saved[1] = position;
          return saved;
        }
        if (instruction.op === "character") {
          if (position >= text.length || !has(instruction.set, text.charCodeAt(position))) break;
          position += 1;
          at += 1;
        } else if (instruction.op === "split") {
          open.push(instruction.second, position);
          at = instruction.first;
        } else if (instruction.op === "jump") at = instruction.to;
        else if (instruction.op === "save") {
          open.push(-instruction.slot - 1, saved[instruction.slot] ?? -1);
          saved[instruction.slot] = position;
          at += 1;
        } else if (holds(instruction.at, text, position)) at += 1;
        else break;
      }
    }
    return undefined;
  }
}

interface Writing {
  readonly code: Instruction[];
  readonly sets: Map<string, CodeSet>;
  groups: number;
}

function emit(tree: PatternTree, writing: Writing): void {
  const { code } = writing;
  // Whoever gets here has too many; compile says so.
  if (code.length >= maxInstructions) return;
  if (tree.is === "character") code.push({ op: "character", set: setOf(tree.source, writing.sets) });
  else if (tree.is === "assertion") code.push({ op: "assert", at: tree.at });
  else if (tree.is === "sequence") for (const part of tree.parts) emit(part, writing);
  else if (tree.is === "choice") emitChoice(tree.options, writing);
  else if (tree.is === "repeat") emitRepeat(tree, writing);
  else if (tree.index === undefined) emit(tree.inner, writing);
  else {
    writing.groups = Math.max(writing.groups, tree.index);
    code.push({ op: "save", slot: 2 * tree.index });
    emit(tree.inner, writing);
    code.push({ op: "save", slot: 2 * tree.index + 1 });
  }
}

function emitChoice(options: readonly PatternTree[], writing: Writing): void {
  const { code } = writing;
  const jumps: { op: "jump"; to: number }[] = [];
  for (const [index, option] of options.entries()) {
    if (index === options.length - 1) {
      emit(option, writing);
      break;
    }
    const split = { op: "split" as const, first: code.length + 1, second: 0 };
    code.push(split);
    emit(option, writing);
    const jump = { op: "jump" as const, to: 0 };
    code.push(jump);
    jumps.push(jump);
    split.second = code.length;
  }
  for (const jump of jumps) jump.to = code.length;
}

function emitRepeat(repeat: Extract<PatternTree, { readonly is: "repeat" }>, writing: Writing): void {
  const { code } = writing;
  const { part, least, most, isLazy } = repeat;
  for (let count = 0; count < least && code.length < maxInstructions; count++) emit(part, writing);
  const isEndless = most === Number.POSITIVE_INFINITY;
  const splits: { op: "split"; first: number; second: number }[] = [];
  for (let count = isEndless ? 0 : least; count < (isEndless ? 1 : most) && code.length < maxInstructions; count++) {
    const split = { op: "split" as const, first: code.length + 1, second: code.length + 1 };
    code.push(split);
    splits.push(split);
    emit(part, writing);
    if (isEndless) code.push({ op: "jump", to: code.indexOf(split) });
  }
  for (const split of splits) {
    if (isLazy) split.first = code.length;
    else split.second = code.length;
  }
}

function setOf(source: string, sets: Map<string, CodeSet>): CodeSet {
  const known = sets.get(source);
  if (known !== undefined) return known;
  const beyond = new RegExp(`^(?:${source})$`, "i");
  const bits = new Uint32Array(8);
  for (let code = 0; code < 256; code++)
    if (beyond.test(String.fromCharCode(code))) bits[code >>> 5] = (bits[code >>> 5] ?? 0) | (1 << (code & 31));
  const set = { bits, beyond };
  sets.set(source, set);
  return set;
}

function has({ bits, beyond }: CodeSet, code: number): boolean {
  return code < 256 ? (((bits[code >>> 5] ?? 0) >>> (code & 31)) & 1) === 1 : beyond.test(String.fromCharCode(code));
}

function holds(at: Extract<PatternTree, { readonly is: "assertion" }>["at"], text: string, position: number): boolean {
  if (at === "start") return position === 0;
  if (at === "end") return position === text.length;
  const isBoundary = /\w/.test(text.charAt(position - 1)) !== /\w/.test(text.charAt(position));
  return isBoundary === (at === "boundary");
}
