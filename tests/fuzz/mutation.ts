import type { Entropy } from "../../runtime/ports/entropy.ts";
import type { Form } from "./subject.ts";

/** Values that parsers stumble over. */
const telling: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53 + 2,
    -(2 ** 31),
    "",
    "x",
    "x".repeat(5_000),
    "\u0000",
    "\ud800",
    "../../etc/passwd",
    "*",
    "__proto__",
  ],
  ...[
    [],
    {},
    [[]],
    [null],
    { length: 1e9 },
    { toString: 1 },
    { __proto__: null },
    "1e999",
    "-0",
    "NaN",
    "2026-13-45T99:99:99Z",
    "%",
    "$&",
    "a".repeat(70_000),
  ],
];
const words: readonly string[] = [
  ...[
    "*a",
    "&a ",
    "<<: *a",
    "[[[[[[",
    "{{{{{{",
    "- - - - -",
    "!!binary x",
    "? : ",
    "|\n  ",
    "\t",
    "%YAML 9\n",
    "---\n",
    "...\n",
    "#",
    '"',
    "'",
    "\\",
    "\0",
  ],
  ...[
    "\r\n",
    "\n\n",
    ":",
    "=",
    ",",
    ";",
    " ",
    "\u2028",
    "\ufeff",
    "-1",
    "1e999",
    "9007199254740993",
    "null",
    "constructor",
    "__proto__",
    "%00",
    "(a+)+$",
  ],
];

const deepMark = "12,000 lists in one another";
/** Longer inputs than any border lets in are cut. */
const maxInputBytes = 262_144;

/** Makes inputs out of valid ones; the same seed, the same inputs. */
export class Mutation {
  readonly #entropy: Entropy;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  /** A valid input with something done to it. Never the input itself. */
  of(valid: Uint8Array, form: Form = "bytes"): Uint8Array {
    const formed = this.#formed(Buffer.from(valid), form);
    const bytes = Buffer.from(formed.subarray(0, maxInputBytes));
    return bytes.equals(valid) ? Buffer.concat([bytes, Buffer.from("}")]) : bytes;
  }

  below(limit: number): number {
    return Math.floor(this.#entropy.random() * Math.max(1, limit));
  }

  #formed(valid: Buffer, form: Form): Uint8Array {
    const isShaped = form !== "bytes" && this.below(4) > 0;
    if (!isShaped) return this.#many(valid, (bytes) => this.#byte(bytes));
    if (form === "json") return this.#json(valid);
    if (form === "jws") return this.#jws(valid);
    return this.#many(valid, (bytes) => this.#line(bytes));
  }

