import { randomBytes } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import type { Entropy } from "#ports/entropy.ts";

/** The kernel's randomness: the only file that draws it. */
export const systemEntropy: Entropy = {
  random: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  bytes: (count) => randomBytes(count),
};

/**
 * The same for a thread that draws little: through a file, as all that Node has for cryptography would cost the thread 0.4 MB.
 * For a few bytes at a time; throws when the machine has no `/dev/urandom`.
 */
export const entropyFromFile: Entropy = {
  random: () => bytesFromFile(6).readUIntBE(0, 6) / 2 ** 48,
  bytes: bytesFromFile,
};

function bytesFromFile(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  const file = openSync("/dev/urandom", "r");
  try {
    for (let done = 0; done < count; ) done += readSync(file, bytes, done, count - done, null);
  } finally {
    closeSync(file);
  }
  return bytes;
}
