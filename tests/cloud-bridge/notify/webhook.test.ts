import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { WebhookNotifier } from "../../../cloud-bridge/notify/webhook-notifier.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import { peer } from "../../peers.ts";
import { alarm, cleared } from "./alarms.ts";
import { localCertificate } from "./certificate.ts";
import { WebhookReceiver } from "./receiver.ts";

const secret = "a-key-that-nobody-guesses-1";
const clock = new SystemClock(() => true);
const never = new AbortController().signal;
const openssl = peer("openssl");
let receiver: WebhookReceiver | undefined;

afterEach(async () => {
  await receiver?.stop();
  receiver = undefined;
});

function notifierTo(
  url: string,
  more: { readonly ca?: string; readonly timeoutMs?: number; readonly secret?: string } = {},
): WebhookNotifier {
  const target = { url, secret, timeoutMs: 5_000, ...more };
  return new WebhookNotifier({ name: "ops", tenant: "acme", gateway: "gw-lisbon-01", target, clock });
}

async function failure(work: Promise<void>): Promise<GatewayError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof GatewayError)) throw new Error(`not a GatewayError: ${String(error)}`);
  return error;
}

describe("webhook", () => {
  it("posts a signed CloudEvent whose id is the alarm's instance and revision", async () => {
    receiver = await WebhookReceiver.start(secret);
    const raised = alarm("a");
    await notifierTo(receiver.url).notify(raised, never);
    await notifierTo(receiver.url).notify(cleared(raised), never);
    expect(receiver.badSignatures).toBe(0);
    expect(receiver.received.map(({ event }) => [event["type"], event["id"], event["alarmkey"], event["subject"]])).toEqual([
      ["io.gatehouse.alarm.raised.v1", `${raised.id}:1`, raised.key, "sw-1/interface/Gi1/0/24"],
      ["io.gatehouse.alarm.cleared.v1", `${raised.id}:2`, raised.key, "sw-1/interface/Gi1/0/24"],
    ]);
    expect(receiver.received[0]?.event).toMatchObject({
      ...{ specversion: "1.0", source: "/gatehouse/acme/gw/gw-lisbon-01", time: "2026-11-21T20:48:41.000Z", via: "gateway" },
      data: { k: "alarm", sev: "major", text: "Uplink Gi1/0/24 is down" },
    });
    expect(receiver.received[0]?.headers["content-type"]).toContain("application/cloudevents+json");
  });

  it("says the same id when the same change is sent again", async () => {
    receiver = await WebhookReceiver.start(secret);
    await notifierTo(receiver.url).notify(alarm("a"), never);
    await notifierTo(receiver.url).notify(alarm("a"), never);
    expect(receiver.duplicates).toBe(1);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);
  });

  it("is not believed by a receiver with another key", async () => {
    receiver = await WebhookReceiver.start("another-key-of-some-length");
    await notifierTo(receiver.url).notify(alarm("a"), never);
    expect(receiver.badSignatures).toBe(1);
  });

  it("does not follow a redirect", async () => {
    receiver = await WebhookReceiver.start(secret);
    receiver.answer = (response) => void response.writeHead(307, { location: "http://127.0.0.1:1/" }).end();
    expect((await failure(notifierTo(receiver.url).notify(alarm("a"), never))).code).toBe("notify.refused");
    expect(receiver.received).toHaveLength(1);
  });

  it("tells a busy receiver from one that refuses, and hears when to come back", async () => {
    receiver = await WebhookReceiver.start(secret);
    receiver.answer = (response) => void response.writeHead(503, { "retry-after": "120" }).end();
    const busy = await failure(notifierTo(receiver.url).notify(alarm("a"), never));
    expect({ code: busy.code, retryAfterMs: busy.fields["retryAfterMs"] }).toEqual({ code: "notify.unavailable", retryAfterMs: 120_000 });
    receiver.answer = (response) => void response.writeHead(403).end();
    expect((await failure(notifierTo(receiver.url).notify(alarm("a"), never))).code).toBe("notify.refused");
  });

  it("takes an answer that never ends for an answer, and lets go of it", async () => {
    receiver = await WebhookReceiver.start(secret);
    let stopped: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      stopped = resolve;
    });
    receiver.answer = (response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", more).on("close", stopped).on("error", stopped);
      more();
    };
    await notifierTo(receiver.url).notify(alarm("a"), never);
    await closed;
  });

  it("gives up on a receiver that says nothing, and at once when told to stop", async () => {
    receiver = await WebhookReceiver.start(secret);
    receiver.answer = () => undefined;
    expect((await failure(notifierTo(receiver.url, { timeoutMs: 200 }).notify(alarm("a"), never))).code).toBe("notify.unreachable");
    const stop = new AbortController();
    const sending = notifierTo(receiver.url).notify(alarm("a"), stop.signal);
    stop.abort(new Error("the gateway stops"));
    await expect(sending).rejects.toThrow("the gateway stops");
  });

  it("says that nobody listens", async () => {
    const one = await WebhookReceiver.start(secret);
    const { url } = one;
    await one.stop();
    expect((await failure(notifierTo(url).notify(alarm("a"), never))).code).toBe("notify.unreachable");
  });

  it.skipIf(!openssl.available)(`believes only the authority it was given ${openssl.reason}`, async () => {
    const tls = localCertificate();
    receiver = await WebhookReceiver.start(secret, tls);
    await notifierTo(receiver.url, { ca: tls.cert }).notify(alarm("a"), never);
    expect(receiver.received).toHaveLength(1);
    expect((await failure(notifierTo(receiver.url).notify(alarm("a"), never))).code).toBe("notify.tls");
    expect((await failure(notifierTo(receiver.url, { ca: localCertificate().cert }).notify(alarm("a"), never))).code).toBe("notify.tls");
    // The receiver is alive, it was the certificate.
    await new Promise<void>((resolve) => {
      const socket = connect(receiver?.port ?? 0, "127.0.0.1", () => {
        socket.destroy();
        resolve();
      });
    });
  });
});
