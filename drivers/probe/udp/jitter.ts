import { mean } from "../measured.ts";

/** A datagram's departure and arrival; the two clocks need not agree, only run alike. Milliseconds. */
export interface Transit {
  readonly sentMs: number;
  readonly arrivedMs: number;
}

/** Differences that begin the estimate: RFC 3550 begins at zero, which would read low in streams of some dozen packets. */
const firstDifferences = 16;
const gain = 1 / 16;

/**
 * Interarrival jitter (RFC 3550 6.4.1 and A.8): J += (|D| - J) / 16 with D the difference of the transit times of neighbours in the order of
 * arrival. Departing from it, J begins with the mean of the first 16 differences. NaN with fewer than two packets.
 */
export function interarrivalJitter(transits: readonly Transit[]): number {
  const differences = transits.slice(1).map((transit, index) => {
    const before = transits[index];
    return before === undefined ? 0 : Math.abs(transit.arrivedMs - before.arrivedMs - (transit.sentMs - before.sentMs));
  });
  let jitter = mean(differences.slice(0, firstDifferences));
  for (const difference of differences.slice(firstDifferences)) jitter += (difference - jitter) * gain;
  return jitter;
}

/**
 * Burst ratio of a loss pattern (ITU-T G.107 3.5): mean length of the bursts seen over the mean length that the same loss would have at random,
 * 1 / (1 - p). 1 = random, more = bursty; never below 1 here. `lost` in order of sending.
 */
export function burstRatio(lost: readonly boolean[]): number {
  let bursts = 0;
  let losses = 0;
  for (const [index, isLost] of lost.entries()) {
    if (!isLost) continue;
    losses += 1;
    if (index === 0 || lost[index - 1] !== true) bursts += 1;
  }
  if (bursts === 0 || losses === lost.length) return 1;
  return Math.max(1, (losses / bursts) * (1 - losses / lost.length));
}
