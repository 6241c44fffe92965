import type { CommandContext } from "../cli/context.ts";
import type { DemoCount } from "./ledger-report.ts";

const plain = new Intl.NumberFormat("en-US");
const quietEveryMs = 10_000;

/** One calm line that says how things stand: rewritten in place on a terminal, every ten seconds elsewhere. */
export class Progress {
  readonly #context: CommandContext;
  #open = false;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  say(text: string): void {
    this.#closeLine();
    this.#context.print(`${text}\n`);
  }

  update(state: { readonly delivered: number; readonly status: DemoCount["gateway"] | undefined; readonly elapsedMs: number }): void {
    const { delivered, status, elapsedMs } = state;
    const seconds = Math.floor(elapsedMs / 1_000);
    const time = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
    const counts =
      status === undefined
        ? "the gateway starts"
        : `polled ${plain.format(status.polled)} · at the NOC ${plain.format(delivered)} · buffered ${plain.format(status.buffered)} · dropped ${plain.format(status.dropped)} samples`;
    const line = `${time}  ${counts}`;
    if (this.#context.isTerminal) {
      this.#context.print(`\r\u001b[K${line.slice(0, this.#context.columns - 1)}`);
      this.#open = true;
    } else if (elapsedMs - this.#saidMs >= quietEveryMs) {
      this.#saidMs = elapsedMs;
      this.#context.print(`${line}\n`);
    }
  }

  #closeLine(): void {
    if (this.#open) this.#context.print("\n");
    this.#open = false;
  }
}
