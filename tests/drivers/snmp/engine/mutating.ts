/** A small seeded generator (mulberry32): same seed, same numbers. Uniform in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const interesting = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, 0x02, 0x04, 0x05, 0x06, 0x30, 0x41, 0x46, 0xa2, 0xa8];

/** One to four changes: bits, bytes, lengths, cuts, insertions, repetitions. */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  let mutated = Uint8Array.from(bytes);
  for (let changes = 1 + Math.floor(random() ** 2 * 4); changes > 0; changes--) mutated = changeOnce(mutated, random);
  return mutated;
}

function changeOnce(bytes: Uint8Array<ArrayBuffer>, random: () => number): Uint8Array<ArrayBuffer> {
  const at = Math.floor(random() * bytes.length);
  const length = 1 + Math.floor(random() * 8);
  const pick = () => interesting[Math.floor(random() * interesting.length)] ?? 0;
  switch (Math.floor(random() * 8)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      return bytes;
    case 1:
      bytes[at] = pick();
      return bytes;
    case 2:
      bytes[at] = Math.floor(random() * 256);
      return bytes;
    case 3:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
    case 4:
      return Uint8Array.from([...bytes.subarray(0, at), pick(), ...bytes.subarray(at)]);
    case 5:
      return bytes.slice(0, at);
    case 6:
      return Uint8Array.from([...bytes.subarray(0, at + length), ...bytes.subarray(at)]);
    default:
      bytes.copyWithin(at, Math.floor(random() * bytes.length), Math.floor(random() * bytes.length));
      return bytes;
  }
}
