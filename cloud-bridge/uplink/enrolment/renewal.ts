import { X509Certificate } from "node:crypto";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { IdentityStore } from "#ports/identity.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";

/** Renewed when this part of its life is over: two thirds leave a month for a NOC that is away. */
const renewAtPart = 2 / 3;
const lookEveryMs = 3_600_000;
const retryMinMs = 60_000;

export interface RenewalOptions {
  readonly identity: IdentityStore;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}

/** Since when a certificate should be renewed, Unix ms. */
export function renewalDueMs(certificatePem: string): number {
  const certificate = new X509Certificate(certificatePem);
  const fromMs = Date.parse(certificate.validFrom);
  const toMs = Date.parse(certificate.validTo);
  return fromMs + (toMs - fromMs) * renewAtPart;
}

/**
 * Keeps the gateway's certificate fresh. An expired one is renewed, too: the key proves who asks, as long as nobody revoked it. A clock that
 * was never set cannot say that anything is due: then it waits, and a broker that refuses says the rest.
 */
export class CertificateRenewal implements Unit {
  readonly name = "certificate-renewal";
  readonly #options: RenewalOptions;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, entropy } = this.#options;
    while (!signal.aborted) {
      const isDone = await this.#renewIfDue();
      // Spread over the fleet: nobody renews on the stroke of the hour.
      const pauseMs = isDone ? lookEveryMs : retryMinMs + entropy.random() * lookEveryMs;
      await clock.sleep(pauseMs * (0.75 + entropy.random() / 2), signal).catch(() => undefined);
    }
  }

  /** False = it was due and did not succeed. */
  async #renewIfDue(): Promise<boolean> {
    const { identity, clock, logger } = this.#options;
    const [current, keys] = [identity.current(), identity.keys()];
    const now = clock.now();
    if (current === undefined || keys === undefined || now.quality === "unanchored") return true;
    if (now.wallMs < renewalDueMs(current.certificate)) return true;
    try {
      // Loaded when it is needed, a few times a year: the X.509 library costs megabytes.
      const { renew } = await import("./enrolment-client.ts");
      const door = { url: current.door, authority: current.authority };
      const renewed = await renew(door, current.gateway, keys.identity);
      identity.keep({ ...current, ...renewed });
      logger.info({ until: new X509Certificate(renewed.certificate).validTo }, "the gateway's certificate was renewed");
      return true;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      logger.warn({ code: error.code, reason: error.message }, "the gateway's certificate could not be renewed yet");
      return false;
    }
  }
}
