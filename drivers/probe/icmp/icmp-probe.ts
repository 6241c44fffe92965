import type { CheckDefinition } from "#model/check.ts";
import { isGatewayError } from "#model/errors.ts";
import { failed } from "../failure.ts";
import { type RoundTrips, summarise } from "../measured.ts";
import { runProgram } from "../program.ts";
import { resolveHost } from "../resolve.ts";
import { type ProbeRun, rounded } from "../run.ts";
import type { IcmpSettings } from "../settings/generated/icmp.ts";
import { sourceTowards } from "../vantage.ts";
import { type EchoRequest, fpingArguments, parseFping, parsePing, parseUnreachable, pingArguments } from "./echo-programs.ts";
import { signOfLifePorts, tcpRoundTrips } from "./tcp-round-trips.ts";

/** IPv4 header and ICMP header; IPv6's are 20 bytes more. */
const headerBytes = { 4: 28, 6: 48 } as const;
/** fping says 4 when a system call failed: mostly that it may not open its socket. */
const fpingSystemCallFailed = 4;
/** Room for the program's start and end within the run. */
const programMs = 250;

type Echo = { readonly method: "icmp (fping)" | "icmp (ping)" | "tcp"; readonly trips: RoundTrips; readonly unreachable?: string };

/** Echoes by fping where it is there and may, by ping otherwise, by TCP connections where neither is. The result says which. */
export async function probeIcmp(definition: CheckDefinition, run: ProbeRun): Promise<void> {
  const settings = definition.settings as unknown as IcmpSettings;
  const { address, family, tookMs } = await resolveHost(run, definition.target);
  run.evidence["address"] = address;
  if (tookMs > 0) run.values.set("resolve", tookMs);
  run.localAddress = run.source ?? (await sourceTowards(address));
  run.stage = "answer";
  const { packets, spacingMs, sizeBytes } = settings;
  const timeoutMs = Math.floor(run.leftMs() - (packets - 1) * spacingMs - programMs);
  if (timeoutMs < 1) throw failed("answer", "timeout", "looking the name up took so long that there was no time left for an echo");
  const echo = await echoes(run, { address, packets, spacingMs, sizeBytes, timeoutMs, source: run.source });
  if (echo.method !== "tcp")
    run.sent((2 * packets - missing(echo.trips)) * (sizeBytes + headerBytes[family]), 2 * packets - missing(echo.trips));
  judge(definition.target, settings, echo, run);
}

async function echoes(run: ProbeRun, request: EchoRequest): Promise<Echo> {
  const { programs } = run.world;
  const fping = await unlessMissing(runProgram(programs.fping, fpingArguments(request), run.signal));
  if (fping !== undefined && fping.exitCode < fpingSystemCallFailed) {
    const trips = parseFping(fping.stderr, request.address, request.packets);
    const unreachable = parseUnreachable(fping.stderr);
    if (trips !== undefined) {
      return {
        method: "icmp (fping)",
        trips,
        ...(unreachable === undefined ? {} : { unreachable: `${unreachable.said}, says ${unreachable.by}` }),
      };
    }
  }
  const ping = await unlessMissing(runProgram(programs.ping, pingArguments(request), run.signal));
  // 0: answers, 1: none; anything else is ping's own trouble.
  if (ping !== undefined && ping.exitCode <= 1) return { method: "icmp (ping)", trips: parsePing(ping.stdout, request.packets) };
  return { method: "tcp", trips: await tcpRoundTrips(run, request) };
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!isGatewayError(error) || error.code !== "driver.unsupported") throw error;
    return undefined;
  }
}

function judge(target: string, settings: IcmpSettings, echo: Echo, run: ProbeRun): void {
  const { trips, method, unreachable } = echo;
  const summary = summarise(trips);
  run.evidence["method"] = method;
  run.evidence["roundTripsMs"] = trips.map((trip) => trip ?? null);
  if (method === "tcp")
    run.evidence["note"] = `neither fping nor ping may send ICMP here; TCP connections to ports ${signOfLifePorts.join(", ")} instead`;
  if (unreachable !== undefined) run.evidence["unreachable"] = unreachable;
  run.values.set("loss", rounded(summary.lossPercent));
  if (summary.received === 0) {
    if (unreachable !== undefined) throw failed("answer", "unreachable", `${target} is not reachable: ${unreachable}`);
    throw failed(
      "answer",
      "timeout",
      `${target} answered none of ${trips.length} ${method === "tcp" ? "TCP connection attempts" : "echo requests"}`,
    );
  }
  run.values.set("latency", rounded(summary.meanMs));
  run.values.set("latencyMin", rounded(summary.minMs));
  run.values.set("latencyMax", rounded(summary.maxMs));
  if (!Number.isNaN(summary.jitterMs)) run.values.set("jitter", rounded(summary.jitterMs));
  for (const trip of trips) if (trip !== undefined) run.latenciesMs.push(trip);
  run.stage = "assertion";
  if (summary.lossPercent > settings.maxLossPercent)
    throw failed("assertion", "loss", `${rounded(summary.lossPercent)} % lost, more than ${settings.maxLossPercent} %`);
  if (settings.maxMs !== undefined && summary.meanMs > settings.maxMs)
    throw failed("assertion", "assertion", `the mean round trip took ${rounded(summary.meanMs)} ms, longer than ${settings.maxMs} ms`);
}

function missing(trips: RoundTrips): number {
  return trips.filter((trip) => trip === undefined).length;
}
