import type { Duplex } from "node:stream";
import { GatewayError } from "#model/errors.ts";

const maxLineBytes = 4_096;
const maxReplyLines = 100;

/** An SMTP reply: the code and the text of its lines, without the code. */
export interface SmtpReply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** Reads replies from a socket, one at a time. What the server sends is bounded per line and per reply. */
export class LineStream {
  readonly socket: Duplex;
  #buffered = Buffer.alloc(0);
  #failure: GatewayError | undefined;
  #wake: (() => void) | undefined;
  readonly #onData = (piece: Buffer) => {
    this.#buffered = Buffer.concat([this.#buffered, piece]);
    if (this.#buffered.length > maxLineBytes * maxReplyLines) this.fail(malformed("the mail server's answer does not end"));
    this.#wake?.();
  };
  readonly #onEnd = () => this.fail(new GatewayError("notify.unreachable", { message: "the mail server closed the connection" }));
  readonly #onError = (cause: Error) =>
    this.fail(new GatewayError("notify.unreachable", { message: "the connection to the mail server broke", cause }));

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
  }

  /** Ends every read, now and later. */
  fail(error: GatewayError): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  /**
   * Hands the socket over to TLS. What the server had already sent in clear text would be taken for its encrypted word: refused.
   * @throws GatewayError notify.tls
   */
  release(): Duplex {
    this.socket.off("data", this.#onData).off("end", this.#onEnd);
    if (this.#buffered.length > 0) throw new GatewayError("notify.tls", { message: "clear text after STARTTLS" });
    return this.socket;
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** @throws GatewayError notify.* */
  async reply(): Promise<SmtpReply> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.#line();
      const match = /^([2-5][0-9]{2})([ -]?)(.*)$/.exec(line);
      if (match === null || lines.length >= maxReplyLines) throw malformed("the mail server does not speak SMTP");
      lines.push(match[3] ?? "");
      if (match[2] !== "-") return { code: Number(match[1]), lines };
    }
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#buffered.indexOf(10);
      if (end > maxLineBytes || (end < 0 && this.#buffered.length > maxLineBytes)) throw malformed("the mail server's line is too long");
      if (end >= 0) {
        const line = this.#buffered.subarray(0, end).toString("latin1").replace(/\r$/, "");
        this.#buffered = this.#buffered.subarray(end + 1);
        return line;
      }
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

function malformed(message: string): GatewayError {
  return new GatewayError("notify.unavailable", { message });
}
