import type { CheckDefinition, CheckType } from "#model/check.ts";
import type { Metric } from "#model/report.ts";
import type { CheckMetrics } from "#ports/checks.ts";
import { httpSettings } from "./http/steps.ts";

const gauge = (name: string, unit: string, scale = 1_000): Metric => Object.freeze({ name, kind: "gauge", unit, scale });
const ms = (name: string): Metric => gauge(name, "ms");

const up = gauge("up", "1", 1);
const loss = gauge("loss", "%");

const state: Readonly<Record<CheckType, readonly Metric[]>> = {
  icmp: [up, loss],
  tcp: [up],
  tls: [up, gauge("certificateDays", "d", 1)],
  http: [up, gauge("status", "1", 1), gauge("bytes", "By", 1), gauge("certificateDays", "d", 1)],
  dns: [up, gauge("answers", "{record}", 1)],
  ntp: [up, gauge("stratum", "1", 1)],
  udp: [
    ...[up, loss, gauge("lossOut", "%"), gauge("lossBack", "%"), gauge("duplicates", "{packet}", 1), gauge("reordered", "{packet}", 1)],
    ...[gauge("rFactor", "1"), gauge("mos", "1")],
  ],
  path: [up, gauge("hops", "{hop}", 1)],
};

const timing: Readonly<Record<CheckType, readonly Metric[]>> = {
  icmp: ["latency", "latencyMin", "latencyMax", "jitter", "resolve"].map(ms),
  tcp: ["latency", "resolve", "connect"].map(ms),
  tls: ["latency", "resolve", "connect", "tls"].map(ms),
  http: ["latency", "resolve", "connect", "tls", "firstByte", "transfer"].map(ms),
  dns: ["latency"].map(ms),
  ntp: ["latency", "offset", "resolve"].map(ms),
  udp: ["latency", "latencyMin", "latencyMax", "jitterOut", "jitterBack", "resolve"].map(ms),
  path: ["latency", "resolve"].map(ms),
};

/** Names of the numbers a check yields. Timing has a row for the whole run and one for each step of a transaction. */
export function metricsOf(definition: CheckDefinition): CheckMetrics {
  const steps = definition.type === "http" ? (httpSettings(definition).steps ?? []).map((step) => step.name) : [];
  return { state: state[definition.type], timing: timing[definition.type], rows: ["", ...steps] };
}
