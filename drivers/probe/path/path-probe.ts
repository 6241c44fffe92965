import type { CheckDefinition } from "#model/check.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import { failed } from "../failure.ts";
import { runProgram } from "../program.ts";
import { resolveHost } from "../resolve.ts";
import { type ProbeRun, rounded } from "../run.ts";
import type { PathSettings } from "../settings/generated/path.ts";
import { sourceTowards } from "../vantage.ts";
import { type Hop, parseFpingHop, parseTracepath, parseTraceroute, type Trace } from "./trace.ts";

/** Hops asked at the same time. */
export const hopsAtOnce = 4;
/** ICMP echo of 56 bytes and the error that quotes it. */
export const hopBytes = 168;
const fpingSystemCallFailed = 4;

/** The routers on the way, by traceroute, fping or tracepath, whichever this machine has. */
export async function probePath(definition: CheckDefinition, run: ProbeRun): Promise<void> {
  const settings = definition.settings as unknown as PathSettings;
  const { address, tookMs } = await resolveHost(run, definition.target);
  run.evidence["address"] = address;
  if (tookMs > 0) run.values.set("resolve", tookMs);
  run.localAddress = run.source ?? (await sourceTowards(address));
  run.stage = "answer";
  const trace =
    (await byFping(run, address, settings)) ?? (await byTraceroute(run, address, settings)) ?? (await byTracepath(run, address, settings));
  if (trace === undefined)
    throw new GatewayError("driver.unsupported", {
      message: "a path needs fping with the right to send ICMP, traceroute or tracepath; this machine has none of them",
    });
  judge(definition.target, settings, trace, run);
}

async function byFping(run: ProbeRun, address: string, { maxHops, hopTimeoutMs }: PathSettings): Promise<Trace | undefined> {
  const hops: Hop[] = [];
  const source = run.source === undefined ? [] : ["-S", run.source];
  for (let first = 1; first <= maxHops; first += hopsAtOnce) {
    const timeToLive = Array.from({ length: Math.min(hopsAtOnce, maxHops - first + 1) }, (_, index) => first + index);
    const answers = await Promise.all(
      timeToLive.map(async (hop) => {
        const args = ["-C", "1", "-r", "0", "-t", `${hopTimeoutMs}`, "-H", `${hop}`, ...source, address];
        const result = await unlessMissing(runProgram(run.world.programs.fping, args, run.signal));
        run.sent(hopBytes, 2);
        return result === undefined || result.exitCode >= fpingSystemCallFailed
          ? undefined
          : { hop, ...parseFpingHop(result.stderr, address) };
      }),
    );
    for (const answer of answers) {
      if (answer === undefined) return undefined;
      hops.push({ hop: answer.hop, address: answer.address, ms: answer.ms });
      if (answer.reached) return { method: "icmp (fping)", hops, reached: true, targetMs: answer.ms };
    }
    run.evidence["hops"] = hops;
  }
  return { method: "icmp (fping)", hops, reached: false, targetMs: null };
}

async function byTraceroute(run: ProbeRun, address: string, { maxHops, hopTimeoutMs }: PathSettings): Promise<Trace | undefined> {
  const source = run.source === undefined ? [] : ["-s", run.source];
  const args = ["-n", "-q", "1", "-w", `${Math.max(1, Math.ceil(hopTimeoutMs / 1_000))}`, "-m", `${maxHops}`, ...source, address];
  const result = await unlessMissing(runProgram(run.world.programs.traceroute, args, run.signal));
  if (result === undefined || result.exitCode !== 0) return undefined;
  return traceOf("traceroute", parseTraceroute(result.stdout, address), address, run);
}

async function byTracepath(run: ProbeRun, address: string, { maxHops }: PathSettings): Promise<Trace | undefined> {
  if (run.source !== undefined) return undefined;
  const result = await unlessMissing(runProgram(run.world.programs.tracepath, ["-n", "-m", `${maxHops}`, address], run.signal));
  if (result === undefined || result.exitCode !== 0) return undefined;
  return traceOf("tracepath", parseTracepath(result.stdout, address), address, run);
}

function traceOf(method: string, hops: readonly Hop[], address: string, run: ProbeRun): Trace {
  run.sent(hops.length * hopBytes, 2 * hops.length);
  const last = hops.find((hop) => hop.address === address);
  return { method, hops, reached: last !== undefined, targetMs: last?.ms ?? null };
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!isGatewayError(error) || error.code !== "driver.unsupported") throw error;
    return undefined;
  }
}

function judge(target: string, settings: PathSettings, trace: Trace, run: ProbeRun): void {
  const { hops, reached, method, targetMs } = trace;
  const lastAnswered = hops.findLast((hop) => hop.address !== null);
  Object.assign(run.evidence, { method, hops, reached });
  run.values.set("hops", lastAnswered?.hop ?? 0);
  if (targetMs !== null) {
    run.values.set("latency", rounded(targetMs));
    run.latenciesMs.push(targetMs);
  }
  if (settings.mustReach && !reached) {
    const where =
      lastAnswered === undefined
        ? "nobody on the way said anything"
        : `the last to answer was hop ${lastAnswered.hop}, ${lastAnswered.address}`;
    throw failed("answer", "unreachable", `${target} did not answer within ${settings.maxHops} hops; ${where}`);
  }
  run.stage = "assertion";
  const missing = (settings.through ?? []).filter((wanted) => !hops.some((hop) => hop.address === wanted));
  if (missing.length > 0) throw failed("assertion", "assertion", `the path does not pass ${missing.join(", ")}`);
}
