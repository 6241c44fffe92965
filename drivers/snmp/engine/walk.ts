import { GatewayError } from "#model/errors.ts";
import type { Varbind, WalkLimits } from "#ports/snmp.ts";
import { pdu } from "./answer.ts";
import { tags } from "./ber.ts";
import type { Conversation } from "./conversation.ts";
import { errorStatus } from "./error-status.ts";
import { currentVarbind } from "./get.ts";
import { compareOids, encodeOid, hasPrefix } from "./oid.ts";
import { nullVarbind } from "./request.ts";
import { readVarbind, varbindSpan } from "./values.ts";

const firstRepetitions = 10;
const { noError, tooBig, noSuchName } = errorStatus;

export interface WalkedSoFar {
  readonly last: Uint8Array;
  readonly rows: number;
}

/** How one step of a walk ended. */
type StepEnd = "go-on" | "end" | "violation" | "error";

/**
 * All rows below a root. Each OID must come after the one before it, else the walk ends: an agent that repeats itself would keep a walker for
 * ever. Repetitions follow the size of the rows, so that an answer fills one message.
 */
export class Walk {
  readonly #conversation: Conversation;
  readonly #root: Uint8Array;
  /** Set for a root of a single arc: BER joins the first two arcs in one number, so such a root is no prefix of bytes. */
  readonly #onlyArc: number | undefined;
  readonly #limits: WalkLimits;
  readonly #signal: AbortSignal;
  #last: Uint8Array;
  #repetitions = firstRepetitions;
  #requests = 0;
  #rows = 0;
  /** The next step uses GETNEXT, because GETBULK failed there. */
  #single = false;

  /** @param from where another walk of this root left off, and how many rows it had */
  constructor(conversation: Conversation, root: string, limits: WalkLimits, signal: AbortSignal, from?: WalkedSoFar) {
    this.#conversation = conversation;
    this.#root = encodeOid(root);
    this.#onlyArc = /^\.?[012]$/.test(root) ? Number(root.replace(".", "")) : undefined;
    this.#last = from?.last ?? this.#root;
    this.#rows = from?.rows ?? 0;
    this.#limits = limits;
    this.#signal = signal;
  }

