import type { CheckResult } from "#model/observation.ts";
import type { CheckTargetClass } from "#model/verdict.ts";
import type { HostNetworkReading } from "#ports/host-network.ts";
import type { CheckFact } from "../watch/check-watch.ts";
import type { CheckReading } from "./site-facts.ts";

const classes: ReadonlySet<string> = new Set<CheckTargetClass>(["lan-gateway", "lan", "isp", "public", "dns", "service", "noc"]);
/** Failures in a row that the verdict believes. */
const believedFailures = 2;

/** What a check's target stands for: what it says of itself, else by route, resolver and address. */
export function targetClassOf(result: CheckResult, host: HostNetworkReading | undefined, nocHost: string | undefined): CheckTargetClass {
  const said = result.evidence.targetClass;
  if (typeof said === "string" && classes.has(said)) return said as CheckTargetClass;
  if (result.type === "dns") return "dns";
  const name = hostOf(result.target ?? "");
  if (nocHost !== undefined && name === nocHost) return "noc";
  const address = isAddress(name) ? name : typeof result.evidence.address === "string" ? result.evidence.address : undefined;
  if (address !== undefined && address === host?.defaultRoute?.gateway) return "lan-gateway";
  if (address !== undefined && isPrivate(address)) return "lan";
  const isEcho = result.type === "icmp" || result.type === "path" || result.type === "udp";
  return isEcho || isAddress(name) ? "public" : "service";
}

export function readingOf(fact: CheckFact, host: HostNetworkReading | undefined, nocHost: string | undefined): CheckReading {
  const { result, sinceMs } = fact;
  return {
    id: fact.check,
    name: fact.check,
    targetClass: targetClassOf(result, host, nocHost),
    host: hostOf(result.target ?? ""),
    state: stateOf(fact),
    stage: result.failure?.stage,
    why: result.failure?.text ?? "",
    sinceMs,
    atMs: result.observedAt.monotonicMs,
    publicHops: result.type === "path" ? publicHops(result.evidence.hops) : undefined,
  };
}

function stateOf({ result, failures, lately }: CheckFact): CheckReading["state"] {
  const failed = lately.filter((one) => one).length;
  if (!result.ok) return failures >= believedFailures || failed > believedFailures ? "failing" : "doubtful";
  // It just succeeded; whether that lasts is not known where it failed so often lately.
  return failed > believedFailures ? "doubtful" : "ok";
}

/** Host of a target: a name, an address, `host:port` or a URL. */
export function hostOf(target: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(target)) return URL.canParse(target) ? new URL(target).hostname.replace(/^\[|\]$/g, "") : target;
  const match = /^\[([^\]]+)\]|^([^:]+)(?::\d+)?$/.exec(target);
  return (match?.[1] ?? match?.[2] ?? target).toLowerCase();
}

export function isAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || text.includes(":");
}

/** RFC 1918, loopback, link-local, CGNAT is the provider's; IPv6 ULA and link-local. */
export function isPrivate(address: string): boolean {
  return /^(10\.|127\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address) || /^(f[cd]|fe[89ab]|::1$)/i.test(address);
}

/** Hops behind the site that answered, as far as the path check tells. */
function publicHops(hops: unknown): number | undefined {
  if (!Array.isArray(hops)) return undefined;
  return hops.filter((hop) => {
    const address: unknown = typeof hop === "object" && hop !== null ? (hop as { address?: unknown }).address : hop;
    return typeof address === "string" && isAddress(address) && !isPrivate(address);
  }).length;
}
