import { GatewayError } from "#model/errors.ts";

const defaultMaxDepth = 64;
/** Assigned to an object it would change what the object is; nothing of ours has this name. */
const forbiddenName = "__proto__";

function malformed(message: string): GatewayError {
  return new GatewayError("codec.malformed", { message });
}

/**
 * Parses JSON that two readers could understand differently: an object with the same name twice (the first reader takes one claim, the
 * second the other), a name that reaches into prototypes, nesting without end. What passes means the same to everybody.
 * @throws GatewayError codec.malformed
 */
export function parseStrictJson(text: string, maxDepth: number = defaultMaxDepth): unknown {
  let value: unknown;
  assertShallow(text, maxDepth);
  try {
    value = JSON.parse(text) as unknown;
  } catch (cause) {
    // V8 quotes the text in its message: only the class travels on.
    throw new GatewayError("codec.malformed", { message: "the text is not JSON", cause: cause instanceof Error ? cause.name : "unknown" });
  }
  assertUniqueNames(text);
  return value;
}

/** Before anything is parsed: the parser recurses. Brackets inside strings do not count. */
function assertShallow(text: string, maxDepth: number): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x22) at = endOfString(text, at);
    else if (character === 0x7b || character === 0x5b) {
      depth += 1;
      if (depth > maxDepth) throw malformed(`nested more than ${maxDepth} levels deep`);
    } else if (character === 0x7d || character === 0x5d) depth -= 1;
  }
}

/** Index of the closing quote; the text's end if there is none (the parser then says so). */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x5c) at += 1;
    else if (character === 0x22) return at;
  }
  return text.length;
}

/** The text is valid JSON: a string followed by a colon is a name, whatever stands around it. */
function assertUniqueNames(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x7b) open.push(new Set());
    else if (character === 0x5b) open.push(undefined);
    else if (character === 0x7d || character === 0x5d) open.pop();
    else if (character === 0x22) {
      const end = endOfString(text, at);
      if (isName(text, end + 1)) noteName(JSON.parse(text.slice(at, end + 1)) as string, open.at(-1));
      at = end;
    }
  }
}

function isName(text: string, from: number): boolean {
  for (let at = from; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x3a) return true;
    if (character !== 0x20 && character !== 0x0a && character !== 0x0d && character !== 0x09) return false;
  }
  return false;
}

function noteName(name: string, names: Set<string> | undefined): void {
  if (names === undefined) return;
  if (name === forbiddenName) throw malformed(`the name ${forbiddenName} is not allowed`);
  if (names.has(name)) throw malformed("a name stands twice in one object");
  names.add(name);
}
