import type { AlarmChange } from "#model/observation.ts";

/** A way out beside the uplink: signed webhook, SMTP. */
export interface Notifier {
  /** Unique on the gateway; a connector of the same name at the NOC sends to the same receiver. */
  readonly name: string;
  readonly kind: "webhook" | "mail";
  /** Where it leads, for people and for telling whether two lead to the same place. Never a secret. */
  readonly address: string;
  /**
   * Resolves when the receiver took it. Called again with the same change it says the same (id and revision): at least once, told apart by
   * the receiver. @throws GatewayError notify.* when it was not delivered, or when that is not known
   */
  notify(change: AlarmChange, signal: AbortSignal): Promise<void>;
}
