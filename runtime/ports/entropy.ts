/** The only source of randomness. Seeded in simulation. */
export interface Entropy {
  /** Uniform in [0, 1). */
  random(): number;
  /** `count` bytes; cryptographic in production. */
  bytes(count: number): Uint8Array;
}
