import { Harness } from "../../northbound/harness.ts";

/** How a broker leaves 500 gateways, and how long it is away. */
interface Outage {
  readonly what: string;
  readonly awayMs: number;
  readonly isSent: boolean;
}

export interface CrowdRow {
  readonly what: string;
  /** Attempts and returns in the busiest second, of the whole fleet. */
  readonly peakAttempts: number;
  readonly peakReturns: number;
  readonly lastReturnS: number;
}

export const crowdSize = 500;
/** Of the fleet in any one second (catalogue C15). */
export const crowdLimit = 0.05;
const outages: readonly Outage[] = [
  { what: "broker restarts, away for a second", awayMs: 1_000, isSent: false },
  { what: "away for ten seconds", awayMs: 10_000, isSent: false },
  { what: "away for a minute", awayMs: 60_000, isSent: false },
  { what: "away for ten minutes", awayMs: 600_000, isSent: false },
  { what: "broker sends everybody away", awayMs: 1_000, isSent: true },
];

/** 500 links as they are shipped, each with its own dice, lose one broker together and return to it (virtual time). */
export async function crowd(): Promise<readonly CrowdRow[]> {
  const rows: CrowdRow[] = [];
  for (const outage of outages) {
    const attempts: number[] = [];
    const returns: number[] = [];
    for (let seed = 1; seed <= crowdSize; seed++) {
      const { tried, back } = await one(seed, outage);
      attempts.push(...tried);
      returns.push(back);
    }
    rows.push({ what: outage.what, peakAttempts: peak(attempts), peakReturns: peak(returns), lastReturnS: Math.max(...returns) / 1_000 });
  }
  return rows;
}

/** @returns ms after the broker went */
async function one(seed: number, outage: Outage): Promise<{ readonly tried: readonly number[]; readonly back: number }> {
  const harness = new Harness(seed * 7_919);
  harness.start();
  await harness.pass(120_000);
  const goneMs = harness.clock.monotonicMs();
  harness.uplink.reachable = false;
  harness.uplink.session?.close({
    reason: "broker gone",
    brokerInitiated: outage.isSent,
    byPeer: true,
    ...(outage.isSent ? { reasonCode: 0x8b } : {}),
  });
  await harness.pass(outage.awayMs);
  harness.uplink.restore();
  await harness.until(() => harness.link.status().state === "connected", 1_200_000, 1_000);
  const tried = harness.uplink.attemptsAtMs.filter((atMs) => atMs >= goneMs).map((atMs) => atMs - goneMs);
  await harness.stop();
  return { tried, back: tried.at(-1) ?? 0 };
}

/** Most of them within any one second. */
function peak(times: readonly number[]): number {
  const sorted = times.toSorted((one, other) => one - other);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while ((sorted[last] ?? 0) - (sorted[first] ?? 0) >= 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
