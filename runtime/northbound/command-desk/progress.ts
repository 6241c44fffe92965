import type { OperationProgress } from "#ports/operations.ts";
import type { ResponseSender } from "./response-sender.ts";

const maxMessages = 64;
const maxMessageBytes = 16_384;

/** What an operation says while it runs, bounded. */
export class Progress implements OperationProgress {
  readonly #id: string;
  readonly #responses: Pick<ResponseSender, "say"> | undefined;
  #sent = 0;
  /** Messages that were too many or too long. */
  dropped = 0;

  constructor(id: string, responses: Pick<ResponseSender, "say"> | undefined) {
    this.#id = id;
    this.#responses = responses;
  }

  begin(): void {
    this.#responses?.say(this.#id, { st: "running" });
  }

  report(output: unknown, percent?: number): void {
    const text = JSON.stringify(output) ?? "null";
    if (this.#sent >= maxMessages || text.length > maxMessageBytes) {
      this.dropped += 1;
      return;
    }
    this.#sent += 1;
    const pct = percent === undefined ? {} : { pct: Math.min(100, Math.max(0, percent)) };
    this.#responses?.say(this.#id, { st: "running", ...pct, out: JSON.parse(text) as unknown });
  }
}
