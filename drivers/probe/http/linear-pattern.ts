import { type CharacterSet, hasCharacter, isPatternNode, type PatternNode, parsePattern } from "./pattern-syntax.ts";

/** Characters of a body that a pattern looks at: with the instructions below, at worst some tenth of a second. */
export const maxSubjectCharacters = 262_144;
const maxInstructions = 128;

type Instruction =
  | { readonly op: "character"; readonly set: CharacterSet; readonly next: number }
  | { readonly op: "fork"; readonly targets: readonly number[] }
  | { readonly op: "start" | "end"; readonly next: number }
  | { readonly op: "match" };

/**
 * A regular expression that no text can make slow: all ways through it are walked at once (Thompson 1968), so the time is text length x pattern
 * length. Says only whether there is a match. Look-around, back references and word boundaries are refused.
 */
export class LinearPattern {
  readonly source: string;
  readonly #program: readonly Instruction[];
  readonly #first: number;

  private constructor(source: string, program: readonly Instruction[], first: number) {
    this.source = source;
    this.#program = program;
    this.#first = first;
  }

  /** @returns the pattern, or the reason why it is refused */
  static compile(source: string): LinearPattern | string {
    const node = parsePattern(source);
    if (!isPatternNode(node)) return node;
    const program: Instruction[] = [{ op: "match" }];
    const first = emit(node, 0, program);
    return first === undefined
      ? `is too large; repeats count as often as they repeat (at most ${maxInstructions} places)`
      : new LinearPattern(source, program, first);
  }

  matches(text: string): boolean {
    const length = Math.min(text.length, maxSubjectCharacters);
    const walk = new Walk(this.#program);
    let position = 0;
    for (;;) {
      // A match may begin anywhere.
      if (walk.enter(this.#first, position, length)) return true;
      if (position >= length) return false;
      if (walk.step(text.charCodeAt(position), position + 1, length)) return true;
      position += 1;
    }
  }
}

/** Instructions are made back to front: each knows what follows it. Undefined = too many. */
function emit(node: PatternNode, next: number, program: Instruction[]): number | undefined {
  switch (node.kind) {
    case "set":
      return add({ op: "character", set: node.set, next }, program);
    case "start":
    case "end":
      return add({ op: node.kind, next }, program);
    case "sequence":
      return node.parts.reduceRight<number | undefined>(
        (after, part) => (after === undefined ? undefined : emit(part, after, program)),
        next,
      );
    case "choice": {
      const targets = node.options.map((option) => emit(option, next, program));
      return targets.includes(undefined)
        ? undefined
        : add({ op: "fork", targets: targets.filter((target) => target !== undefined) }, program);
    }
    case "repeat":
      return emitRepeat(node, next, program);
  }
}

function emitRepeat(node: Extract<PatternNode, { kind: "repeat" }>, next: number, program: Instruction[]): number | undefined {
  let entry: number | undefined = next;
  if (node.most === Number.POSITIVE_INFINITY) {
    const loop = add({ op: "fork", targets: [next] }, program);
    const body = loop === undefined ? undefined : emit(node.part, loop, program);
    if (loop === undefined || body === undefined) return undefined;
    program[loop] = { op: "fork", targets: [body, next] };
    entry = loop;
  } else {
    for (let count = node.least; count < node.most && entry !== undefined; count++) {
      const body = emit(node.part, entry, program);
      entry = body === undefined ? undefined : add({ op: "fork", targets: [body, next] }, program);
    }
  }
  for (let count = 0; count < node.least && entry !== undefined; count++) entry = emit(node.part, entry, program);
  return entry;
}

function add(instruction: Instruction, program: Instruction[]): number | undefined {
  if (program.length >= maxInstructions) return undefined;
  return program.push(instruction) - 1;
}

/** Where all the ways through the program stand at one place of the text. Each instruction is there at most once. */
class Walk {
  readonly #program: readonly Instruction[];
  #waiting: number[] = [];
  #seen: Int32Array;
  #generation = 1;

  constructor(program: readonly Instruction[]) {
    this.#program = program;
    this.#seen = new Int32Array(program.length);
  }

  /** Adds a way at its start; true = it is a match already. */
  enter(first: number, position: number, length: number): boolean {
    const open = [first];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const instruction = this.#program[index];
      if (instruction === undefined || this.#seen[index] === this.#generation) continue;
      this.#seen[index] = this.#generation;
      if (instruction.op === "match") return true;
      if (instruction.op === "character") this.#waiting.push(index);
      else if (instruction.op === "fork") open.push(...instruction.targets);
      else if (instruction.op === "start" ? position === 0 : position === length) open.push(instruction.next);
    }
    return false;
  }

  /** Moves every way over one character; `position` is the one behind it. */
  step(code: number, position: number, length: number): boolean {
    const before = this.#waiting;
    this.#waiting = [];
    this.#generation += 1;
    for (const index of before) {
      const instruction = this.#program[index];
      if (instruction?.op !== "character" || !hasCharacter(instruction.set, code)) continue;
      if (this.enter(instruction.next, position, length)) return true;
    }
    return false;
  }
}
