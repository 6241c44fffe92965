import { isGatewayError } from "#model/errors.ts";
import { Secret } from "#model/secret.ts";
import type { SecretOpener } from "#ports/secret-opener.ts";
import type { DriverDescription } from "./config/driver-settings.ts";
import { type GatewayConfiguration, gatewaySchema, loadGatewayConfiguration } from "./config/gateway-configuration.ts";
import { sealedSecrets } from "./config/overlay.ts";
import { readSource } from "./config/source.ts";

export interface SiteConfigurationParts {
  /** gatehouse.yaml, the base of everything. */
  readonly file: string;
  readonly drivers: readonly DriverDescription[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absent: sealed secrets are refused. */
  readonly opener?: SecretOpener;
}

/** The site's own configuration file, and what becomes of it with documents laid over it. */
export class SiteConfiguration {
  readonly #parts: SiteConfigurationParts;

  constructor(parts: SiteConfigurationParts) {
    this.#parts = parts;
  }

  get file(): string {
    return this.#parts.file;
  }

  /** As written, not validated. @throws GatewayError config.* */
  own(): unknown {
    return readSource(this.#parts.file).value;
  }

  /** @throws GatewayError config.unreadable @throws ConfigurationError (config.invalid) with everything that is wrong */
  async load(overlays: readonly unknown[]): Promise<GatewayConfiguration> {
    const { file, drivers, environment } = this.#parts;
    return loadGatewayConfiguration(file, { drivers, environment, overlays, opened: await this.#opened(overlays) });
  }

  /** What cannot be opened is left out: the loader says where it stands. */
  async #opened(overlays: readonly unknown[]): Promise<ReadonlyMap<string, Secret>> {
    const opened = new Map<string, Secret>();
    const { opener } = this.#parts;
    if (opener === undefined) return opened;
    for (const sealed of overlays.flatMap((overlay) => sealedSecrets(overlay, gatewaySchema()))) {
      try {
        opened.set(sealed, new Secret(await opener.open(sealed)));
      } catch (error) {
        if (!isGatewayError(error)) throw error;
      }
    }
    return opened;
  }
}
