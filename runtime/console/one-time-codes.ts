import { createHash } from "node:crypto";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { SignedIn, SignInMethod } from "./source.ts";

/** Without the letters and digits that are taken for one another. 32 symbols: five bits each. */
const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const symbols = 8;
const lifeMs = 10 * 60_000;
const maxUnused = 4;

/**
 * Codes of 40 bits for whoever has a terminal on the gateway: `gatehouse console code`. Each is valid for ten minutes and signs one browser in.
 * Guessing is bounded by the try counter of the sign-in (try-limit.ts), for all methods together.
 */
export class OneTimeCodes implements SignInMethod {
  readonly name = "one-time code";
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #unused = new Map<string, number>();

  constructor(clock: Clock, entropy: Entropy) {
    this.#clock = clock;
    this.#entropy = entropy;
  }

  /** A new code as `ABCD-EFGH`, and its life in seconds. The oldest of more than four unused ones is forgotten. */
  issue(): { readonly code: string; readonly lifeS: number } {
    const bytes = this.#entropy.bytes(symbols);
    const text = [...bytes].map((byte) => alphabet[byte & 31] ?? "").join("");
    const oldest = this.#unused.keys().next();
    if (this.#unused.size >= maxUnused && oldest.done !== true) this.#unused.delete(oldest.value);
    this.#unused.set(digest(text), this.#clock.monotonicMs() + lifeMs);
    return { code: `${text.slice(0, 4)}-${text.slice(4)}`, lifeS: lifeMs / 1_000 };
  }

  async verify(secret: string): Promise<SignedIn | undefined> {
    const text = secret.toUpperCase().replace(/[^A-Z0-9]/g, "");
    if (text.length !== symbols) return undefined;
    const key = digest(text);
    const untilMs = this.#unused.get(key);
    if (untilMs === undefined) return undefined;
    this.#unused.delete(key);
    if (untilMs <= this.#clock.monotonicMs()) return undefined;
    return { person: "one-time code", scopes: ["view", "operate", "flows.read", "flows.write"] };
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
