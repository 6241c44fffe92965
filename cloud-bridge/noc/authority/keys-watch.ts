import { isGatewayError } from "#model/errors.ts";
import type { Logger } from "#ports/logger.ts";
import type { Signer } from "./signer.ts";

/** Notices that the keys were rotated by somebody else: `noc signer rotate`, beside this process or the signer's. */
export class KeysWatch {
  readonly #keys: Signer;
  readonly #logger: Logger;
  readonly #onChange: () => void;
  #known: string;
  #isLooking = false;
  #isSilent = false;

  constructor(keys: Signer, logger: Logger, onChange: () => void) {
    this.#keys = keys;
    this.#logger = logger;
    this.#onChange = onChange;
    this.#known = keyOf(keys);
  }

  /** Asks without waiting for the answer; does nothing while it still waits for one. */
  look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#ask().finally(() => {
      this.#isLooking = false;
    });
  }

  /** Whoever rotated says it himself. */
  seen(): void {
    this.#known = keyOf(this.#keys);
  }

  async #ask(): Promise<void> {
    try {
      await this.#keys.refresh();
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (!this.#isSilent) this.#logger.warn({ code: error.code, reason: error.message }, "the signing keys cannot be asked");
      this.#isSilent = true;
      return;
    }
    if (this.#isSilent) this.#logger.info({}, "the signing keys can be asked again");
    this.#isSilent = false;
    if (keyOf(this.#keys) === this.#known) return;
    this.seen();
    this.#logger.info({ version: this.#keys.version, epoch: this.#keys.epoch }, "the signing keys were rotated");
    this.#onChange();
  }
}

function keyOf({ version, epoch }: Signer): string {
  return `${version} ${epoch}`;
}
