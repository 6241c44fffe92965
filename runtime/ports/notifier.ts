import type { AlarmChange } from "#model/observation.ts";

/** A way out beside the uplink: signed webhook, SMTP. @throws GatewayError uplink.* when not delivered */
export interface Notifier {
  readonly name: string;
  notify(change: AlarmChange, signal: AbortSignal): Promise<void>;
}
