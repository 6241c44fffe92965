import { createHash } from "node:crypto";
import type { Clock } from "#ports/clock.ts";
import type { EditorPerson } from "#ports/editor.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { ConsoleScope, SignedIn } from "./source.ts";

/** A technician who went for lunch signs in again; nobody stays signed in over night. */
const idleMs = 3_600_000;
const longestMs = 8 * 3_600_000;
const maxSessions = 16;

export interface ConsoleSession {
  readonly person: string;
  readonly scopes: ReadonlySet<ConsoleScope>;
  /** Seconds until it ends if nothing is asked. */
  readonly idleS: number;
}

interface Kept {
  readonly person: string;
  readonly scopes: ReadonlySet<ConsoleScope>;
  readonly endMs: number;
  seenMs: number;
}

/** Who is signed in. In memory only: a restart signs everybody out. Ids are kept as digests, so that a look-up gives no timing away. */
export class Sessions {
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock, entropy: Entropy) {
    this.#clock = clock;
    this.#entropy = entropy;
  }

  /** Begins a session and returns its id for the cookie. The one idle for longest makes room when there are sixteen. */
  begin(who: SignedIn): { readonly id: string; readonly lifeS: number } {
    const nowMs = this.#clock.monotonicMs();
    this.#sweep(nowMs);
    if (this.#kept.size >= maxSessions) this.#dropIdlest();
    const id = Buffer.from(this.#entropy.bytes(32)).toString("base64url");
    const lifeMs = Math.min(longestMs, who.lifeMs ?? longestMs);
    this.#kept.set(digest(id), { person: who.person, scopes: new Set(who.scopes), endMs: nowMs + lifeMs, seenMs: nowMs });
    return { id, lifeS: Math.floor(lifeMs / 1_000) };
  }

  /** The session of this id, which thereby is not idle. undefined = none, or it is over. */
  find(id: string): ConsoleSession | undefined {
    const nowMs = this.#clock.monotonicMs();
    const key = digest(id);
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    if (isOver(kept, nowMs)) {
      this.#kept.delete(key);
      return undefined;
    }
    kept.seenMs = nowMs;
    return { person: kept.person, scopes: kept.scopes, idleS: Math.floor(Math.min(idleMs, kept.endMs - nowMs) / 1_000) };
  }

  end(id: string): void {
    this.#kept.delete(digest(id));
  }

  #sweep(nowMs: number): void {
    for (const [key, kept] of this.#kept) if (isOver(kept, nowMs)) this.#kept.delete(key);
  }

  #dropIdlest(): void {
    let idlest: string | undefined;
    let seenMs = Number.POSITIVE_INFINITY;
    for (const [key, kept] of this.#kept) {
      if (kept.seenMs < seenMs) {
        idlest = key;
        seenMs = kept.seenMs;
      }
    }
    if (idlest !== undefined) this.#kept.delete(idlest);
  }
}

function isOver(kept: Kept, nowMs: number): boolean {
  return nowMs >= kept.endMs || nowMs - kept.seenMs >= idleMs;
}

function digest(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}

/** What the editor has to know of who is signed in. */
export function editorPerson(session: ConsoleSession): EditorPerson {
  return { person: session.person, scope: session.scopes.has("flows.write") ? "flows.write" : "flows.read" };
}
