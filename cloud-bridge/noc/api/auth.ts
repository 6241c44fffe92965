import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";

export const sessionCookie = "gatehouse_noc";
const sessionMs = 7 * 86_400_000;
const linkMs = 24 * 3_600_000;
const maxLinks = 16;
/** Wrong tokens are said in the log at most this often. 256 bits are not guessed; a lock would only let strangers shut out friends. */
const tellEveryMs = 60_000;

/** Who may ask: the bearer token, or a browser's session that was begun with it or with a one-time link. */
export class Gatekeeper {
  readonly #tokenDigest: Uint8Array;
  readonly #sessionKey: Uint8Array;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #links = new Map<string, number>();
  readonly #logger: Logger;
  #failures = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(token: string, clock: Clock, entropy: Entropy, logger: Logger) {
    this.#logger = logger;
    this.#tokenDigest = digest(token);
    // A session ends with the token it was begun with: no list of sessions to keep.
    this.#sessionKey = createHmac("sha256", token).update("gatehouse noc session").digest();
    this.#clock = clock;
    this.#entropy = entropy;
  }

  isToken(candidate: string): boolean {
    const right = timingSafeEqual(digest(candidate), this.#tokenDigest);
    if (!right) this.#failed();
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
      this.#failed();
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

  #failed(): void {
    this.#failures += 1;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldMs < tellEveryMs) return;
    this.#toldMs = nowMs;
    this.#logger.warn({ failures: this.#failures }, "somebody came with a wrong token or a used link");
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
