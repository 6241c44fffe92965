import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";

/** A secret planted for a test, and the forms in which it could stand somewhere: as it is, hexadecimal, base64 at each offset, in a URL. */
export class Canary {
  readonly name: string;
  readonly text: string;
  readonly #forms: readonly Buffer[];

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
    const bytes = Buffer.from(text);
    const base64 = [0, 1, 2].flatMap((offset) => {
      const shifted = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
      // Only what does not depend on the neighbours.
      const inner = shifted.slice(offset === 0 ? 0 : 4, shifted.length - 4);
      return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
    });
    this.#forms = [text, bytes.toString("hex"), bytes.toString("hex").toUpperCase(), encodeURIComponent(text), ...base64]
      .filter((form) => form.length >= 8)
      .map((form) => Buffer.from(form));
  }

  isIn(bytes: Buffer): boolean {
    return this.#forms.some((form) => bytes.includes(form));
  }
}

const maxUnpackedBytes = 64 * 1_048_576;

/** Bytes as they are, and what they hold if they are packed: zstd, gzip, or the payload of a signed document. */
function* layers(bytes: Buffer): Generator<Buffer> {
  yield bytes;
  const unpackers = [
    [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), zstdDecompressSync],
    [Buffer.from([0x1f, 0x8b]), gunzipSync],
  ] as const;
  for (const [magic, unpack] of unpackers) {
    for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
      try {
        yield unpack(bytes.subarray(at), { maxOutputLength: maxUnpackedBytes });
      } catch {
        // Chance, or a piece: the raw bytes were looked at.
      }
    }
  }
  for (const [, payload = ""] of bytes.toString("latin1").matchAll(/eyJ[A-Za-z0-9_-]{8,}\.([A-Za-z0-9_-]{16,})\./g))
    yield Buffer.from(payload, "base64url");
}

/** Looks for planted secrets in everything it is given; says which one stands where. */
export class CanaryHunt {
  readonly #canaries: readonly Canary[];
  readonly hits: string[] = [];
  places = 0;
  bytes = 0;

  constructor(canaries: readonly Canary[]) {
    this.#canaries = canaries;
  }

  look(place: string, content: string | Uint8Array): void {
    const whole = Buffer.from(content);
    this.places += 1;
    this.bytes += whole.length;
    for (const layer of layers(whole)) {
      for (const canary of this.#canaries) {
        const hit = `${canary.name} in ${place}`;
        if (!this.hits.includes(hit) && canary.isIn(layer)) this.hits.push(hit);
      }
    }
  }

  /** Every file below a folder, raw. */
  lookBelow(place: string, folder: string, leftOut: (path: string) => boolean = () => false): void {
    for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      const path = join(folder, entry);
      if (lstatSync(path).isFile() && !leftOut(path)) this.look(`${place}/${entry}`, readFileSync(path));
    }
  }
}
