/** FNV-1a, 32 bit: turns a name into a seed. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Uniform in [0, 1), a pure function of (seed, k): what happens at a time does not depend on who looked before. */
export function uniformAt(seed: number, k: number): number {
  let x = (seed ^ Math.imul(k | 0, 0x9e3779b1)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
}

/** Standard normal (Box-Muller), a pure function of (seed, k). */
export function normalAt(seed: number, k: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformAt(seed, 2 * k)));
  return radius * Math.cos(2 * Math.PI * uniformAt(seed, 2 * k + 1));
}

/**
 * A sensor's value: `mean` with slow wandering of about `spread`, continuous in time, bounded by mean +/- 2.5 x spread.
 * @param elapsedMs time since the site's start
 */
export function wander(seed: number, elapsedMs: number, mean: number, spread: number, periodMs = 300_000): number {
  return mean + spread * (smoothNoise(seed, elapsedMs / periodMs) + 0.25 * smoothNoise(seed + 1, (elapsedMs / periodMs) * 7));
}

function smoothNoise(seed: number, at: number): number {
  const cell = Math.floor(at);
  const part = at - cell;
  const weight = part * part * (3 - 2 * part);
  const clamp = (value: number) => Math.max(-2, Math.min(2, value));
  return clamp(normalAt(seed, cell)) * (1 - weight) + clamp(normalAt(seed, cell + 1)) * weight;
}
