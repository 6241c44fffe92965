import type { Entropy } from "#ports/entropy.ts";

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** ULID: 48 bits of Unix milliseconds, 80 random bits, Crockford's base 32; sorts by time. */
export function ulid(wallMs: number, entropy: Entropy): string {
  let text = "";
  let time = Math.floor(wallMs);
  for (let digit = 0; digit < 10; digit++) {
    text = `${alphabet[time % 32]}${text}`;
    time = Math.floor(time / 32);
  }
  for (const byte of entropy.bytes(16)) text += alphabet[byte % 32];
  return text;
}
