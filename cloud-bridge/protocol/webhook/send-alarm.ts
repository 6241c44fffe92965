import type { Clock } from "#ports/clock.ts";
import type { AlarmCloudEvent } from "./cloud-event.ts";
import { postWebhook, type WebhookTarget } from "./post.ts";
import { signedHeaders } from "./signature.ts";

/**
 * Sends one alarm change: CloudEvents in structured mode, signed. `webhook-id` is the event's id, the same on every repetition.
 * @throws GatewayError notify.*
 */
export function sendAlarmEvent(event: AlarmCloudEvent, target: WebhookTarget, clock: Clock, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify(event);
  const atS = Math.floor(clock.now().wallMs / 1_000);
  const signed = target.secret === undefined ? { "webhook-id": event.id } : signedHeaders(target.secret, event.id, atS, body);
  const headers = { ...signed, "content-type": "application/cloudevents+json; charset=utf-8" };
  return postWebhook(target, { headers, body }, clock, signal);
}
