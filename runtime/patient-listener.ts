import { type GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import type { ReceiverState } from "./alarms/watch/own-watch.ts";

/** Who still serves after this time has its port: a port that cannot be had is refused at once. */
const soundAfterMs = 2_000;
const tryAgainMs = 60_000;

export interface PatientListenerOptions {
  /** Name of the section in the configuration. */
  readonly section: ReceiverState["path"];
  /** `traps`, `syslog messages`. */
  readonly what: string;
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Who has a port, in words; undefined = not known. */
  readonly holderOf: (port: number) => Promise<string | undefined>;
}

/**
 * A receiver whose port may be taken by another program: that is told and tried again every minute, and the gateway goes on without. What it polls is worth more
 * than to end because nobody can send to it.
 */
export class PatientListener implements Unit {
  readonly name: string;
  readonly #listener: Unit;
  readonly #options: PatientListenerOptions;
  #state: ReceiverState["problem"] = "unknown";

  constructor(listener: Unit, options: PatientListenerOptions) {
    this.name = listener.name;
    this.#listener = listener;
    this.#options = options;
  }

  get state(): ReceiverState {
    return { path: this.#options.section, problem: this.#state };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#listen(signal);
        return;
      } catch (error) {
        if (signal.aborted || !isPortTrouble(error)) throw error;
        await this.#tell(error);
      }
      // Rejects only with the abort, which the loop's condition sees.
      await clock.sleep(tryAgainMs, signal).catch(() => undefined);
    }
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { clock, logger, what, port } = this.#options;
    const listening = this.#listener.run(signal);
    await Promise.race([listening, clock.sleep(soundAfterMs, signal).catch(() => undefined)]);
    if (!signal.aborted) {
      if (typeof this.#state === "object") logger.info({ port }, `${what} are received again`);
      this.#state = "none";
    }
    await listening;
  }

  async #tell(error: GatewayError): Promise<void> {
    const { logger, what, port, section, holderOf } = this.#options;
    const isNews = typeof this.#state !== "object";
    const holder = error.code === "host.port-in-use" ? ((await holderOf(port)) ?? "another program") : undefined;
    const why = holder === undefined ? error.message : `UDP port ${port} is taken by ${holder}`;
    const repair = holder === undefined ? `Mend that, or choose another ${section}.port` : `Stop it, or choose another ${section}.port`;
    this.#state = { text: `${what} are not received: ${why}`, repair: `${repair}; it is tried again every minute` };
    if (isNews) logger.warn({ code: error.code, port, ...(holder === undefined ? {} : { holder }) }, `${what} are not received: ${why}`);
  }
}

function isPortTrouble(error: unknown): error is GatewayError {
  return isGatewayError(error) && (error.code === "host.port-in-use" || error.code === "host.denied");
}
