import type { CheckDefinition, CheckFailure } from "../../../runtime/model/check.ts";
import type { ProbeOutcome, Prober } from "../../../runtime/ports/checks.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";
import { ispAddress, publicAddress, type SiteNetwork } from "./site-network.ts";

export const saasHost = "app.example.com";
export const nocHost = "noc.example.net";
export const timeHost = "time.example.net";
const saasAddress = "203.0.113.80";

/** What is measured in one run. */
interface Run {
  readonly definition: CheckDefinition;
  readonly values: Map<string, number>;
  readonly evidence: Record<string, unknown>;
}

/**
 * Checks on virtual time: rules, metrics and settings are the real ones, the packets are the network's own word on how far they get. What an
 * outcome holds is what the real probes put there.
 */
export class SimProber implements Prober {
  readonly rules: Prober["rules"];
  readonly #real: Prober;
  readonly #network: SiteNetwork;
  readonly #clock: Clock;
  /** The gateway's clock minus the truth. */
  readonly #clockErrorMs: () => number;

  constructor(parts: { readonly real: Prober; readonly network: SiteNetwork; readonly clock: Clock; readonly clockErrorMs: () => number }) {
    this.#real = parts.real;
    this.rules = parts.real.rules;
    this.#network = parts.network;
    this.#clock = parts.clock;
    this.#clockErrorMs = parts.clockErrorMs;
  }

  metrics(definition: CheckDefinition): ReturnType<Prober["metrics"]> {
    return this.#real.metrics(definition);
  }

  async run(definition: CheckDefinition, signal: AbortSignal): Promise<ProbeOutcome> {
    const run: Run = { definition, values: new Map(), evidence: {} };
    const startedMs = this.#clock.monotonicMs();
    const failure = await this.#measure(run, signal);
    if (failure?.code === "timeout" || failure?.code === "name-server") {
      const leftMs = definition.timeoutMs - (this.#clock.monotonicMs() - startedMs);
      if (leftMs > 0) await this.#clock.sleep(leftMs, signal);
    }
    run.values.set("up", failure === undefined ? 1 : 0);
    const latency = run.values.get("latency");
    return {
      ok: failure === undefined,
      ...(failure === undefined ? {} : { failure }),
      vantage: "eth0 192.0.2.9",
      target: definition.target,
      values: run.values,
      latenciesMs: latency === undefined ? [] : [latency],
      traffic: { bytes: 500, packets: 6 },
      evidence: { ...run.evidence, values: Object.fromEntries(run.values) },
    };
  }

  async #measure(run: Run, signal: AbortSignal): Promise<CheckFailure | undefined> {
    const { type } = run.definition;
    if (type === "icmp") return this.#echo(run, signal);
    if (type === "dns") return this.#dns(run, signal);
    if (type === "ntp") return this.#ntp(run, signal);
    if (type === "http") return this.#http(run, signal);
    if (type === "tcp") return this.#tcp(run, signal);
    throw new Error(`no double for ${type} checks`);
  }

  async #echo({ definition, values, evidence }: Run, signal: AbortSignal): Promise<CheckFailure | undefined> {
    const { target } = definition;
    evidence["address"] = target;
    evidence["method"] = "icmp (fping)";
    const { packets, maxLossPercent, maxMs } = definition.settings as {
      readonly packets: number;
      readonly maxLossPercent: number;
      readonly maxMs?: number;
    };
    let lost = 0;
    for (let packet = 0; packet < packets; packet++) if (!this.#echoes(target)) lost += 1;
    values.set("loss", (lost / packets) * 100);
    if (lost === packets) return failure("answer", "timeout", `${target} answered none of ${packets} echo requests`);
    const ms = this.#delayTo(target);
    await this.#clock.sleep(ms, signal);
    for (const name of ["latency", "latencyMin", "latencyMax"]) values.set(name, ms);
    values.set("jitter", 1);
    const lossPercent = (lost / packets) * 100;
    if (lossPercent > maxLossPercent) return failure("assertion", "loss", `${lossPercent} % lost, more than ${maxLossPercent} %`);
    if (maxMs !== undefined && ms > maxMs)
      return failure("assertion", "assertion", `the mean round trip took ${ms} ms, longer than ${maxMs} ms`);
    return undefined;
  }