  async *batches(): AsyncGenerator<readonly Varbind[]> {
    await this.#conversation.ready(this.#signal);
    for (;;) {
      this.#checkLimits();
      const { batch, end } = await this.#step();
      const room = this.#limits.maxRows - this.#rows;
      this.#rows += batch.length;
      if (batch.length > 0) yield batch.length > room ? batch.slice(0, room) : batch;
      if (end === "violation") throw new GatewayError("driver.bad-answer", { message: "the agent's OIDs do not increase" });
      if (batch.length > room) throw limitReached("maxRows", this.#limits.maxRows);
      if (end === "end") return;
    }
  }

  #checkLimits(): void {
    if (this.#rows >= this.#limits.maxRows) throw limitReached("maxRows", this.#limits.maxRows);
    if (this.#requests >= this.#limits.maxRequests) throw limitReached("maxRequests", this.#limits.maxRequests);
    if (this.#conversation.nowMs() >= this.#limits.deadlineMs) throw limitReached("deadlineMs", this.#limits.deadlineMs);
  }

  async #step(): Promise<{ batch: readonly Varbind[]; end: StepEnd }> {
    const { learned } = this.#conversation.peer;
    const isBulk = learned.bulk && !this.#single;
    const repetitions = isBulk
      ? Math.min(this.#repetitions, learned.maxRepetitions, learned.maxCells, this.#limits.maxRows - this.#rows + 1)
      : 0;
    const type = isBulk ? tags.getBulk : tags.getNext;
    const spec = { type, nonRepeaters: 0, maxRepetitions: repetitions, varbinds: [nullVarbind(this.#last)] };
    const batch: Varbind[] = [];
    let end: StepEnd = "go-on";
    let errorStatus: number = noError;
    let averageBytes = 1;
    this.#requests += 1;
    try {
      await this.#conversation.ask({
        prepare: () => this.#conversation.peer.security.prepare(spec),
        read: (bytes) => {
          batch.length = 0;
          errorStatus = pdu.errorStatus;
          if (errorStatus !== noError) return true;
          end = this.#readBatch(bytes, batch);
          averageBytes = (pdu.varbindsEnd - pdu.varbindsStart) / Math.max(1, batch.length);
          return end !== "error";
        },
        signal: this.#signal,
        deadlineMs: this.#limits.deadlineMs,
      });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return this.#afterFailure(error, isBulk, repetitions);
    }
    if (errorStatus !== noError) return this.#afterError(errorStatus, isBulk, repetitions);
    this.#afterAnswer(isBulk, averageBytes);
    return { batch, end };
  }

  #readBatch(bytes: Uint8Array, batch: Varbind[]): StepEnd {
    const { counters } = this.#conversation.peer;
    let at = pdu.varbindsStart;
    let last = this.#last;
    let outcome: StepEnd = at === pdu.varbindsEnd ? "error" : "go-on";
    while (at < pdu.varbindsEnd) {
      if (!readVarbind(bytes, at, pdu.varbindsEnd)) return "error";
      const { nameStart, nameEnd, tag, end } = varbindSpan;
      at = end;
      // Behind the end only the form matters: nothing of a malformed answer is kept.
      if (outcome !== "go-on") continue;
      const isException = tag === tags.endOfMibView || tag === tags.noSuchObject || tag === tags.noSuchInstance;
      if (isException) outcome = "end";
      else if (compareOids(bytes, nameStart, nameEnd, last) <= 0) outcome = "violation";
      else if (!this.#isBelow(bytes, nameStart, nameEnd)) outcome = "end";
      else {
        last = bytes.subarray(nameStart, nameEnd);
        batch.push(currentVarbind(bytes, this.#conversation));
      }
    }
    if (outcome === "violation") counters.oidViolations += 1;
    if (outcome !== "error") this.#last = new Uint8Array(last);
    return outcome;
  }

  /** Strictly below: the root itself is not a row of its own subtree. */
  #isBelow(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#onlyArc !== undefined) return Math.min(2, Math.floor((bytes[start] ?? 0) / 40)) === this.#onlyArc;
    return end - start > this.#root.length && hasPrefix(bytes, start, end, this.#root);
  }

  #afterAnswer(isBulk: boolean, averageBytes: number): void {
    const { learned, security } = this.#conversation.peer;
    if (isBulk) learned.bulkProven = true;
    else if (this.#single && !learned.bulkProven) learned.giveUpBulk();
    this.#single = false;
    const fits = Math.floor((learned.walkBytes - security.overheadBytes) / averageBytes);
    // Grows in steps: one row of short values says little about the next.
    this.#repetitions = Math.max(1, Math.min(fits, this.#repetitions * 2));
  }

  #afterError(errorStatus: number, isBulk: boolean, repetitions: number): { batch: readonly Varbind[]; end: StepEnd } {
    const { learned } = this.#conversation.peer;
    if (errorStatus === noSuchName) return { batch: [], end: "end" };
    if (errorStatus === tooBig && isBulk && repetitions > 1) {
      this.#repetitions = repetitions >> 1;
      learned.shrinkRepetitions(repetitions);
    } else if (isBulk) this.#single = true;
    else {
      throw new GatewayError("driver.refused", { message: "the agent refused to go on with the walk", fields: { errorStatus } });
    }
    return { batch: [], end: "go-on" };
  }

  /** Silence or nonsense in answer to a GETBULK: some agents do not know it, some are too slow for many rows. */
  #afterFailure(error: GatewayError, isBulk: boolean, repetitions: number): { batch: readonly Varbind[]; end: StepEnd } {
    const { learned } = this.#conversation.peer;
    const isWorthwhile = error.code === "driver.timeout" || error.code === "driver.bad-answer";
    if (this.#rows > 0 && this.#conversation.nowMs() >= this.#limits.deadlineMs) throw limitReached("deadlineMs", this.#limits.deadlineMs);
    if (!isWorthwhile || !isBulk || this.#conversation.nowMs() >= this.#limits.deadlineMs) throw error;
    if (repetitions > 1 && learned.bulkProven) {
      this.#repetitions = Math.max(1, repetitions >> 2);
      learned.noteSlow(repetitions);
    } else this.#single = true;
    return { batch: [], end: "go-on" };
  }
}

export function limitReached(limit: string, value: number): GatewayError {
  return new GatewayError("driver.limit", { message: "the walk reached its limit", fields: { limit, value } });
}
