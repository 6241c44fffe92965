import type { DecodedCell, DecodedChunk, DictionaryGroup } from "#model/chunk.ts";
import { salvagedFlag } from "#model/chunk.ts";
import type { ChunkDecoder, DecodedPayload, RawChunk } from "#ports/codec.ts";
import type { DictionaryBook } from "./dictionary-book.ts";
import { flagKeyFrame, flagUnanchored, type RawBody, WireFloat } from "./layout.ts";

/**
 * What a payload says, as values that JSON can carry: for people. With the dictionary at hand rows are shown by name; without it the groups
 * as they stand. Integers beyond 2^53 become decimal text, unknown increments null.
 */
export function dumpPayload(payload: DecodedPayload, decoder: ChunkDecoder, book: DictionaryBook): unknown {
  if (payload.kind === "json") return { kind: "json", stream: payload.stream, seq: payload.seq, body: payload.body };
  if (payload.kind === "dict") return { kind: "dictionary", stream: payload.stream, seq: payload.seq, ...payload.record };
  const { chunk } = payload;
  const dictionary = book.at(chunk.dictionaryRevision);
  const content = dictionary === undefined ? rawContent(chunk) : namedContent(decoder.resolve(chunk, dictionary));
  return { kind: "chunk", ...headContent(chunk), ...content };
}

function headContent(chunk: RawChunk): object {
  const unanchored = (chunk.flags & flagUnanchored) !== 0;
  return {
    stream: chunk.stream,
    seq: chunk.seq,
    dictionary: chunk.dictionaryRevision,
    keyFrame: (chunk.flags & flagKeyFrame) !== 0,
    ...((chunk.flags & salvagedFlag) === 0 ? {} : { salvaged: true }),
    t0: unanchored ? { boot: chunk.bootId, monotonicMs: chunk.t0 } : new Date(chunk.t0).toISOString(),
    intervalMs: chunk.intervalMs,
  };
}

function rawContent(chunk: RawChunk): object {
  const { groups, misses } = chunk.body as RawBody;
  const plain = (value: unknown): unknown =>
    value instanceof WireFloat ? value.value : typeof value === "bigint" ? value.toString() : value;
  return {
    groups: groups.map((group) => ({
      gid: group.gid,
      dts: group.dts,
      state: group.state.toHex(),
      vals: group.vals.map(plain),
      ...(group.base === undefined ? {} : { base: group.base.map(plain) }),
      ...(group.rebase.length === 0 ? {} : { rebase: group.rebase.map((entry) => entry.map(plain)) }),
    })),
    misses,
  };
}

function namedContent(chunk: DecodedChunk): object {
  const timeOf = (at: number) => (chunk.unanchored ? at : new Date(at).toISOString());
  return {
    samples: chunk.samples,
    groups: chunk.groups.map(({ group, rows }) => ({
      gid: group.groupId,
      equipment: group.equipment,
      table: group.table,
      rows: rows.map((row) => ({ at: timeOf(row.at), values: valuesOf(group, row.cells) })),
    })),
    misses: chunk.misses.map((miss) => ({ ...miss, at: timeOf(miss.at) })),
  };
}

/** By row, then by metric, as a person reads a table. */
function valuesOf(group: DictionaryGroup, cells: readonly DecodedCell[]): unknown {
  const byRow = new Map<string, [string, unknown][]>();
  for (const [index, series] of group.series.entries()) {
    const row = byRow.get(series.rowKey) ?? [];
    row.push([series.metric, cellContent(cells[index])]);
    byRow.set(series.rowKey, row);
  }
  return Object.fromEntries([...byRow].map(([key, values]) => [key, Object.fromEntries(values)]));
}

function cellContent(cell: DecodedCell | undefined): unknown {
  if (cell === undefined || cell.state === "missing") return null;
  if (cell.state === "unchanged") return "(unchanged)";
  if (cell.state === "value") return cell.value;
  return { increment: Number.isNaN(cell.increment) ? null : cell.increment, absolute: cell.absolute?.toString() ?? null };
}
