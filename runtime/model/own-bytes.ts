/**
 * Frees the memory of an array that nobody looks at any more. A collection would do it some time, of a thread that allocates little much later: one record of
 * the journal with 1,000 switches left four megabytes for half a minute. Nothing happens to a piece of something larger.
 */
export function letGo(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0);
}

/** Room that a compressor of Node's needs to answer in one piece, bytes. */
export function roomFor(bytes: number): number {
  return Math.max(1_024, bytes + (bytes >> 7) + 512);
}

/**
 * What a compressor answered, in memory of just its size that `letGo` can free; the piece that it was written into is freed.
 * @param room the piece's size, which it was told (`chunkSize`). Small ones are pieces of Node's pool, which is not ours: then the answer stays as it is
 */
export function ownBytes(answer: Uint8Array, room: number): Uint8Array {
  const { buffer } = answer;
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== room || room <= 2 * Buffer.poolSize) return answer;
  const own = new Uint8Array(answer);
  buffer.transfer(0);
  return own;
}
