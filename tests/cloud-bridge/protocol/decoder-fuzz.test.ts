import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { DictionaryGroup } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Column } from "#model/report.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { unpack } from "../../../cloud-bridge/protocol/codec/unpack.ts";
import { instant, MemoryStore, metric, reportOf, seededEntropy, shapeOf, tableReport } from "./site.ts";

/** `GATEHOUSE_FUZZ_RUNS=1000000` for the long run. */
const runs = Number(process.env.GATEHOUSE_FUZZ_RUNS ?? 20_000);
const seed = Number(process.env.GATEHOUSE_FUZZ_SEED ?? 4711);

const metrics = [metric("octets", "counter"), metric("temperature", "gauge", 10), metric("name", "text"), metric("oper", "state")];
const shape = shapeOf("sw-1", "t", metrics, 7);

function columns(poll: number): Column[] {
  const present = new Uint8Array(7).fill(1);
  if (poll === 2) present[3] = 0;
  const of = (value: (row: number) => number) => Float64Array.from({ length: 7 }, (_, row) => value(row));
  return [
    {
      kind: "counter",
      present,
      absolute: BigUint64Array.from({ length: 7 }, (_, row) => 2n ** 60n + BigInt(row * 1000 + poll * row * row)),
      increment: of((row) => (poll === 0 ? Number.NaN : row * row)),
    },
    { kind: "number", present, value: of((row) => 20 + row / 10 + (poll % 3) * 0.1 + (row === 5 ? Math.PI : 0)) },
    { kind: "text", present, value: Array.from({ length: 7 }, (_, row) => `port ${row} ${poll > 2 ? "umbenannt äöü" : ""}`) },
    { kind: "number", present, value: of((row) => (row === poll ? 2 : 1)) },
  ];
}

/** Valid payloads of every kind: chunks of one and of several intervals, both serialisations, dictionary, events. */
function corpus(): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (const [intervals, serialisation] of [
    [1, "cbor"],
    [5, "cbor"],
    [1, "json"],
    [5, "json"],
  ] as const) {
    const encoder = createFrameEncoder({ entropy: seededEntropy(1), streamSalt: "gw-1", intervalsPerChunk: () => intervals });
    const store = new MemoryStore(createChunkAssembler({ serialisation, compression: "none" }));
    for (let poll = 0; poll < 6; poll++) {
      const at = instant(poll * 60_000, { quality: poll < 3 ? "unanchored" : "synced" });
      store.append(encoder.encodeReport(reportOf(at, [tableReport(shape, columns(poll), at)])));
      if (poll === 4) store.append(encoder.encodeReport(reportOf(at, [], [{ shape, reason: "timeout" }])));
    }
    store.sealNow();
    payloads.push(...store.chunks.map((chunk) => chunk.bytes));
  }
  const batch = JSON.stringify({ v: 1, s: "0123456789ab", q: 3, at: 0, e: [{ k: "event", text: 'quoted \\" [{' }] });
  return [...payloads, new TextEncoder().encode(batch)];
}

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

  it("refuses decompression bombs before they unpack", () => {
    const decoder = createChunkDecoder();
    const bomb = zstdCompressSync(new Uint8Array(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(98_304);
    expect(() => decoder.decode(bomb)).toThrow(expect.objectContaining({ code: "codec.limit" }));
    expect(() => decoder.decode(new Uint8Array(98_305))).toThrow(expect.objectContaining({ code: "codec.limit" }));
  });

  it("refuses a zstd frame that asks for a window of gigabytes", () => {
    // Magic, descriptor without a content size, window descriptor 31<<3 = 2 TiB, an empty last block.
    const frame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00);
    expect(() => createChunkDecoder().decode(frame)).toThrow(expect.objectContaining({ code: "codec.malformed" }));
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
});
