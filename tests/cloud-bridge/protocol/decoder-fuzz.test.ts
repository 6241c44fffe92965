import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { DictionaryGroup } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { corpus } from "./corpus.ts";
import { seededEntropy } from "./site.ts";

/** `GATEHOUSE_FUZZ_RUNS=1000000` for the long run. */
const runs = Number(process.env.GATEHOUSE_FUZZ_RUNS ?? 20_000);
const seed = Number(process.env.GATEHOUSE_FUZZ_SEED ?? 4711);

function dictionaryOf(payloads: readonly Uint8Array[]): ReadonlyMap<number, DictionaryGroup> {
  const decoder = createChunkDecoder();
  const groups = new Map<number, DictionaryGroup>();
  for (const bytes of payloads) {
    const payload = decoder.decode(bytes);
    if (payload.kind === "dict") for (const group of payload.record.groups) groups.set(group.groupId, group);
  }
  return groups;
}

/** Bytes that mean much to a parser. */
const telling = [
  0x00, 0x17, 0x18, 0x1b, 0x3b, 0x5b, 0x5f, 0x7b, 0x7d, 0x7f, 0x80, 0x9b, 0x9f, 0xa0, 0xbf, 0xc2, 0xf6, 0xf7, 0xf9, 0xfb, 0xff, 0x22, 0x2d,
  0x65,
];

function mutated(source: Uint8Array, other: Uint8Array, random: () => number): Uint8Array {
  const pick = (count: number) => Math.floor(random() * count);
  let bytes = Uint8Array.from(source);
  for (let edits = 1 + pick(4); edits > 0; edits--) {
    const at = pick(bytes.length);
    const kind = pick(6);
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
    else if (kind === 1) bytes[at] = telling[pick(telling.length)] ?? 0;
    else if (kind === 2) bytes = bytes.slice(0, at);
    else if (kind === 3) bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1 + pick(4)));
    else if (kind === 4) bytes = Uint8Array.of(...bytes.subarray(0, at), telling[pick(telling.length)] ?? 0, ...bytes.subarray(at));
    else bytes = Uint8Array.of(...bytes.subarray(0, at), ...other.subarray(pick(other.length)));
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}

describe("the decoder", () => {
  it(`answers ${runs} damaged payloads with a value or a GatewayError codec.*, never anything else`, () => {
    const payloads = corpus();
    const dictionary = dictionaryOf(payloads);
    const decoder = createChunkDecoder();
    const { random } = seededEntropy(seed);
    const pick = () => payloads[Math.floor(random() * payloads.length)] ?? new Uint8Array(1);
    const outcomes = { accepted: 0, refused: 0 };
    for (let run = 0; run < runs; run++) {
      const bytes = mutated(pick(), pick(), random);
      const wire = run % 16 === 0 ? mutated(zstdCompressSync(pick()), bytes, random) : bytes;
      try {
        const payload = decoder.decode(wire);
        if (payload.kind === "chunk") decoder.resolve(payload.chunk, dictionary, decoder.newMemory());
        outcomes.accepted += 1;
      } catch (error) {
        if (!isGatewayError(error) || !error.code.startsWith("codec.")) {
          throw new Error(`seed ${seed} run ${run}: ${Buffer.from(wire).toString("hex")}`, { cause: error });
        }
        outcomes.refused += 1;
      }
    }
    // Both must happen, or the mutations test nothing.
    expect(outcomes.refused).toBeGreaterThan(runs / 10);
    expect(outcomes.accepted).toBeGreaterThan(runs / 100);
  });
});
