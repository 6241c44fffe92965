import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";

/** Mulberry32: small, and the same on every machine. */
export function seededEntropy(seed: number): Entropy {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { random, bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)) };
}

export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
};
