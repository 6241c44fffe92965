/**
 * Whose fault it is. `none`: nothing is wrong; `unknown`: something is, and what is known does not say whose.
 * `device`: one equipment; `lan`: the site's own network; `power`: the site's power; `gateway`: this box or its cable;
 * `line`: the access line up to the provider; `isp`: behind the line, in the provider's network; `dns`: names do not resolve;
 * `service`: one remote service; `noc`: everything but the NOC can be reached.
 */
export type FaultDomain = "none" | "device" | "lan" | "power" | "gateway" | "line" | "isp" | "dns" | "service" | "noc" | "unknown";

/** One finding for people and machines. */
export interface VerdictEvidence {
  /** In words: "192.168.1.1 (default gateway) answers, last 3 s ago". */
  readonly text: string;
  /** Whether it speaks for the verdict or limits it. */
  readonly weight: "for" | "against" | "missing";
}

/** What the site's outage is put down to, with the reasons. */
export interface Verdict {
  readonly domain: FaultDomain;
  /** Share of what would have to be known that is known, 0 to 1. */
  readonly confidence: number;
  /** One sentence. */
  readonly text: string;
  /** At most 12. */
  readonly evidence: readonly VerdictEvidence[];
  /** Equipment or check it is about, where there is one. */
  readonly subject?: string;
  /** Unix ms: since when this verdict holds. */
  readonly sinceMs: number;
}

/** What a check's target stands for, told by the verdict from route, resolver and address unless the check says so in `evidence.targetClass`. */
export type CheckTargetClass = "lan-gateway" | "lan" | "isp" | "public" | "dns" | "service" | "noc";
