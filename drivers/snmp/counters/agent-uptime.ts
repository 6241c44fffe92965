/** What one poll's first answer says about the agent's clocks; undefined = the agent does not have it. */
export interface UptimeReading {
  /** When the answer came in, monotonic milliseconds of the gateway. */
  readonly monotonicMs: number;
  /** sysUpTime.0, hundredths of a second, modulo 2^32 (497 days). */
  readonly sysUpTimeTicks?: number | undefined;
  /** snmpEngineTime.0, seconds; does not roll over after 497 days (RFC 3411). */
  readonly engineTimeS?: number | undefined;
  /** snmpEngineBoots.0; one more after each restart of the engine. */
  readonly engineBoots?: number | undefined;
  /** hrSystemUptime.0, hundredths of a second: the host's, not the agent's. */
  readonly hostUptimeTicks?: number | undefined;
}

/**
 * first: nothing to compare with; same: the agent ran on; rollover: it ran on and sysUpTime passed 2^32; restart: its counters
 * began anew; clock-step: sysUpTime moved in a way that is no restart (frozen, or set back by less than the gap).
 */
export type UptimeVerdict = "first" | "same" | "rollover" | "restart" | "clock-step";

export interface UptimeAssessment {
  readonly verdict: UptimeVerdict;
  /** Advance of the agent's own clock since the previous reading, milliseconds; NaN where it cannot be believed. */
  readonly agentElapsedMs: number;
}

const rollover = 2 ** 32;
/** Agents that update sysUpTime once a second, answers that waited in a queue. */
const slackMs = 1_500;
const relativeSlack = 0.05;

/** Tells agent restart and 497-day rollover apart (RFC 3418 sysUpTime, RFC 3411 engine time). Pure. */
export function assessUptime(previous: UptimeReading | undefined, current: UptimeReading): UptimeAssessment {
  if (previous === undefined) return { verdict: "first", agentElapsedMs: Number.NaN };
  const gapMs = current.monotonicMs - previous.monotonicMs;
  const engine = assessEngine(previous, current, gapMs);
  if (engine === "restarted") return { verdict: "restart", agentElapsedMs: Number.NaN };
  if (previous.sysUpTimeTicks === undefined || current.sysUpTimeTicks === undefined) {
    return { verdict: "same", agentElapsedMs: Number.NaN };
  }
  const advanceMs = (current.sysUpTimeTicks - previous.sysUpTimeTicks) * 10;
  if (advanceMs >= 0) return assessForward(advanceMs, current.sysUpTimeTicks * 10, gapMs, engine);
  const rolledMs = advanceMs + rollover * 10;
  // Passing 2^32 is believed only where uptime had to pass it by now: within two gaps (and slack) of the elapsed time.
  if (rolledMs <= 2 * gapMs + slackMs && nearlyEqual(rolledMs, gapMs)) return { verdict: "rollover", agentElapsedMs: rolledMs };
  if (engine === "ran-on") return { verdict: rolledMs <= 2 * gapMs + slackMs ? "rollover" : "clock-step", agentElapsedMs: Number.NaN };
  const youngerThanGap = current.sysUpTimeTicks * 10 < gapMs + slackMs;
  if (!youngerThanGap && -advanceMs <= gapMs) return { verdict: "clock-step", agentElapsedMs: Number.NaN };
  return { verdict: "restart", agentElapsedMs: Number.NaN };
}

function assessForward(advanceMs: number, uptimeMs: number, gapMs: number, engine: "unknown" | "ran-on"): UptimeAssessment {
  if (nearlyEqual(advanceMs, gapMs)) return { verdict: "same", agentElapsedMs: advanceMs };
  // Younger than the gap: it started after the previous reading, whatever its uptime was then (an agent that each poll ends is always about as old). A frozen
  // clock did not move at all.
  const tooYoung = uptimeMs < gapMs + slackMs;
  if (tooYoung && advanceMs > 0 && engine !== "ran-on") return { verdict: "restart", agentElapsedMs: Number.NaN };
  return { verdict: "clock-step", agentElapsedMs: Number.NaN };
}

/** What snmpEngineBoots and snmpEngineTime add: both are optional, and some agents keep boots at 0 for ever. */
function assessEngine(previous: UptimeReading, current: UptimeReading, gapMs: number): "unknown" | "ran-on" | "restarted" {
  if (previous.engineBoots !== undefined && current.engineBoots !== undefined && current.engineBoots !== previous.engineBoots) {
    return "restarted";
  }
  if (previous.engineTimeS === undefined || current.engineTimeS === undefined) return "unknown";
  const advanceMs = (current.engineTimeS - previous.engineTimeS) * 1000;
  return advanceMs > 0 && nearlyEqual(advanceMs, gapMs) ? "ran-on" : "unknown";
}

function nearlyEqual(aMs: number, bMs: number): boolean {
  return Math.abs(aMs - bMs) <= Math.max(slackMs, relativeSlack * Math.max(aMs, bMs));
}

/**
 * Seconds the device has been up: the greatest of what it says about itself, since sysUpTime rolls over and is the agent's only
 * (an snmpd restart is no reboot); a clock that claims over 30 years is not believed. NaN = unknown.
 */
export function deviceUptimeS(reading: UptimeReading): number {
  return greatestCredible(
    (reading.sysUpTimeTicks ?? Number.NaN) / 100,
    greatestCredible((reading.hostUptimeTicks ?? Number.NaN) / 100, reading.engineTimeS ?? Number.NaN),
  );
}

const longestCredibleS = 30 * 365 * 86_400;

function greatestCredible(oneS: number, otherS: number): number {
  const one = oneS >= 0 && oneS < longestCredibleS ? oneS : Number.NaN;
  const other = otherS >= 0 && otherS < longestCredibleS ? otherS : Number.NaN;
  // NaN is greater than nothing.
  return Number.isNaN(other) || one > other ? one : other;
}
