import type { IPublishPacket } from "mqtt";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { InboundMessage } from "#ports/uplink.ts";
import { parseTopic } from "../protocol/topics.ts";

/** Longest time one message may take to be staged. PUBACKs for our own messages wait behind it, so it stays far below their watchdog. */
export const stagingTimeoutMs = 5_000;
/** Messages left without PUBACK before the connection is replaced: half of what the broker may have in flight towards us. */
export const maxWithheld = 8;

export interface InboundOptions {
  readonly tenant: string;
  readonly gateway: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onMessage: (message: InboundMessage) => void | Promise<void>;
  /** Too many messages could not be staged. */
  readonly onStalled: () => void;
}

/**
 * Takes the NOC's messages one at a time, in order. `take` resolves true when the message may be PUBACKed: it was staged durably, or it is
 * none of ours. Never rejects: the receive pump of the library stops for good at the first throw.
 */
export class Inbound {
  readonly #options: InboundOptions;
  #staging: AbortController | undefined;
  #withheld = 0;
  /** Messages on topics that are none of ours. */
  foreign = 0;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  async take(packet: IPublishPacket): Promise<boolean> {
    const leaf = this.#leafOf(packet.topic);
    if (leaf === undefined) {
      this.foreign += 1;
      return true;
    }
    const payload = typeof packet.payload === "string" ? new TextEncoder().encode(packet.payload) : packet.payload;
    const staged = await this.#stage({ leaf, payload, retained: packet.retain });
    if (!staged) {
      this.#withheld += 1;
      if (this.#withheld >= maxWithheld) this.#options.onStalled();
    }
    return staged;
  }

  stop(): void {
    this.#staging?.abort(new Error("connection closed"));
  }

  #leafOf(topic: string): InboundMessage["leaf"] | undefined {
    const parsed = parseTopic(topic);
    if (parsed === undefined || parsed.tenant !== this.#options.tenant) return undefined;
    if (parsed.kind === "noc-state") return "noc-state";
    if (parsed.gateway !== this.#options.gateway) return undefined;
    const { leaf } = parsed;
    return leaf === "ack" || leaf === "des" || leaf === "cmd" || leaf === "blob" || leaf === "edq" ? leaf : undefined;
  }

  async #stage(message: InboundMessage): Promise<boolean> {
    const { clock, logger, onMessage } = this.#options;
    const finished = new AbortController();
    this.#staging = finished;
    const late = clock.sleep(stagingTimeoutMs, finished.signal).then(
      () => "late" as const,
      () => "late" as const,
    );
    const staging = Promise.resolve()
      .then(() => onMessage(message))
      .then(
        () => "staged" as const,
        (error: unknown) => {
          const code = isGatewayError(error) ? error.code : error instanceof Error ? error.name : "unknown";
          logger.error({ leaf: message.leaf, code }, "a message from the noc could not be staged");
          return "failed" as const;
        },
      );
    const outcome = await Promise.race([staging, late]);
    finished.abort(new Error("finished"));
    return outcome === "staged";
  }
}
