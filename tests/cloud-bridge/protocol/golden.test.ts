import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { DictionaryBook } from "../../../cloud-bridge/protocol/codec/dictionary-book.ts";
import { dumpPayload } from "../../../cloud-bridge/protocol/codec/dump.ts";
import { corpus } from "./corpus.ts";

/** One line of a file. */
interface Golden {
  readonly base64: string;
  readonly says: unknown;
}

const path = join(import.meta.dirname, "golden", "v0.1.0.jsonl");

function read(payloads: readonly Uint8Array[]): unknown[] {
  const decoder = createChunkDecoder();
  // Four gateways' payloads stand one after another; each begins with its own dictionary.
  let book = new DictionaryBook();
  return payloads.map((bytes) => {
    const payload = decoder.decode(bytes);
    if (payload.kind === "dict" && payload.record.full) book = new DictionaryBook();
    if (payload.kind === "dict") book.apply(payload.record);
    return JSON.parse(JSON.stringify(dumpPayload(payload, decoder, book))) as unknown;
  });
}

// GATEHOUSE_GOLDEN=write makes the file of a new release; files of released versions are never written again.
if (process.env.GATEHOUSE_GOLDEN === "write" && !existsSync(path)) {
  const payloads = corpus();
  const says = read(payloads);
  const lines = payloads.map((bytes, index) => JSON.stringify({ base64: bytes.toBase64(), says: says[index] } satisfies Golden));
  writeFileSync(path, `${lines.join("\n")}\n`);
}

describe("payloads of released gateways", () => {
  it("are read today as they were read when they were made", () => {
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    const golden = lines.map((line) => JSON.parse(line) as Golden);
    expect(golden.length).toBeGreaterThan(10);
    expect(read(golden.map(({ base64 }) => Uint8Array.fromBase64(base64)))).toEqual(golden.map(({ says }) => says));
  });
});
