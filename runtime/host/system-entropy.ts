import { randomBytes } from "node:crypto";
import type { Entropy } from "#ports/entropy.ts";

/** The kernel's randomness: the only file that draws it. */
export const systemEntropy: Entropy = {
  random: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  bytes: (count) => randomBytes(count),
};
