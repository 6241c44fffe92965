import { GatewayError } from "#model/errors.ts";
import type { AlarmChange } from "#model/observation.ts";
import type { Clock } from "#ports/clock.ts";
import type { Notifier } from "#ports/notifier.ts";
import { alarmMail, type MailEnvelope, type MailPlace } from "./smtp/message.ts";
import { type SmtpServer, sendMail } from "./smtp/smtp-client.ts";

export interface MailNotifierOptions {
  readonly name: string;
  readonly place: MailPlace;
  readonly envelope: MailEnvelope;
  readonly server: SmtpServer;
  /** One mail from connection to acceptance, milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** One mail per alarm change to the site's people, by the mail server that the customer names. */
export class MailNotifier implements Notifier {
  readonly name: string;
  readonly kind = "mail";
  readonly address: string;
  readonly #options: MailNotifierOptions;

  constructor(options: MailNotifierOptions) {
    this.name = options.name;
    this.address = `mailto:${[...options.envelope.to].sort().join(",")}`;
    this.#options = options;
  }

  async notify(change: AlarmChange, signal: AbortSignal): Promise<void> {
    const { clock, envelope, place, server, timeoutMs } = this.#options;
    signal.throwIfAborted();
    const stop = new AbortController();
    const abort = () => stop.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const late = new GatewayError("notify.unreachable", { message: "the mail server took too long", fields: { timeoutMs } });
    const deadline = clock.sleep(timeoutMs, stop.signal).then(
      () => stop.abort(late),
      () => undefined,
    );
    try {
      await sendMail(server, envelope, alarmMail(change, envelope, place, clock.now().wallMs), stop.signal);
    } finally {
      signal.removeEventListener("abort", abort);
      stop.abort(new Error("finished"));
      await deadline;
    }
  }
}
