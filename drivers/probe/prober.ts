import type { CheckDefinition, CheckFailure, CheckType } from "#model/check.ts";
import { isGatewayError } from "#model/errors.ts";
import type { ProbeOutcome, Prober } from "#ports/checks.ts";
import { probeDns } from "./dns/dns-probe.ts";
import { failureOf } from "./failure.ts";
import { probeHttp } from "./http/http-probe.ts";
import { probeIcmp } from "./icmp/icmp-probe.ts";
import { metricsOf } from "./metrics.ts";
import { probeNtp } from "./ntp/ntp-probe.ts";
import { probePath } from "./path/path-probe.ts";
import { probeRules } from "./rules.ts";
import { orEnd, type ProbePrograms, ProbeRun, type ProbeWorld } from "./run.ts";
import { probeTcp } from "./stream/tcp-probe.ts";
import { probeTls } from "./stream/tls-probe.ts";
import { probeUdp } from "./udp/udp-probe.ts";
import { sourceTowards, vantageOf } from "./vantage.ts";

type Probe = (definition: CheckDefinition, run: ProbeRun) => Promise<void>;

const probes: Readonly<Record<CheckType, Probe>> = {
  icmp: probeIcmp,
  tcp: probeTcp,
  tls: probeTls,
  http: probeHttp,
  dns: probeDns,
  ntp: probeNtp,
  udp: probeUdp,
  path: probePath,
};

const standardPrograms: ProbePrograms = { fping: "fping", ping: "ping", traceroute: "traceroute", tracepath: "tracepath" };
const maxEvidenceCharacters = 15_000;
/** A run that does not heed its signal is left behind after this much more. */
const graceMs = 500;

export interface ProberOptions extends Omit<ProbeWorld, "programs"> {
  readonly programs?: Partial<ProbePrograms>;
}

/** Sends the packets of every type of check. Holds nothing between runs. */
export function createProber(options: ProberOptions): Prober {
  const world: ProbeWorld = { ...options, programs: { ...standardPrograms, ...options.programs } };
  return { rules: probeRules, metrics: metricsOf, run: (definition, signal) => runProbe(world, definition, signal) };
}

async function runProbe(world: ProbeWorld, definition: CheckDefinition, signal: AbortSignal): Promise<ProbeOutcome> {
  signal.throwIfAborted();
  const { clock } = world;
  const { timeoutMs, vantage } = definition;
  const over = new AbortController();
  const ended = new AbortController();
  const run = new ProbeRun(world, {
    signal: AbortSignal.any([signal, over.signal]),
    deadlineMs: clock.monotonicMs() + timeoutMs,
    source: vantage,
  });
  const timer = clock.sleep(timeoutMs, ended.signal).then(
    () => over.abort(new Error("the time of this run is over")),
    () => undefined,
  );
  let failure: CheckFailure | undefined;
  try {
    await orEnd(AbortSignal.any([signal, late(world, timeoutMs, ended.signal)]), probes[definition.type](definition, run));
  } catch (error) {
    signal.throwIfAborted();
    if (isGatewayError(error)) {
      failure = failureOf(error);
      if (failure === undefined) throw error;
    } else if (!run.signal.aborted) throw error;
    else failure = timedOut(run, timeoutMs);
  } finally {
    ended.abort();
    // Whatever is still open belongs to nobody any more.
    over.abort(new Error("the run is over"));
    await timer;
  }
  // A connection that never came about has no address of its own; the way it would have taken has.
  if (run.localAddress === undefined && run.source === undefined && run.address !== undefined)
    run.localAddress = await sourceTowards(run.address);
  return outcomeOf(definition, run, failure);
}

/** Aborts some time after the run's own signal. */
function late(world: ProbeWorld, timeoutMs: number, ended: AbortSignal): AbortSignal {
  const controller = new AbortController();
  world.clock.sleep(timeoutMs + graceMs, ended).then(
    () => controller.abort(new Error("the run did not end")),
    () => undefined,
  );
  return controller.signal;
}

function timedOut(run: ProbeRun, timeoutMs: number): CheckFailure {
  const doing: Readonly<Record<typeof run.stage, string>> = {
    resolve: "looking the name up",
    connect: "connecting",
    tls: "the TLS handshake",
    request: "waiting for the answer",
    answer: "receiving the answer",
    assertion: "judging the answer",
  };
  return {
    stage: run.stage,
    code: run.stage === "resolve" ? "name-server" : "timeout",
    text: `not done after ${timeoutMs} ms: ${doing[run.stage]}`,
  };
}

function outcomeOf(definition: CheckDefinition, run: ProbeRun, failure: CheckFailure | undefined): ProbeOutcome {
  run.values.set("up", failure === undefined ? 1 : 0);
  return {
    ok: failure === undefined,
    ...(failure === undefined ? {} : { failure }),
    vantage: vantageOf(run.localAddress ?? run.source),
    target: shownTarget(definition),
    values: run.values,
    latenciesMs: run.latenciesMs,
    traffic: { bytes: Math.round(run.bytes), packets: Math.round(run.packets) },
    evidence: bounded({ ...run.evidence, values: Object.fromEntries(run.values) }),
  };
}

function shownTarget({ type, target }: CheckDefinition): string {
  if (type !== "http") return target;
  const url = URL.parse(target);
  return url === null ? "" : `${url.origin}${url.pathname}`;
}

function bounded(evidence: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (JSON.stringify(evidence).length <= maxEvidenceCharacters) return structuredClone(evidence);
  const { steps: _steps, hops: _hops, records: _records, tls: _tls, ...rest } = evidence;
  return structuredClone({ ...rest, omitted: "steps, hops, records and certificates: too long" });
}
