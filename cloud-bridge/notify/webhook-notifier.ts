import type { AlarmChange } from "#model/observation.ts";
import type { Clock } from "#ports/clock.ts";
import type { Notifier } from "#ports/notifier.ts";
import { elementText } from "../protocol/codec/observation-json.ts";
import { type AlarmElement, alarmCloudEvent } from "../protocol/webhook/cloud-event.ts";
import type { WebhookTarget } from "../protocol/webhook/post.ts";
import { sendAlarmEvent } from "../protocol/webhook/send-alarm.ts";

export interface WebhookNotifierOptions {
  readonly name: string;
  readonly tenant: string;
  readonly gateway: string;
  readonly target: WebhookTarget;
  readonly clock: Clock;
}

/** One receiver of signed webhooks: the same event that the NOC's end would send. */
export class WebhookNotifier implements Notifier {
  readonly name: string;
  readonly kind = "webhook";
  readonly address: string;
  readonly #options: WebhookNotifierOptions;

  constructor(options: WebhookNotifierOptions) {
    this.name = options.name;
    this.address = options.target.url;
    this.#options = options;
  }

  async notify(change: AlarmChange, signal: AbortSignal): Promise<void> {
    const { tenant, gateway, clock, target } = this.#options;
    // Our own text: it was made one line above.
    const element = JSON.parse(elementText(change)) as AlarmElement;
    const event = alarmCloudEvent(element, { tenant, gateway, via: "gateway", atMs: change.observedAt.wallMs });
    if (event === undefined) return;
    await sendAlarmEvent(event, target, clock, signal);
  }
}
