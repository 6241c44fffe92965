import type { Event } from "#model/observation.ts";
import type { Unit } from "#ports/unit.ts";
import { type Datagram, DatagramPort, type ReceiverCounters, type ReceiverOptions } from "./datagram-port.ts";
import { parseSyslog, type SyslogMessage } from "./syslog-message.ts";
import { builtInSyslogRules, perceivedSeverity, type RuleHit, type SyslogRule, SyslogRules } from "./syslog-rules.ts";

export interface SyslogReceiverOptions extends ReceiverOptions {
  /** Own rules; they come before the built-in ones. */
  readonly rules?: readonly SyslogRule[];
  /** Messages that no rule matches become events up to this syslog severity (0 emergency .. 7 debug; -1 none). Default 4, warning. */
  readonly unmatchedMaxSeverity?: number;
}

export interface SyslogCounters extends ReceiverCounters {
  /** Read, and left out by a rule or by their severity. */
  readonly filtered: number;
}

/** Receives syslog over UDP (RFC 5426), in RFC 5424's and RFC 3164's formats, and makes events of it. */
export class SyslogReceiver implements Unit {
  readonly name = "syslog";
  /** Resolves with the port once it is bound. */
  readonly listening: Promise<number>;
  readonly rules: SyslogRules;
  readonly #options: SyslogReceiverOptions;
  readonly #port: DatagramPort;
  readonly #unmatchedMaxSeverity: number;
  #filtered = 0;
  #announce: (port: number) => void = () => undefined;

  constructor(options: SyslogReceiverOptions) {
    this.#options = options;
    this.#unmatchedMaxSeverity = options.unmatchedMaxSeverity ?? 4;
    this.rules = new SyslogRules([...(options.rules ?? []), ...builtInSyslogRules]);
    for (const { rule, problem } of this.rules.problems) options.logger.warn({ rule, problem }, "syslog rule left out");
    this.#port = new DatagramPort("syslog", options, (datagram) => this.handle(datagram));
    this.listening = new Promise((resolve) => {
      this.#announce = resolve;
    });
  }

  get counters(): SyslogCounters {
    return { ...this.#port.counters, filtered: this.#filtered };
  }

  /** @throws GatewayError host.port-in-use | host.denied */
  async run(signal: AbortSignal): Promise<void> {
    await this.#port.serve(signal, (port) => {
      this.#options.logger.info({ port, rules: this.rules.size }, "listening for syslog");
      this.#announce(port);
    });
  }

  /** One datagram, without a socket. Never throws. */
  handle(datagram: Datagram): { readonly event?: Event } {
    const message = parseSyslog(datagram.bytes);
    const hit = this.rules.match(message);
    const wanted = hit === undefined ? message.severity <= this.#unmatchedMaxSeverity : hit.type !== undefined;
    if (!wanted) {
      this.#filtered += 1;
      return {};
    }
    return { event: this.#event(datagram, message, hit) };
  }

  #event({ address, port, equipment }: Datagram, message: SyslogMessage, hit: RuleHit | undefined): Event {
    const { text, severity, time, ...rest } = message;
    return {
      kind: "event",
      type: `syslog.${hit?.type ?? "message"}`,
      ...(equipment === undefined ? {} : { equipment }),
      source: "syslog",
      severity: hit?.severity ?? perceivedSeverity(severity),
      text: text === "" ? "(empty message)" : text,
      observedAt: this.#options.clock.now(),
      attributes: {
        sourceAddress: address,
        sourcePort: port,
        sourceKnown: equipment !== undefined,
        syslogSeverity: severity,
        ...rest,
        ...(time === undefined ? {} : { messageTime: time }),
        ...(hit === undefined ? {} : { rule: hit.rule, tags: hit.tags }),
      },
    };
  }
}
