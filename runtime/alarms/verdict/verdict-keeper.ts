import type { FaultDomain, Verdict } from "#model/verdict.ts";
import type { AlarmCondition } from "#ports/alarms.ts";
import type { Clock } from "#ports/clock.ts";
import type { HostNetwork, HostNetworkReading } from "#ports/host-network.ts";
import type { AlarmList } from "../alarm-list.ts";
import type { SiteFacts } from "./site-facts.ts";
import { type Finding, verdictOf } from "./verdict.ts";

const readHostEveryMs = 10_000;
const judgeEveryMs = 2_000;
/** After a start nothing is known yet: what an earlier run found stays until polls and checks had their turns. */
const settleMs = 180_000;

interface DomainAlarm {
  readonly type: string;
  readonly severity: AlarmCondition["severity"];
  /** The verdict must hold so long. */
  readonly holdMs: number;
  readonly repair: string;
}

/** Domains that are an alarm of the site; devices and services have alarms of their own. */
export const domainAlarms: Readonly<Partial<Record<FaultDomain, DomainAlarm>>> = {
  gateway: {
    type: "gatewayIsolated",
    severity: "critical",
    holdMs: 15_000,
    repair: "Check the gateway's cable and the switch port it is in",
  },
  lan: { type: "lanDown", severity: "critical", holdMs: 60_000, repair: "Check the switch that the gateway is in, and its power" },
  line: { type: "accessLineDown", severity: "critical", holdMs: 30_000, repair: "Check modem and router; tell the provider" },
  isp: { type: "ispDown", severity: "critical", holdMs: 60_000, repair: "Tell the provider: the line is up" },
  // Longer than checks' usual interval: those by address must have had their turn before names are blamed.
  dns: { type: "dnsDown", severity: "major", holdMs: 75_000, repair: "Check the name servers of the site's DHCP and router" },
  noc: { type: "nocUnreachable", severity: "minor", holdMs: 120_000, repair: "Nothing at the site: the NOC looks after itself" },
};

export interface VerdictKeeperParts {
  readonly list: AlarmList;
  readonly clock: Clock;
  readonly network: HostNetwork | undefined;
  readonly facts: (host: HostNetworkReading | undefined) => SiteFacts;
  readonly nocHost: string | undefined;
}

/** Judges again and again, remembers since when, and makes the site's alarms of it. */
export class VerdictKeeper {
  readonly #parts: VerdictKeeperParts;
  #host: HostNetworkReading | undefined;
  #readMs = Number.NEGATIVE_INFINITY;
  #reading = false;
  #judgedMs = Number.NEGATIVE_INFINITY;
  #current: Verdict;
  #domainSinceMs: number;
  readonly #startedMs: number;

  constructor(parts: VerdictKeeperParts) {
    this.#parts = parts;
    const now = parts.clock.now();
    this.#domainSinceMs = now.monotonicMs;
    this.#startedMs = now.monotonicMs;
    this.#current = { domain: "none", confidence: 0, text: "not judged yet", evidence: [], sinceMs: now.wallMs };
  }

  /** This machine's own network as it was last read. */
  get host(): HostNetworkReading | undefined {
    return this.#host;
  }

  get current(): Verdict {
    return this.#current;
  }

  tick(nowMs: number): void {
    if (nowMs - this.#readMs >= readHostEveryMs && !this.#reading) void this.#readHost(nowMs);
    if (nowMs - this.#judgedMs < judgeEveryMs) return;
    this.#judgedMs = nowMs;
    const finding = verdictOf(this.#parts.facts(this.#host));
    this.#note(finding, nowMs);
    this.#tell(finding, nowMs);
  }

  /** As it is attached to an alarm. */
  attribute(): Readonly<Record<string, unknown>> | undefined {
    const { domain, text, confidence, evidence, subject } = this.#current;
    if (domain === "none") return undefined;
    return { domain, text, confidence, evidence: evidence.slice(0, 6), ...(subject === undefined ? {} : { subject }) };
  }

  #note(finding: Finding, nowMs: number): void {
    const isSame = finding.domain === this.#current.domain && finding.subject === this.#current.subject;
    if (!isSame) this.#domainSinceMs = nowMs;
    this.#current = { ...finding, sinceMs: isSame ? this.#current.sinceMs : this.#parts.clock.now().wallMs };
  }

  #tell(finding: Finding, nowMs: number): void {
    const { list, nocHost } = this.#parts;
    for (const [domain, alarm] of Object.entries(domainAlarms)) {
      const identity = { path: "", type: alarm.type, qualifier: "" };
      if (domain !== finding.domain) {
        if (nowMs - this.#startedMs >= settleMs && list.find(identity) !== undefined) list.clear(identity, `over: ${finding.text}`);
      } else if (nowMs - this.#domainSinceMs >= alarm.holdMs) {
        const { type, severity, repair } = alarm;
        const target = domain === "noc" && nocHost !== undefined ? { attributes: { target: nocHost } } : {};
        list.set({
          path: "",
          qualifier: "",
          type,
          severity,
          repair,
          text: finding.text,
          source: { kind: "gateway", ref: "verdict" },
          ...target,
        });
      }
    }
  }

  async #readHost(nowMs: number): Promise<void> {
    const { network } = this.#parts;
    this.#readMs = nowMs;
    if (network === undefined) return;
    this.#reading = true;
    try {
      this.#host = await network.read(new AbortController().signal);
    } finally {
      this.#reading = false;
    }
  }
}
