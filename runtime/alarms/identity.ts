import { createHash } from "node:crypto";
import type { AlarmIdentity, AlarmMatch } from "#ports/alarms.ts";
import type { Entropy } from "#ports/entropy.ts";

const keyHexDigits = 32;
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** `a1:` + 32 hex digits of SHA-256 over gateway|equipment|path|type|qualifier (PROTOCOL 7.1). */
export function alarmKey(gateway: string, { equipment, path, type, qualifier }: AlarmIdentity): string {
  const text = [gateway, equipment ?? "", path, type, qualifier].join("|");
  return `a1:${createHash("sha256").update(text).digest("hex").slice(0, keyHexDigits)}`;
}

/** ULIDs that grow even where the wall clock does not: later instances of a key must be greater than earlier ones. */
export class InstanceIds {
  readonly #entropy: Entropy;
  #lastMs = 0;

  /** @param lastMs time part of the newest id ever given, so that a clock set back does not give smaller ones */
  constructor(entropy: Entropy, lastMs = 0) {
    this.#entropy = entropy;
    this.#lastMs = lastMs;
  }

  next(wallMs: number): string {
    this.#lastMs = Math.max(Math.floor(wallMs), this.#lastMs + 1);
    let time = "";
    for (let rest = this.#lastMs, digit = 0; digit < 10; digit++) {
      time = (crockford[rest % 32] ?? "0") + time;
      rest = Math.floor(rest / 32);
    }
    const bytes = this.#entropy.bytes(16);
    return time + Array.from(bytes, (byte) => crockford[byte % 32] ?? "0").join("");
  }
}

/** Milliseconds of a ULID's time part; 0 = not a ULID. */
export function ulidTimeMs(id: string): number {
  let ms = 0;
  for (const letter of id.slice(0, 10)) {
    const digit = crockford.indexOf(letter);
    if (digit < 0) return 0;
    ms = ms * 32 + digit;
  }
  return ms;
}

/** Whether an alarm is among those meant. An empty match means none. */
export function matches(match: AlarmMatch, alarm: { readonly key: string } & AlarmIdentity): boolean {
  const { key, equipment, type, path } = match;
  if (key === undefined && equipment === undefined && type === undefined && path === undefined) return false;
  if (key !== undefined && key !== alarm.key) return false;
  if (equipment !== undefined && !isLike(alarm.equipment ?? "", equipment)) return false;
  if (type !== undefined && type !== alarm.type) return false;
  return path === undefined || isLike(alarm.path, path);
}

/** Equal, or begins like a wanted text that ends in `*`. */
export function isLike(text: string, wanted: string): boolean {
  return wanted.endsWith("*") ? text.startsWith(wanted.slice(0, -1)) : text === wanted;
}
