import type { CommandResponse } from "#model/authority.ts";
import type { CommandResult } from "#model/command.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Unit } from "#ports/unit.ts";
import { sha256Hex } from "../digest.ts";
import { WakeUp } from "../wake-up.ts";

/** Output that fits one message; more travels in pieces before the final answer. */
const inlineBytes = 49_152;
const pieceBytes = 32_768;
/** Messages on their way out; beyond it progress is dropped, results are not (they wait in the journal). */
const maxWaiting = 256;
const retryMs = 2_000;
const idleMs = 60_000;
const maxMessage = 1_000;

export interface ResponseSenderParts {
  readonly clock: Clock;
  readonly format: (response: CommandResponse) => Uint8Array;
  /** Settles with the broker's PUBACK. @throws GatewayError uplink.* */
  readonly publish: (payload: Uint8Array, signal: AbortSignal) => Promise<void>;
  /** The broker took the final answer. */
  readonly onReported: (id: string) => void;
  /** Ids whose results the NOC does not have yet; asked when a connection begins. */
  readonly unreported: () => readonly string[];
  readonly result: (id: string) => CommandResult | undefined;
}

/** Sends answers to commands in order. Results that could not be sent are sent again in the next session. */
export class ResponseSender implements Unit {
  readonly name = "responses";
  readonly #parts: ResponseSenderParts;
  readonly #wakeUp: WakeUp;
  readonly #waiting: CommandResponse[] = [];
  readonly #seq = new Map<string, number>();
  #dropped = 0;

  constructor(parts: ResponseSenderParts) {
    this.#parts = parts;
    this.#wakeUp = new WakeUp(parts.clock);
  }

  /** Progress messages that found no room. */
  get dropped(): number {
    return this.#dropped;
  }

  sessionBegan(): void {
    for (const id of this.#parts.unreported()) this.result(id);
    this.#wakeUp.wake();
  }

  /** Accepted, running, and what is said on the way. */
  say(id: string, message: Pick<CommandResponse, "st" | "pct" | "out">): void {
    this.#add({ v: 1, id, seq: this.#next(id), ...message });
  }

  /** The stored result, whole. Sent again when it is asked for again. */
  result(id: string): void {
    const result = this.#parts.result(id);
    // Whoever repeats an order a thousand times gets the answer once at a time: a long one must not be piled up.
    if (result === undefined || this.#waiting.some((one) => one.id === id && one.fin === true)) return;
    const error = result.error;
    const err =
      error === undefined
        ? {}
        : { err: { code: error.code.slice(0, 64), msg: error.message.slice(0, maxMessage), retryable: error.retryable } };
    const bytes = new TextEncoder().encode(JSON.stringify(result.output ?? null));
    const final = { v: 1, id, st: result.status, ...err, fin: true } as const;
    if (bytes.length <= inlineBytes) {
      this.#add({ ...final, seq: this.#next(id), ...(result.output === undefined ? {} : { out: result.output }) });
      return;
    }
    const sha256 = sha256Hex(bytes);
    for (let off = 0; off < bytes.length; off += pieceBytes) {
      const data = Buffer.from(bytes.subarray(off, off + pieceBytes)).toString("base64");
      this.#add({ v: 1, id, seq: this.#next(id), st: "running", part: { off, size: bytes.length, sha256, data } });
    }
    this.#add({ ...final, seq: this.#next(id), out: { blob: { sha256, size: bytes.length } } });
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", this.#wakeUp.wake, { once: true });
    try {
      while (!signal.aborted) {
        const [first] = this.#waiting;
        if (first === undefined) await this.#wakeUp.sleep(idleMs);
        else if (await this.#send(first, signal)) this.#sent(first);
        else await this.#wakeUp.sleep(retryMs);
      }
    } finally {
      signal.removeEventListener("abort", this.#wakeUp.wake);
    }
  }

  #sent(response: CommandResponse): void {
    // A piece of the same answer may have been added meanwhile; the first is still the first.
    if (this.#waiting[0] === response) this.#waiting.shift();
    if (response.fin !== true) return;
    this.#seq.delete(response.id);
    this.#parts.onReported(response.id);
  }

  #next(id: string): number {
    const seq = (this.#seq.get(id) ?? 0) + 1;
    this.#seq.set(id, seq);
    return seq;
  }

  #add(response: CommandResponse): void {
    const isResult = response.fin === true || response.part !== undefined;
    // Room for results is kept beside the room for progress: at most as many as the journal has of one session.
    if (this.#waiting.length >= maxWaiting && !isResult) {
      this.#dropped += 1;
      return;
    }
    if (this.#waiting.length >= 4 * maxWaiting) return;
    this.#waiting.push(response);
    this.#wakeUp.wake();
  }

  async #send(response: CommandResponse, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#parts.publish(this.#parts.format(response), signal);
      return true;
    } catch (error) {
      if (!signal.aborted && !isGatewayError(error)) throw error;
      return false;
    }
  }
}
