import type { Command, CommandResult } from "#model/command.ts";
import type { Instant } from "#model/time.ts";
import type { Clock } from "#ports/clock.ts";
import type { State } from "#ports/state.ts";
import { isTrusted, toleranceS } from "../authority/key-ring.ts";

/** One command from acceptance to answer. */
export interface JournalEntry {
  /** As far as it may be remembered. */
  readonly command: Command;
  /** Arguments are missing that may not be written down: it runs in this run of the gateway, or never. */
  readonly withheld?: boolean;
  readonly by: { readonly actor: string; readonly from: string };
  /** Nonce of the session it came in; undefined = given at the site. */
  readonly nonce?: string;
  /** Unix seconds; when it was signed, and how long it is good. */
  readonly iat: number;
  readonly ttl: number;
  readonly bootId: string;
  /** Monotonic ms of that boot, and wall ms, of acceptance. */
  readonly acceptedMs: number;
  readonly acceptedWallMs: number;
  readonly phase: "accepted" | "running" | "done";
  readonly result?: CommandResult;
  /** The NOC has the result, as far as the broker took it. */
  readonly reported?: boolean;
  /** The output was removed to make room. */
  readonly trimmed?: boolean;
}

const prefix = "command/";
/** Commands remembered. Over it the oldest that can no longer be replayed go. */
export const maxEntries = 4_096;
/** All results together. Over it outputs that were reported go first; that there was a result stays. */
const maxResultBytes = 8 * 1_048_576;
/** So long a command is remembered at least. */
const rememberMs = 86_400_000;

/**
 * The journal of commands: what was accepted, what came of it. A command is in here before it is acknowledged, and `running` before it runs,
 * so that it never runs twice, restarts included.
 */
export class CommandJournal {
  readonly #state: State;
  readonly #clock: Clock;
  readonly #entries = new Map<string, JournalEntry>();
  readonly #bytes = new Map<string, number>();
  #resultBytes = 0;

  constructor(state: State, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
    const found = state.keys(prefix, maxEntries + 64).flatMap((key) => {
      const text = state.getText(key);
      return text === undefined ? [] : [JSON.parse(text) as JournalEntry];
    });
    for (const entry of found.sort((one, other) => one.acceptedWallMs - other.acceptedWallMs)) this.#hold(entry);
  }

  get(id: string): JournalEntry | undefined {
    return this.#entries.get(id);
  }

  /** Oldest first. */
  get entries(): readonly JournalEntry[] {
    return [...this.#entries.values()];
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Makes room for one more. An entry may go when its command can never be accepted again: it expired by a trusted clock, or its session is
   * over (another nonce) and it is a day old.
   * @returns false when there is no room
   */
  makeRoom(nonce: string | undefined): boolean {
    if (this.#entries.size < maxEntries) return true;
    const now = this.#clock.now();
    const leaving = [...this.#entries.values()].filter((entry) => entry.phase === "done" && isBeyondReplay(entry, nonce, now)).slice(0, 64);
    if (leaving.length === 0) return false;
    this.#state.put(Object.fromEntries(leaving.map(({ command }) => [prefix + command.id.toLowerCase(), undefined])));
    for (const { command } of leaving) this.#release(command.id);
    return true;
  }

  /** Durable on return. */
  put(entry: JournalEntry): void {
    this.#state.put({ [prefix + entry.command.id.toLowerCase()]: JSON.stringify(entry) });
    this.#hold(entry);
    this.#trim();
  }

  #hold(entry: JournalEntry): void {
    const { id } = entry.command;
    const held = this.#bytes.get(id) ?? 0;
    const bytes = entry.result?.output === undefined ? 0 : JSON.stringify(entry.result.output).length;
    this.#resultBytes += bytes - held;
    this.#bytes.set(id, bytes);
    this.#entries.set(id, entry);
  }

  #release(id: string): void {
    this.#resultBytes -= this.#bytes.get(id) ?? 0;
    this.#bytes.delete(id);
    this.#entries.delete(id);
  }

  #trim(): void {
    if (this.#resultBytes <= maxResultBytes) return;
    const heavy = [...this.#entries.values()].filter((entry) => (this.#bytes.get(entry.command.id) ?? 0) > 1_024);
    const sorted = [...heavy.filter((entry) => entry.reported === true), ...heavy.filter((entry) => entry.reported !== true)];
    for (const entry of sorted) {
      if (this.#resultBytes <= maxResultBytes || entry.result === undefined) return;
      const { output: _output, ...result } = entry.result;
      const trimmed: JournalEntry = { ...entry, result, trimmed: true };
      this.#state.put({ [prefix + entry.command.id.toLowerCase()]: JSON.stringify(trimmed) });
      this.#hold(trimmed);
    }
  }
}

function isBeyondReplay(entry: JournalEntry, nonce: string | undefined, now: Instant): boolean {
  const ageMs = entry.bootId === now.bootId ? now.monotonicMs - entry.acceptedMs : now.wallMs - entry.acceptedWallMs;
  if (entry.nonce !== nonce && ageMs > rememberMs) return true;
  return isTrusted(now) && now.wallMs / 1_000 > entry.iat + entry.ttl + 2 * toleranceS;
}

/**
 * Whether it is too late to begin. Within one boot the monotonic clock decides, which no step of the wall clock moves; over a boot the wall
 * clock does, if it can be trusted, and else it is too late.
 */
export function isExpired(entry: JournalEntry, now: Instant): boolean {
  if (entry.bootId === now.bootId) return now.monotonicMs - entry.acceptedMs > entry.ttl * 1_000;
  return !isTrusted(now) || now.wallMs / 1_000 > entry.iat + entry.ttl;
}
