import type { CheckResult, PerceivedSeverity } from "#model/observation.ts";
import type { AlarmIdentity } from "#ports/alarms.ts";
import type { WatchParts } from "./watch-parts.ts";

/** One lost answer is a lost answer; three in a row are a fault. */
const failuresToRaise = 3;
const successesToClear = 2;
const remembered = 5;
const maxWaitMs = 240_000;
const maxChecks = 2_000;
/** Days left of a certificate, mild to severe. Renewals are usually due a month before, automatic ones run at 30 days. */
const certificateSteps: readonly (readonly [number, PerceivedSeverity])[] = [
  [21, "warning"],
  [10, "minor"],
  [3, "major"],
  [0, "critical"],
];
const clockSteps: readonly (readonly [number, PerceivedSeverity])[] = [
  [-2_000, "warning"],
  [-30_000, "major"],
];

/** One check as it went last. */
export interface CheckFact {
  readonly check: string;
  readonly result: CheckResult;
  readonly failures: number;
  readonly successes: number;
  /** Failures among the last five runs, this one included: a lossy line fails now and then, not in a row. */
  readonly lately: readonly boolean[];
  /** Monotonic ms of the first of the failures, or of the first success. */
  readonly sinceMs: number;
}

/** What checks found: alarms after several failures in a row, certificates that run out, the clock against time servers. */
export class CheckWatch {
  readonly #parts: WatchParts;
  readonly #facts = new Map<string, CheckFact>();
  readonly #awaitsCause: () => boolean;
  /** Checks that failed often enough and whose alarm waits for its cause, since when. */
  readonly #waiting = new Map<string, number>();

  /** @param awaitsCause whether an outage is being judged that may explain the failures */
  constructor(parts: WatchParts, awaitsCause: () => boolean = () => false) {
    this.#parts = parts;
    this.#awaitsCause = awaitsCause;
  }

  facts(): readonly CheckFact[] {
    return [...this.#facts.values()];
  }

  observe(result: CheckResult): void {
    const before = this.#facts.get(result.check);
    // News come twice: from the run itself, and again through the intake.
    if (before?.result === result) return;
    if (before === undefined && this.#facts.size >= maxChecks) return;
    const sameAsBefore = before !== undefined && before.result.ok === result.ok;
    const fact: CheckFact = {
      ...{ check: result.check, result, sinceMs: sameAsBefore ? before.sinceMs : result.observedAt.monotonicMs },
      failures: result.ok ? 0 : (before?.failures ?? 0) + 1,
      successes: result.ok ? (before?.successes ?? 0) + 1 : 0,
      lately: [...(before?.lately ?? []), !result.ok].slice(-remembered),
    };
    this.#facts.set(result.check, fact);
    if (result.ok) this.#waiting.delete(result.check);
    this.#judge(fact, result.observedAt.monotonicMs);
    this.#certificate(result);
    this.#clock(result);
  }

  /** Alarms whose cause has its own alarm by now, or was waited for long enough. */
  tick(nowMs: number): void {
    for (const check of [...this.#waiting.keys()]) {
      const fact = this.#facts.get(check);
      if (fact !== undefined) this.#judge(fact, nowMs);
    }
  }

  #judge(fact: CheckFact, nowMs: number): void {
    const { check, result, failures, successes } = fact;
    const identity = identityOf(result, "checkFailed");
    if (result.ok && successes >= successesToClear) this.#parts.list.clear(identity, `check ${check} succeeds again`);
    if (result.ok || failures < failuresToRaise) return;
    const sinceMs = this.#waiting.get(check) ?? nowMs;
    if (this.#awaitsCause() && nowMs - sinceMs < maxWaitMs) {
      this.#waiting.set(check, sinceMs);
      return;
    }
    this.#waiting.delete(check);
    this.#raise(fact, identity);
  }

  #raise({ check, result }: CheckFact, identity: AlarmIdentity): void {
    const { list } = this.#parts;
    const why = result.failure?.text ?? textOf(result.evidence.error) ?? "it fails";
    list.set({
      ...identity,
      severity: "major",
      text: `check ${check}${result.target === undefined ? "" : ` (${result.target})`}: ${why}`,
      cause: "unavailable",
      source: { kind: "check", ref: check },
      attributes: {
        ...(result.target === undefined ? {} : { target: result.target }),
        ...(result.failure === undefined ? {} : { stage: result.failure.stage, code: result.failure.code }),
        vantage: result.vantage,
      },
    });
  }

  #certificate(result: CheckResult): void {
    const days = numberAt(result.evidence, "certificateDays") ?? certificateDays(result.evidence);
    if (days === undefined) return;
    const identity = identityOf(result, "certificateExpiry");
    const severity = worst(certificateSteps, days);
    if (severity === undefined) {
      this.#parts.list.clear(identity, `the certificate of ${result.target ?? result.check} was renewed`);
      return;
    }
    this.#parts.list.set({
      ...identity,
      severity,
      text: `the certificate of ${result.target ?? result.check} ${days < 0 ? "has expired" : `expires in ${Math.floor(days)} days`}`,
      repair: "Renew it, and see why it was not renewed by itself",
      source: { kind: "check", ref: result.check },
      attributes: result.target === undefined ? {} : { target: result.target },
    });
  }

  #clock(result: CheckResult): void {
    const offsetMs = numberAt(result.evidence, "offset") ?? numberAt(result.evidence, "offsetMs");
    if (result.type !== "ntp" || offsetMs === undefined) return;
    const identity: AlarmIdentity = { path: "clock", type: "clockWrong", qualifier: "" };
    const severity = worst(clockSteps, -Math.abs(offsetMs));
    if (severity === undefined) {
      this.#parts.list.clear(identity, "the gateway's clock is right again");
      return;
    }
    this.#parts.list.set({
      ...identity,
      severity,
      text: `the gateway's clock differs from ${result.target ?? "the time server"} by ${Math.round(Math.abs(offsetMs) / 100) / 10} s`,
      repair: "Check time synchronisation (NTP) of this gateway",
      source: { kind: "check", ref: result.check },
    });
  }
}

function identityOf({ check, equipment }: CheckResult, type: string): AlarmIdentity {
  return { ...(equipment === undefined ? {} : { equipment }), path: `check/${check}`, type, qualifier: "" };
}

/** The last step that is reached on the way down. */
function worst(steps: readonly (readonly [number, PerceivedSeverity])[], value: number): PerceivedSeverity | undefined {
  return steps.findLast(([limit]) => value <= limit)?.[1];
}

function numberAt(evidence: CheckResult["evidence"], name: string): number | undefined {
  const values = evidence.values;
  const inside = typeof values === "object" && values !== null && name in values ? (values as Record<string, unknown>)[name] : undefined;
  const found = inside ?? evidence[name];
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}

function certificateDays({ tls }: CheckResult["evidence"]): number | undefined {
  if (typeof tls !== "object" || tls === null || !("certificate" in tls)) return undefined;
  const { certificate } = tls;
  if (typeof certificate !== "object" || certificate === null || !("daysLeft" in certificate)) return undefined;
  return typeof certificate.daysLeft === "number" ? certificate.daysLeft : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
