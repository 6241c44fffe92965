import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { UnitStore } from "./unit-store.ts";

/** JSON text of what one unit remembers; longer is not kept. The flow host counts the same. */
export const maxContextBytes = 32 * 1024;
const maxAllBytes = 900_000;
const maxUnits = 600;
/** Written this often if it changed, and when the gateway stops: flash wears out. */
const saveEveryMs = 600_000;

/**
 * What flows remember (node, flow and global context), by unit, as the untrusted child tells it now and then. Kept here in memory, so that its death costs
 * half a minute of it; written to the state seldom, and when the gateway stops.
 */
export class ContextBook {
  readonly #store: UnitStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #texts: Map<string, string>;
  #saveAtMs: number;
  #isWritten = true;
  #refused = 0;

  constructor(store: UnitStore, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.#saveAtMs = clock.monotonicMs() + saveEveryMs;
    this.#texts = new Map(Object.entries(store.contexts()));
  }

  /** Units whose memory was too large to keep, counted each time. */
  get refused(): number {
    return this.#refused;
  }

  /** For the next child: text is JSON, unread here. */
  all(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#texts);
  }

  /** @param told by unit; "" = it remembers nothing @param isUnit whether there is such a unit */
  keep(told: Readonly<Record<string, unknown>>, isUnit: (unit: string) => boolean): void {
    for (const [unit, text] of Object.entries(told).slice(0, maxUnits)) {
      if (typeof text !== "string" || !isUnit(unit)) continue;
      if (text === "") this.forget(unit);
      else if (this.#hasRoomFor(unit, text)) this.#put(unit, text);
      else this.#refused += 1;
    }
  }

  /** It is gone, or begins anew. */
  forget(unit: string): void {
    if (this.#texts.delete(unit)) this.#isWritten = false;
  }

  /** Writes what is due. */
  look(): void {
    if (this.#clock.monotonicMs() >= this.#saveAtMs) this.save();
  }

  /** Durable, if there is anything new. A disk that does not take it now is asked again in its turn. */
  save(): void {
    this.#saveAtMs = this.#clock.monotonicMs() + saveEveryMs;
    if (this.#isWritten) return;
    try {
      this.#store.saveContexts(this.all());
      this.#isWritten = true;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#logger.warn({ code: error.code }, "what flows remember was not written; it is tried again");
    }
  }

  #put(unit: string, text: string): void {
    if (this.#texts.get(unit) === text) return;
    this.#texts.set(unit, text);
    this.#isWritten = false;
  }

  #hasRoomFor(unit: string, text: string): boolean {
    if (Buffer.byteLength(text) > maxContextBytes) return false;
    const others = [...this.#texts].reduce((sum, [name, known]) => sum + (name === unit ? 0 : known.length), 0);
    return others + text.length <= maxAllBytes && (this.#texts.has(unit) || this.#texts.size < maxUnits);
  }
}
