import type { CheckTargetClass } from "#model/verdict.ts";
import type { HostNetworkReading } from "#ports/host-network.ts";

/** One monitored equipment, as far as the verdict is concerned. */
export interface EquipmentFact {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly state: "up" | "failing";
  readonly sinceMs: number;
  /** Of one that is failing and answers all the same: what it does, as in `answers, but refuses the credential`. Absent = nothing is heard of it. */
  readonly complaint?: string | undefined;
  /** The next one on the way to the gateway; undefined = not known. */
  readonly parent: string | undefined;
  readonly deviceClass: string;
}

/** One check that has spoken. Neither ok nor failing: it failed once, which proves nothing. */
export interface CheckReading {
  readonly id: string;
  readonly name: string;
  readonly targetClass: CheckTargetClass;
  readonly host: string;
  readonly state: "ok" | "failing" | "doubtful";
  /** Where it failed: `resolve` speaks against the name servers, not against the host. */
  readonly stage: string | undefined;
  readonly why: string;
  readonly sinceMs: number;
  /** When it spoke last. */
  readonly atMs: number;
  /** For `path`: hops behind the router that answered. */
  readonly publicHops: number | undefined;
}

export interface UplinkFact {
  readonly state: "connected" | "down" | "none";
  /** Connected, and the NOC acknowledges. */
  readonly answered: boolean;
  readonly sinceMs: number;
  /** Last error in words, and its code. */
  readonly reason: string;
  readonly code: string;
}

/** Everything the verdict goes by. Times are monotonic milliseconds. */
export interface SiteFacts {
  readonly host: HostNetworkReading | undefined;
  readonly equipment: readonly EquipmentFact[];
  /** Further equipment that answers, and of which nothing else matters. */
  readonly othersUp?: number;
  readonly checks: readonly CheckReading[];
  readonly uplink: UplinkFact;
  /** A UPS runs on battery or is empty. */
  readonly isPowerOut: boolean;
  /** A port of a router or firewall that leads out of the site is down, in words. */
  readonly wanPortDown: string | undefined;
}
