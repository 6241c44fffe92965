import type { Entropy } from "#ports/entropy.ts";

/** The random word of the present session: said in hello, and repeated by every command. A recorded command is useless in the next session. */
export class SessionNonce {
  readonly #entropy: Entropy;
  #current: string | undefined;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  /** undefined before the first hello. */
  get current(): string | undefined {
    return this.#current;
  }

  /** For the hello of another session: 128 bits, base64url. */
  renew(): string {
    this.#current = Buffer.from(this.#entropy.bytes(16)).toString("base64url");
    return this.#current;
  }
}
