import type { Buffer } from "#ports/buffer.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { Notifier } from "#ports/notifier.ts";
import type { State } from "#ports/state.ts";
import { MailNotifier } from "../cloud-bridge/notify/mail-notifier.ts";
import { WebhookNotifier } from "../cloud-bridge/notify/webhook-notifier.ts";
import { InstanceIds } from "./alarms/identity.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import type { Link } from "./northbound/link.ts";
import { Notices } from "./northbound/second-path/notices.ts";
import { SecondPath, type SecondPathTarget } from "./northbound/second-path/second-path.ts";
import type { Platform } from "./parts-platform.ts";

/** Who is told while the NOC does not answer; undefined = the configuration names nobody. */
export function openSecondPath(
  configuration: Pick<GatewayConfiguration, "gateway" | "notify">,
  parts: {
    readonly buffer: Buffer;
    readonly state: State;
    readonly sink: EventSink;
    readonly link: Pick<Link, "status"> | undefined;
    /** For simulation: what is put around each notifier. */
    readonly around?: (notifier: Notifier) => Notifier;
  },
  platform: Platform,
): SecondPath | undefined {
  const around = parts.around ?? ((notifier: Notifier) => notifier);
  const targets = [...webhooks(configuration, platform), ...mail(configuration, platform)].map((target) => ({
    ...target,
    notifier: around(target.notifier),
  }));
  if (targets.length === 0) return undefined;
  const { buffer, state, sink, link } = parts;
  const nocAnswers = () => {
    const status = link?.status();
    return status?.state === "connected" && status.answered;
  };
  // Without an uplink there is nobody to wait for.
  const holdMs = link === undefined ? 0 : configuration.notify.holdMs;
  return new SecondPath({ targets, holdMs, nocAnswers, buffer, state, sink, ...platform });
}

/** What services may tell people by the same receivers; undefined = the configuration names nobody. */
export function openNotices(
  configuration: Pick<GatewayConfiguration, "gateway" | "notify">,
  parts: { readonly state: State; readonly sink: EventSink },
  platform: Platform,
): Notices | undefined {
  const targets = [...webhooks(configuration, platform), ...mail(configuration, platform)];
  const ids = new InstanceIds(platform.entropy);
  if (targets.length === 0) return undefined;
  return new Notices({ targets, nextId: () => ids.next(platform.clock.now().wallMs), ...parts, ...platform });
}

function webhooks({ gateway, notify }: Pick<GatewayConfiguration, "gateway" | "notify">, { clock }: Platform): readonly SecondPathTarget[] {
  return notify.webhooks.map(({ name, url, secret, ca, timeoutMs, minSeverity, maxPerHour }) => {
    const target = { url, secret: secret.reveal(), timeoutMs, ...(ca === undefined ? {} : { ca }) };
    return { notifier: new WebhookNotifier({ name, tenant: gateway.tenant, gateway: gateway.id, target, clock }), minSeverity, maxPerHour };
  });
}

function mail({ gateway, notify }: Pick<GatewayConfiguration, "gateway" | "notify">, { clock }: Platform): readonly SecondPathTarget[] {
  return notify.mail.map(({ name, host, port, security, username, password, ca, from, to, timeoutMs, minSeverity, maxPerHour }) => {
    const access = username === undefined || password === undefined ? {} : { username, password: password.reveal() };
    const server = {
      ...{ host, port: port ?? (security === "tls" ? 465 : 587), security, clientName: `${gateway.id}.gatehouse.invalid` },
      ...access,
      ...(ca === undefined ? {} : { ca }),
    };
    const place = { tenant: gateway.tenant, gateway: gateway.id, site: gateway.site };
    return { notifier: new MailNotifier({ name, place, envelope: { from, to }, server, timeoutMs, clock }), minSeverity, maxPerHour };
  });
}