  #many(valid: Buffer, change: (bytes: Buffer) => Buffer): Buffer {
    let bytes: Buffer = Buffer.from(valid);
    for (let count = 0; count <= this.below(4); count++) bytes = change(bytes);
    return bytes;
  }

  #byte(bytes: Buffer): Buffer {
    const at = this.below(bytes.length);
    switch (this.below(9)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << this.below(8));
        return bytes;
      case 1:
        bytes[at] = this.below(256);
        return bytes;
      case 2:
        bytes.copyWithin(at, this.below(bytes.length), this.below(bytes.length));
        return bytes;
      case 3:
        return bytes.subarray(0, at);
      case 4:
        return insert(bytes, at, Buffer.from(this.#entropy.bytes(1 + this.below(64))));
      case 5:
        return insert(bytes, at, Buffer.from('[{"'.repeat(1 + this.below(300))));
      case 6:
        return Buffer.from(
          bytes.toString("latin1").replace(/\d+/, () => words[this.below(words.length)] ?? "0"),
          "latin1",
        );
      case 7:
        // Lengths and tags: the greatest and the smallest.
        bytes[at] = [0x00, 0x7f, 0x80, 0x84, 0xff][this.below(5)] ?? 0;
        return bytes;
      default:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(this.below(bytes.length))]);
    }
  }

  #line(bytes: Buffer): Buffer {
    const lines = bytes.toString("utf8").split("\n");
    const at = this.below(lines.length);
    const line = lines[at] ?? "";
    const word = words[this.below(words.length)] ?? "";
    const column = this.below(line.length);
    switch (this.below(6)) {
      case 0:
        lines.splice(at, 1);
        break;
      case 1:
        lines.splice(at, 0, lines[this.below(lines.length)] ?? "");
        break;
      case 2:
        lines[at] = line.slice(0, column) + word + line.slice(column);
        break;
      case 3:
        lines[at] = line.replace(/[^\s:,{}[\]]+(?=[^:]*$)/, () => word);
        break;
      case 4:
        lines[at] = `${" ".repeat(this.below(12))}${line.trimStart()}`;
        break;
      default:
        lines[at] = line.slice(0, column) + word.repeat(1 + this.below(200)) + line.slice(column);
    }
    return Buffer.from(lines.join("\n"));
  }

  #json(valid: Buffer): Buffer {
    const root = { value: JSON.parse(valid.toString("utf8")) as unknown };
    for (let count = 0; count <= this.below(3); count++) this.#member(root);
    const deep = `${"[".repeat(12_000)}${"]".repeat(12_000)}`;
    const written = (JSON.stringify(root.value) ?? "").replace(JSON.stringify(deepMark), () => deep);
    if (this.below(20) > 0) return Buffer.from(written);
    // A member twice: the last one counts for most readers, and the first for some.
    return Buffer.from(written.replace(/\{"(\w+)":/, (all, name: string) => `{"${name}":null,${all.slice(1)}`));
  }

  /** Goes down to some member and does something to it. */
  #member(root: { value: unknown }): void {
    let [holder, key]: [Record<string, unknown>, string] = [root as Record<string, unknown>, "value"];
    for (let depth = 0; depth < 12; depth++) {
      const inner = holder[key];
      if (typeof inner !== "object" || inner === null) break;
      const names = Object.keys(inner);
      if (names.length === 0 || this.below(5) === 0) break;
      [holder, key] = [inner as Record<string, unknown>, names[this.below(names.length)] ?? ""];
    }
    const value = holder[key];
    switch (this.below(7)) {
      case 0:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else if (holder !== root) delete holder[key];
        return;
      case 1:
        if (Array.isArray(value)) value.push(...Array.from({ length: this.below(300) }, () => structuredClone(value[0] ?? 0)));
        else if (typeof value === "object" && value !== null) this.#extend(value as Record<string, unknown>);
        else holder[key] = [value];
        return;
      case 2:
        if (typeof value === "number") holder[key] = [value + 1, -value, value * 2 ** 33, value / 3, String(value)][this.below(5)];
        else if (typeof value === "string") holder[key] = this.#many(Buffer.from(value), (bytes) => this.#byte(bytes)).toString("latin1");
        else holder[key] = JSON.stringify(value);
        return;
      case 3:
        holder[key] = { [key]: value };
        return;
      case 4:
        // Deeper than anything that walks a value by calling itself.
        holder[key] = this.below(8) > 0 ? JSON.parse(`${"[".repeat(90)}${"]".repeat(90)}`) : deepMark;
        return;
      default:
        holder[key] = structuredClone(telling[this.below(telling.length)]);
    }
  }

  #extend(value: Record<string, unknown>): void {
    const name = ["__proto__", "constructor", "toString", "x", "", "x".repeat(300)][this.below(6)] ?? "x";
    Object.defineProperty(value, name, {
      value: structuredClone(telling[this.below(telling.length)]),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }

  /** Header, payload or signature of a compact JWS or JWE: as text, as JSON, exchanged or left out. */
  #jws(valid: Buffer): Buffer {
    const parts = valid.toString("latin1").split(".");
    const at = this.below(parts.length);
    const clear = Buffer.from(parts[at] ?? "", "base64url");
    const isJson = clear[0] === 0x7b && isJsonText(clear.toString("utf8"));
    const choice = this.below(6);
    if (isJson && choice < 4) parts[at] = this.#json(clear).toString("base64url");
    else if (choice === 4) parts[at] = parts[this.below(parts.length)] ?? "";
    else if (choice === 5) parts.splice(at, this.below(2), ...(this.below(2) === 0 ? [] : ["e30"]));
    else parts[at] = this.#many(clear, (bytes) => this.#byte(bytes)).toString("base64url");
    return Buffer.from(parts.join("."), "latin1");
  }
}

function insert(bytes: Buffer, at: number, piece: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

/** A signature may begin like JSON. */
function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return false;
  }
}