  #echoes(target: string): boolean {
    if (target !== ispAddress && target !== publicAddress) return this.#network.answering(target) !== undefined;
    return this.#network.wayOut() === "ok";
  }

  #delayTo(target: string): number {
    if (target !== ispAddress && target !== publicAddress) return 1;
    return (target === ispAddress ? 9 : 14) + this.#network.provider.extraDelayMs;
  }

  async #dns({ definition, values, evidence }: Run, signal: AbortSignal): Promise<CheckFailure | undefined> {
    const { names } = this.#network.provider;
    const settings = definition.settings as { readonly server?: string; readonly expect?: readonly string[] };
    evidence["server"] = `${settings.server ?? "192.0.2.1"} port 53`;
    const way = this.#network.wayOut();
    // The site's router forwards: it answers SERVFAIL when the provider's name servers do not answer it.
    if (way === "no-link" || way === "lan") return failure("answer", "timeout", "the name server did not answer");
    if (way !== "ok" || names === "silent") return failure("answer", "name-server", "the name server answered SERVFAIL");
    const ms = 12 + this.#network.provider.extraDelayMs;
    await this.#clock.sleep(ms, signal);
    values.set("latency", ms);
    values.set("answers", 1);
    const answered = names === "right" ? saasAddress : "198.51.100.66";
    evidence["records"] = [{ name: definition.target, ttlS: 60, value: answered }];
    if (settings.expect !== undefined && !settings.expect.includes(answered))
      return failure("assertion", "assertion", `the answer is ${answered}; expected ${settings.expect.join(", ")}`);
    return undefined;
  }

  async #ntp({ values, evidence }: Run, signal: AbortSignal): Promise<CheckFailure | undefined> {
    const unresolved = this.#resolve();
    if (unresolved !== undefined) return unresolved;
    if (this.#network.wayOut() !== "ok" || !this.#network.provider.timeServerIsUp)
      return failure("answer", "timeout", "the time server did not answer");
    await this.#clock.sleep(20, signal);
    evidence["stratum"] = 2;
    values.set("stratum", 2);
    values.set("offset", -this.#clockErrorMs());
    values.set("latency", 20);
    return undefined;
  }

  async #tcp({ definition, values, evidence }: Run, signal: AbortSignal): Promise<CheckFailure | undefined> {
    const unresolved = this.#resolve();
    if (unresolved !== undefined) return unresolved;
    evidence["address"] = "203.0.113.20";
    if (this.#network.wayOut() !== "ok") return failure("connect", "timeout", `${definition.target} did not answer`);
    if (!this.#network.provider.nocIsUp) return failure("connect", "refused", `${definition.target} refused the connection`);
    await this.#clock.sleep(30, signal);
    values.set("latency", 30);
    values.set("connect", 30);
    return undefined;
  }

  async #http({ definition, values, evidence }: Run, signal: AbortSignal): Promise<CheckFailure | undefined> {
    const { saas } = this.#network.provider;
    const unresolved = this.#resolve();
    if (unresolved !== undefined) return unresolved;
    // TCP repeats what gets lost, up to a point.
    if (this.#network.wayOut() !== "ok" && this.#network.wayOut() !== "ok")
      return failure("connect", "timeout", `${saasHost} port 443 did not answer`);
    evidence["address"] = this.#network.provider.names === "right" ? saasAddress : "198.51.100.66";
    if (this.#network.provider.names === "wrong") return failure("tls", "certificate", `the certificate is not for ${saasHost}`);
    if (!saas.isUp) return failure("connect", "refused", `${saasHost} port 443 refused the connection`);
    const certificate = { subject: saasHost, daysLeft: saas.certificateDays };
    evidence["tls"] = { protocol: "TLSv1.3", serverName: saasHost, certificate };
    values.set("certificateDays", saas.certificateDays);
    if (saas.certificateDays < 0) return failure("tls", "certificate", "the certificate has expired (CERT_HAS_EXPIRED)");
    if (saas.delayMs >= definition.timeoutMs)
      return failure("request", "timeout", `not done after ${definition.timeoutMs} ms: waiting for the answer`);
    await this.#clock.sleep(saas.delayMs, signal);
    const ms = saas.delayMs + 40 + this.#network.provider.extraDelayMs;
    for (const [name, value] of [
      ["latency", ms],
      ["firstByte", saas.delayMs],
      ["connect", 20],
      ["tls", 20],
      ["status", saas.status],
      ["bytes", 4_000],
    ] as const)
      values.set(name, value);
    const { expect } = definition.settings as { readonly expect?: { readonly maxMs?: number } };
    if (saas.status >= 400) return failure("assertion", "assertion", `the status is ${saas.status}`);
    if (expect?.maxMs !== undefined && ms > expect.maxMs)
      return failure("assertion", "assertion", `the answer took ${ms} ms, longer than ${expect.maxMs} ms`);
    return undefined;
  }

  /** The system's resolver asks the router, which asks the provider. */
  #resolve(): CheckFailure | undefined {
    const way = this.#network.wayOut();
    if (way === "ok" && this.#network.provider.names !== "silent") return undefined;
    // A lost packet is asked again.
    if (way === "lost" && this.#network.wayOut() === "ok") return undefined;
    return failure("resolve", "name-server", "the name could not be looked up: the name server does not answer");
  }
}

function failure(stage: CheckFailure["stage"], code: CheckFailure["code"], text: string): CheckFailure {
  return { stage, code, text };
}
