import { GatewayError } from "#model/errors.ts";
import type { ConnectorCounts, OutgoingRow } from "../store/outgoing.ts";
import { Connector, type ConnectorOptions, type ConnectorParts, type ConnectorStatus } from "./connector.ts";

/** One connector for people: what it does and what waits. */
export type ConnectorView = ConnectorStatus & ConnectorCounts;

/** All receivers of this NOC's end. */
export class Connectors {
  readonly #connectors: readonly Connector[];
  readonly #parts: ConnectorParts;

  constructor(options: readonly ConnectorOptions[], parts: ConnectorParts) {
    this.#connectors = options.map((one) => new Connector(one, parts));
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#connectors.map((connector) => connector.run(signal)));
  }

  async view(): Promise<readonly ConnectorView[]> {
    return Promise.all(
      this.#connectors.map(async (connector) => {
        const status = connector.status();
        return { ...status, ...(await this.#parts.store.counts(status.name)) };
      }),
    );
  }

  /** @throws GatewayError noc.invalid */
  async deadLetters(name: string, limit: number): Promise<readonly OutgoingRow[]> {
    return this.#parts.store.deadLetters(this.#nameOf(name), limit);
  }

  /** Dead letters wait again. @returns how many @throws GatewayError noc.invalid */
  async retry(name: string): Promise<number> {
    return this.#parts.store.revive(this.#nameOf(name), this.#parts.clock.now().wallMs);
  }

  #nameOf(name: string): string {
    if (this.#connectors.some((connector) => connector.status().name === name)) return name;
    throw new GatewayError("noc.invalid", { message: "no such connector" });
  }
}
