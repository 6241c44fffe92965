import type { Logger } from "#ports/logger.ts";

/** Seconds by which an engine's time may deviate (RFC 3414 2.2.3). */
const windowS = 150;

/**
 * snmpEngineBoots and snmpEngineTime of the agent, as it said last. RFC 3414 discards authentic messages that lie before the known time; an agent
 * that was reset to lower boots, or whose clock stands still, would be lost for ever. Here a message's freshness is shown by the two random ids
 * that it repeats from our request, so the agent's word is taken even when it goes backwards, and that is counted and logged.
 */
export class EngineTime {
  boots = 0;
  /** Times that authenticated boots or time were behind what was known. */
  regressions = 0;
  #timeS = 0;
  #atMs = 0;
  #isAuthenticated = false;
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  estimateS(nowMs: number): number {
    return Math.min(0x7fffffff, this.#timeS + Math.max(0, Math.floor((nowMs - this.#atMs) / 1000)));
  }

  learn(boots: number, timeS: number, nowMs: number, isAuthenticated: boolean): void {
    if (isAuthenticated && this.#isAuthenticated) {
      const isBehind = boots < this.boots || (boots === this.boots && timeS + windowS < this.estimateS(nowMs));
      if (isBehind) {
        this.regressions += 1;
        const level = this.regressions === 1 ? "warn" : "debug";
        this.#logger[level]({ knownBoots: this.boots, boots, knownTimeS: this.estimateS(nowMs), timeS }, "snmp engine went back in time");
      }
    }
    if (isAuthenticated) this.#isAuthenticated = true;
    this.boots = boots;
    this.#timeS = timeS;
    this.#atMs = nowMs;
  }
}
