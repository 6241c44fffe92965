import type { Clock } from "#ports/clock.ts";

/** Wrong secrets in this time ... */
const windowMs = 15 * 60_000;
const maxWrong = 5;
/** ... shut the sign-in of that address for this long. */
const lockMs = 3_600_000;
const maxAddresses = 256;
/** All addresses together: nobody guesses 40 bits from a whole network either. */
const maxWrongAltogether = 50;

interface Tries {
  readonly wrongAtMs: number[];
  lockedUntilMs: number;
}

/** Counts wrong secrets per address and altogether. An address that guesses shuts out itself, not its neighbours. */
export class TryLimit {
  readonly #clock: Clock;
  readonly #tries = new Map<string, Tries>();
  #wrongAtMs: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Seconds until this address may try again; 0 = now. */
  waitS(address: string): number {
    const nowMs = this.#clock.monotonicMs();
    const own = this.#tries.get(address)?.lockedUntilMs ?? 0;
    this.#wrongAtMs = this.#wrongAtMs.filter((atMs) => nowMs - atMs < windowMs);
    const [first] = this.#wrongAtMs;
    const common = this.#wrongAtMs.length >= maxWrongAltogether && first !== undefined ? first + windowMs : 0;
    return Math.max(0, Math.ceil((Math.max(own, common) - nowMs) / 1_000));
  }

  /** Counts a wrong secret; true = that was one too many. */
  wrong(address: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#wrongAtMs.push(nowMs);
    const tries = this.#tries.get(address) ?? { wrongAtMs: [], lockedUntilMs: 0 };
    this.#tries.delete(address);
    const oldest = this.#tries.keys().next();
    if (this.#tries.size >= maxAddresses && oldest.done !== true) this.#tries.delete(oldest.value);
    this.#tries.set(address, tries);
    const recent = tries.wrongAtMs.filter((atMs) => nowMs - atMs < windowMs);
    tries.wrongAtMs.splice(0, tries.wrongAtMs.length, ...recent, nowMs);
    if (tries.wrongAtMs.length < maxWrong) return false;
    tries.lockedUntilMs = nowMs + lockMs;
    tries.wrongAtMs.length = 0;
    return true;
  }

  right(address: string): void {
    this.#tries.delete(address);
  }
}
