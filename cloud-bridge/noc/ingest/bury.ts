import type { ChunkRow, StreamRow } from "../store/rows.ts";
import type { Draft, Drafts } from "./drafts.ts";

/** Makes a stored chunk a dead letter: it stays acknowledged, is kept for a person, and counts in the ledger. `reason`: one of our own words. */
export async function bury(drafts: Drafts, stream: Draft<StreamRow>, chunk: ChunkRow, reason: string): Promise<void> {
  const { gatewayRef, seq, payload } = chunk;
  const letter = { gatewayRef, leaf: "tm", streamId: stream.id, seq, reason, bytes: payload.byteLength, payload };
  await drafts.tx.addDeadLetter({ ...letter, receivedMs: drafts.nowMs });
  await drafts.tx.markChunk(chunk, "dead");
  stream.deadLetters += 1;
}
