import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Kinds that are told apart, and the longest text that zlib looks back to. */
const maxDictionaries = 32;
const longestDictionary = 32_768;
/** A kind that occurs so often has a dictionary made: of equipment that is alone in its kind it would only take room. */
const commonFrom = 3;

/** By kind: a text that others resemble, or how often it occurred so far. Never given up: who was packed with one needs it. */
const dictionaries = new Map<string, number | Buffer>();

function dictionaryFor(kind: string, text: string): Buffer | undefined {
  const known = dictionaries.get(kind) ?? 0;
  if (typeof known !== "number") return known;
  if (known === 0 && dictionaries.size >= maxDictionaries) return undefined;
  dictionaries.set(kind, known + 1 < commonFrom || text.length > longestDictionary ? known + 1 : Buffer.from(text));
  return undefined;
}

/**
 * A value of JSON kept small: an inventory is looked at a few times a day and would take more memory than the rest of its equipment. It is packed by what it
 * differs in from another of its kind: switches of a model are alike but for numbers and addresses.
 */
export class Packed<T> {
  /** Of bytes, one a character: a buffer takes 200 bytes more. */
  readonly #text: string;
  readonly #dictionary: Buffer | undefined;

  /** @param kind the same for values that are expected to be alike */
  constructor(value: T, kind: string) {
    const text = JSON.stringify(value);
    this.#dictionary = dictionaryFor(kind, text);
    this.#text = deflateRawSync(text, optionsOf(this.#dictionary)).toString("latin1");
  }

  /** A new object each time. */
  unpack(): T {
    return JSON.parse(inflateRawSync(Buffer.from(this.#text, "latin1"), optionsOf(this.#dictionary)).toString("utf8"));
  }
}

function optionsOf(dictionary: Buffer | undefined): { readonly dictionary?: Buffer } {
  return dictionary === undefined ? {} : { dictionary };
}
