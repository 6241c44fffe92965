import type { DecodedChunk } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import type { ChunkDecoder } from "#ports/codec.ts";
import type { ChunkRow } from "../store/rows.ts";
import type { StoreTransaction } from "../store/store.ts";
import { firstAt } from "./chunk-time.ts";
import type { StreamMemories } from "./memories.ts";

/** Chunks looked into at most: a salvaged chunk covers one slot, and a slot is a few chunks. */
const maxLookedInto = 256;

/** Times of rows that the store has, by group of the store. */
export type KnownRows = ReadonlyMap<number, readonly number[]>;

/**
 * Rows of a salvaged chunk that came before, in a chunk whose journal record was lost at the gateway. They must not be added to rollups twice; the gate of
 * (stream, seq) does not see them, because they were sealed again under another number.
 */
export async function repeatedRows(
  parts: { readonly tx: StoreTransaction; readonly decoder: ChunkDecoder; readonly memories: StreamMemories },
  chunk: ChunkRow,
  span: { readonly decoded: DecodedChunk; readonly shiftMs: number },
): Promise<KnownRows> {
  const { decoded, shiftMs } = span;
  const times = decoded.groups.flatMap((group) => group.rows.map((row) => row.at + shiftMs));
  const found = new Map<number, number[]>();
  if (times.length === 0) return found;
  const slackMs = decoded.intervalMs / 2;
  const others = await parts.tx.appliedBetween(
    {
      gatewayRef: chunk.gatewayRef,
      intervalMs: decoded.intervalMs,
      fromMs: Math.min(...times) - slackMs,
      toMs: Math.max(...times) + slackMs,
    },
    maxLookedInto,
  );
  for (const other of others) {
    if (other.streamRef === chunk.streamRef && other.seq === chunk.seq) continue;
    await note(parts, other, found);
  }
  return found;
}

/** Whether a row of this time is among the known ones: two polls of one table are most of an interval apart. */
export function isKnown(known: KnownRows, groupRef: number, atMs: number, intervalMs: number): boolean {
  return known.get(groupRef)?.some((other) => Math.abs(other - atMs) < intervalMs / 4) === true;
}

async function note(
  { tx, decoder, memories }: Parameters<typeof repeatedRows>[0],
  row: ChunkRow,
  into: Map<number, number[]>,
): Promise<void> {
  try {
    const payload = decoder.decode(row.payload);
    if (payload.kind !== "chunk") return;
    const dictionary = await memories.dictionary(tx, { ref: row.streamRef, gatewayRef: row.gatewayRef }, payload.chunk);
    if (dictionary === undefined) return;
    const chunk = decoder.resolve(payload.chunk, dictionary.groups);
    const shiftMs = chunk.unanchored ? (row.fromMs ?? 0) - firstAt(chunk) : 0;
    for (const { group, rows } of chunk.groups) {
      const ref = dictionary.refs.get(group.groupId);
      if (ref === undefined) continue;
      const known = into.get(ref) ?? [];
      into.set(ref, known);
      for (const { at } of rows) known.push(at + shiftMs);
    }
  } catch (error) {
    if (!isGatewayError(error) || !error.code.startsWith("codec.")) throw error; // It is stored as applied, so it was readable once.
  }
}
