import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { State } from "#ports/state.ts";

/** Wrong secrets in this time ... */
const windowMs = 15 * 60_000;
const maxWrong = 5;
/** ... shut the sign-in of that address for this long. */
const lockMs = 3_600_000;
const maxAddresses = 256;
/** All addresses together: nobody guesses 40 bits from a whole network either. */
const maxWrongAltogether = 50;
const stateKey = "console.tries";

interface Tries {
  readonly wrongAtMs: number[];
  lockedUntilMs: number;
}

/** As it is kept: ages and what is left, because the monotonic clock begins again with the machine. */
interface Kept {
  readonly wrongAgesMs: readonly number[];
  readonly addresses: Readonly<Record<string, { readonly wrongAgesMs: readonly number[]; readonly lockedForMs: number }>>;
}

export type TryMemory = Pick<State, "getText" | "put">;

/**
 * Counts wrong secrets per address and altogether. An address that guesses shuts out itself, not its neighbours. What was counted outlives the
 * process, so that pulling the plug gives no further tries; time stands still while the gateway does not run.
 */
export class TryLimit {
  readonly #clock: Clock;
  readonly #memory: TryMemory | undefined;
  readonly #tries = new Map<string, Tries>();
  #wrongAtMs: number[] = [];
  #keptText: string | undefined;

  constructor(clock: Clock, memory?: TryMemory) {
    this.#clock = clock;
    this.#memory = memory;
    this.#recall();
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
    const isTooMany = tries.wrongAtMs.length >= maxWrong;
    if (isTooMany) {
      tries.lockedUntilMs = nowMs + lockMs;
      tries.wrongAtMs.length = 0;
    }
    this.keep();
    return isTooMany;
  }

  right(address: string): void {
    if (this.#tries.delete(address)) this.keep();
  }

  /** Writes down what counts now, if it is something else than before; called from time to time, so that a lock is not begun anew at each start. */
  keep(): void {
    if (this.#memory === undefined) return;
    const text = this.#text();
    if (text === this.#keptText) return;
    try {
      this.#memory.put({ [stateKey]: text });
      this.#keptText = text;
    } catch (error) {
      // A disk that refuses it costs the memory of tries, not the sign-in; the store tells of the disk.
      if (!isGatewayError(error)) throw error;
    }
  }

  #text(): string | undefined {
    const nowMs = this.#clock.monotonicMs();
    const ages = (times: readonly number[]) => times.map((atMs) => Math.round(nowMs - atMs)).filter((ageMs) => ageMs < windowMs);
    const addresses: Record<string, Kept["addresses"][string]> = {};
    for (const [address, tries] of this.#tries) {
      const one = { wrongAgesMs: ages(tries.wrongAtMs), lockedForMs: Math.max(0, Math.round(tries.lockedUntilMs - nowMs)) };
      if (one.lockedForMs > 0 || one.wrongAgesMs.length > 0) addresses[address] = one;
    }
    const wrongAgesMs = ages(this.#wrongAtMs);
    if (wrongAgesMs.length === 0 && Object.keys(addresses).length === 0) return undefined;
    return JSON.stringify({ wrongAgesMs, addresses } satisfies Kept);
  }

  #recall(): void {
    const text = this.#memory?.getText(stateKey);
    if (text === undefined) return;
    this.#keptText = text;
    // Written by `#text`; the state has a checksum of its own for what a disk does to it.
    const { wrongAgesMs, addresses } = JSON.parse(text) as Kept;
    const nowMs = this.#clock.monotonicMs();
    this.#wrongAtMs = wrongAgesMs.map((ageMs) => nowMs - ageMs);
    for (const [address, one] of Object.entries(addresses)) {
      const lockedUntilMs = one.lockedForMs > 0 ? nowMs + one.lockedForMs : 0;
      this.#tries.set(address, { wrongAtMs: one.wrongAgesMs.map((ageMs) => nowMs - ageMs), lockedUntilMs });
    }
  }
}
