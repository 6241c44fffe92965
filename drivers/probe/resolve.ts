import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { failed } from "./failure.ts";
import { orEnd, type ProbeRun } from "./run.ts";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
  /** 0 for a literal address. */
  readonly tookMs: number;
}

/** An estimate: the system's resolver may have answered from its own cache, or asked twice. */
const lookupTraffic = { bytes: 240, packets: 2 };

/** Looks a host up as this machine does (hosts file, name servers). @throws failed: resolve */
export async function resolveHost(run: ProbeRun, host: string): Promise<ResolvedAddress> {
  const literal = isIP(host);
  if (literal !== 0) run.address = host;
  if (literal !== 0) return { address: host, family: literal === 4 ? 4 : 6, tookMs: 0 };
  const before = run.stage;
  run.stage = "resolve";
  const startedMs = run.nowMs();
  run.sent(lookupTraffic.bytes, lookupTraffic.packets);
  const family = run.source === undefined ? 0 : isIP(run.source);
  try {
    const { address, family: found } = await orEnd(run.signal, lookup(host, { family }));
    run.stage = before;
    run.address = address;
    return { address, family: found === 6 ? 6 : 4, tookMs: run.since(startedMs) };
  } catch (error) {
    run.signal.throwIfAborted();
    throw resolverFailure(error, host);
  }
}

function resolverFailure(error: unknown, host: string): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOTFOUND" || code === "ENODATA") return failed("resolve", "no-such-name", `the name ${host} does not exist`, error);
  return failed("resolve", "name-server", `the name ${host} could not be looked up (${code === "" ? "unknown" : code})`, error);
}
