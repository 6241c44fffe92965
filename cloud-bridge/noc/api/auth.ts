import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";

export const sessionCookie = "gatehouse_noc";
const sessionMs = 7 * 86_400_000;
const linkMs = 24 * 3_600_000;
const maxLinks = 16;
/** Wrong tokens per minute, over all callers; beyond it everybody who is not signed in waits. */
const maxFailures = 20;

/** Who may ask: the bearer token, or a browser's session that was begun with it or with a one-time link. */
export class Gatekeeper {
  readonly #tokenDigest: Uint8Array;
  readonly #sessionKey: Uint8Array;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #links = new Map<string, number>();
  #failures = 0;
  #failuresSinceMs = 0;

  constructor(token: string, clock: Clock, entropy: Entropy) {
    this.#tokenDigest = digest(token);
    // A session ends with the token it was begun with: no list of sessions to keep.
    this.#sessionKey = createHmac("sha256", token).update("gatehouse noc session").digest();
    this.#clock = clock;
    this.#entropy = entropy;
  }

  /** False while too many wrong tokens came in. */
  mayTry(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#failuresSinceMs > 60_000) {
      this.#failures = 0;
      this.#failuresSinceMs = nowMs;
    }
    return this.#failures < maxFailures;
  }

  isToken(candidate: string): boolean {
    const right = timingSafeEqual(digest(candidate), this.#tokenDigest);
    if (!right) this.#failures += 1;
    return right;
  }

  /** A code that signs in one browser within a day. The oldest of more than 16 unused ones is forgotten. */
  newLink(): string {
    const code = Buffer.from(this.#entropy.bytes(24)).toString("base64url");
    this.#links.set(key(code), this.#clock.monotonicMs() + linkMs);
    const oldest = this.#links.keys().next();
    if (this.#links.size > maxLinks && oldest.done !== true) this.#links.delete(oldest.value);
    return code;
  }

  /** True once per link. */
  useLink(code: string): boolean {
    const untilMs = this.#links.get(key(code));
    if (untilMs === undefined) {
      this.#failures += 1;
      return false;
    }
    this.#links.delete(key(code));
    return untilMs > this.#clock.monotonicMs();
  }

  /** Value of the session cookie, and its life in seconds. */
  newSession(): { readonly value: string; readonly maxAgeSeconds: number } {
    const untilMs = Math.round(this.#clock.now().wallMs + sessionMs);
    return { value: `${untilMs}.${this.#sign(untilMs)}`, maxAgeSeconds: sessionMs / 1_000 };
  }

  isSession(value: string): boolean {
    const [until = "", signature = ""] = value.split(".", 2);
    const untilMs = Number(until);
    if (!Number.isSafeInteger(untilMs) || untilMs < this.#clock.now().wallMs) return false;
    return timingSafeEqual(digest(signature), digest(this.#sign(untilMs)));
  }

  #sign(untilMs: number): string {
    return createHmac("sha256", this.#sessionKey).update(String(untilMs)).digest("base64url");
  }
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

/** Links are kept as digests: a look-up by content gives no timing away. */
function key(code: string): string {
  return Buffer.from(digest(code)).toString("hex");
}

/** The value of one cookie in a Cookie header; undefined = not there. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? "").slice(0, 4_096).split(";")) {
    const [key, value] = part.trim().split("=", 2);
    if (key === name) return value;
  }
  return undefined;
}
