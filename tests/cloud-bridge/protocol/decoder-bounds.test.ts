import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { DictionaryGroup } from "#model/chunk.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { unpack } from "../../../cloud-bridge/protocol/codec/unpack.ts";
import { corpus } from "./corpus.ts";

describe("the decoder", () => {
  it("refuses decompression bombs before they unpack", () => {
    const decoder = createChunkDecoder();
    const bomb = zstdCompressSync(new Uint8Array(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(98_304);
    expect(() => decoder.decode(bomb)).toThrow(expect.objectContaining({ code: "codec.limit" }));
    expect(() => decoder.decode(new Uint8Array(98_305))).toThrow(expect.objectContaining({ code: "codec.limit" }));
  });

  it("refuses a zstd frame that asks for a larger window than an allowed payload can use", () => {
    // Magic, descriptor without a content size, window descriptor (exponent << 3), an empty last block (RFC 8878 3.1.1).
    const frame = (windowLog: number) => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, (windowLog - 10) << 3, 0x01, 0x00, 0x00);
    expect(() => createChunkDecoder().decode(frame(22))).toThrow("neither CBOR map nor JSON object");
    for (const windowLog of [23, 26, 41]) expect(() => createChunkDecoder().decode(frame(windowLog))).toThrow("cannot be decompressed");
  });

  it("refuses what nests too deeply or holds too many containers", () => {
    const decoder = createChunkDecoder();
    const nested = Uint8Array.of(0xa1, 0x08, ...new Array<number>(50_000).fill(0x81));
    const wide = new Uint8Array(4_000_000).fill(0x80);
    wide.set([0xa1, 0x08, 0x9a, 0x00, 0x3d, 0x00, 0x00]);
    for (const bytes of [
      nested,
      zstdCompressSync(wide),
      zstdCompressSync(Buffer.from(`{"e":${"[".repeat(3_000_000)}`)),
      Buffer.from(`{"e":${"[".repeat(90)}`),
    ]) {
      expect(() => decoder.decode(bytes)).toThrow(expect.objectContaining({ code: "codec.limit" }));
    }
  });

  it("refuses a dictionary record whose product of metrics and rows is a bomb", () => {
    const record = { v: 1, s: "0123456789ab", q: 1, rev: 1, base: 0, full: true, removed: [] };
    const metricList = Array.from({ length: 1_000 }, () => ["m", "g", "", 1]);
    const rows = Array.from({ length: 1_000 }, () => ["", {}]);
    const text = JSON.stringify({ ...record, groups: [{ gid: 1, dev: "d", tbl: "t", iv: 1, metrics: metricList, rows }] });
    expect(() => createChunkDecoder().decode(zstdCompressSync(text))).toThrow(expect.objectContaining({ code: "codec.limit" }));
  });

  it("refuses a full dictionary that does not match its digest", () => {
    const [dictionary] = corpus();
    const text = new TextDecoder().decode(unpack(dictionary ?? new Uint8Array()));
    const changed = text.replace("octets", "0ctets");
    expect(changed).not.toBe(text);
    expect(() => createChunkDecoder().decode(new TextEncoder().encode(changed))).toThrow("does not match its digest");
  });

  it("reads indefinite lengths, long integer forms, half floats and bignums as the same chunk", () => {
    const decoder = createChunkDecoder();
    const text = (value: string) => [0x60 + value.length, ...Buffer.from(value)];
    const definite = [
      0xa9,
      0,
      1,
      1,
      ...text("0123456789ab"),
      2,
      1,
      3,
      1,
      4,
      1,
      5,
      0,
      6,
      1,
      7,
      1,
      8,
      0x81,
      0x85,
      1,
      0x81,
      0,
      0x41,
      0x04,
      0x81,
      0xfb,
      0x3f,
      0xf8,
      0,
      0,
      0,
      0,
      0,
      0,
      0x81,
      5,
    ];
    const odd = [
      0xbf,
      0x18,
      0,
      0x19,
      0,
      1,
      1,
      0x7f,
      ...text("012345"),
      ...text("6789ab"),
      0xff,
      2,
      1,
      3,
      1,
      4,
      1,
      5,
      0x1b,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      6,
      1,
      7,
      1,
      0x18,
      0x63,
      0x82,
      1,
      2,
      8,
      0x9f,
      0x9f,
      1,
      0x9f,
      0,
      0xff,
      0x5f,
      0x41,
      0x04,
      0xff,
      0x9f,
      0xf9,
      0x3e,
      0x00,
      0xff,
      0x81,
      0xc2,
      0x41,
      5,
      0xff,
      0xff,
      0xff,
    ];
    const dictionary = new Map<number, DictionaryGroup>([
      [
        1,
        {
          groupId: 1,
          equipment: "d",
          table: "t",
          intervalMs: 1,
          series: [
            { metric: "c", rowKey: "", labels: {}, kind: "c", unit: "", scale: 1 },
            { metric: "g", rowKey: "", labels: {}, kind: "g", unit: "", scale: 1 },
          ],
        },
      ],
    ]);
    const resolved = [definite, odd].map((bytes) => {
      const payload = decoder.decode(Uint8Array.from(bytes));
      return payload.kind === "chunk" ? decoder.resolve(payload.chunk, dictionary) : payload;
    });
    expect(resolved[1]).toEqual(resolved[0]);
    expect(resolved[0]).toMatchObject({
      groups: [
        {
          rows: [
            {
              cells: [
                { state: "counter", increment: 0, absolute: 5n },
                { state: "value", value: 1.5 },
              ],
            },
          ],
        },
      ],
    });
  });

  it("reads a chunk that comes late without its memory, and leaves the memory alone", () => {
    const decoder = createChunkDecoder();
    const gauge: DictionaryGroup = {
      groupId: 1,
      equipment: "d",
      table: "t",
      intervalMs: 1,
      series: [{ metric: "g", rowKey: "", labels: {}, kind: "g", unit: "", scale: 1 }],
    };
    const chunkOf = (seq: number, state: string, vals: readonly number[]) => {
      const json = { v: 1, s: "0123456789ab", q: seq, d: 1, f: 0, t: 0, i: 1, n: 1, g: [[1, [0], state, vals]] };
      const payload = decoder.decode(new TextEncoder().encode(JSON.stringify(json)));
      if (payload.kind !== "chunk") throw new Error(payload.kind);
      return payload.chunk;
    };
    const memory = decoder.newMemory();
    const cellOf = (chunk: ReturnType<typeof chunkOf>) =>
      decoder.resolve(chunk, new Map([[1, gauge]]), memory).groups[0]?.rows[0]?.cells[0];
    const [valueState, unchangedState] = ["AQ==", "AA=="];
    expect(cellOf(chunkOf(1, valueState, [5]))).toEqual({ state: "value", value: 5 });
    expect(cellOf(chunkOf(2, valueState, [6]))).toEqual({ state: "value", value: 6 });
    expect(cellOf(chunkOf(1, valueState, [5]))).toEqual({ state: "value", value: 5 });
    expect(cellOf(chunkOf(2, unchangedState, []))).toEqual({ state: "unchanged" });
    expect(memory.nextSeq).toBe(3);
    expect(cellOf(chunkOf(3, unchangedState, []))).toEqual({ state: "value", value: 6 });
    expect(cellOf(chunkOf(5, unchangedState, []))).toEqual({ state: "unchanged" });
  });
});
