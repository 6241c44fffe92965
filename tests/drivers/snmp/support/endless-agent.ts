import { GatewayError } from "#model/errors.ts";
import type { SnmpSession, Varbind, WalkLimits } from "#ports/snmp.ts";
import { isBelow } from "../../../../drivers/snmp/oid.ts";
import { MemoryAgent } from "./memory-agent.ts";

/** An agent that never comes to the end of some tables: it makes rows up, other ones with each walk. What it is asked is counted as of an agent that is walked by GETBULK. */
export class EndlessAgent extends MemoryAgent {
  /** Of the tables that have no end. */
  endless: readonly string[] = ["1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"];
  /** Rows of one answer. */
  rowsAnAnswer = 20;
  /** More than one = packets are lost. */
  requestsAnAnswer = 1;
  /** Walks of tables without an end that were begun, by column. */
  readonly walks: string[] = [];

  constructor(from: MemoryAgent) {
    super();
    for (const [oid, { type, value }] of from.variables) this.set(oid, type, value);
  }

  override open(): SnmpSession {
    const session = super.open();
    return { ...session, walk: (root, limits, signal) => this.#walk(session, root, limits, signal) };
  }

  async *#walk(session: SnmpSession, root: string, limits: WalkLimits, signal: AbortSignal): AsyncGenerator<readonly Varbind[]> {
    if (!this.endless.some((entry) => isBelow(root, entry))) {
      yield* session.walk(root, limits, signal);
      return;
    }
    this.walks.push(root);
    const first = 1_000 * this.walks.length;
    let asked = 0;
    for (let row = 0; row < limits.maxRows; row += this.rowsAnAnswer) {
      if (asked >= limits.maxRequests) throw new GatewayError("driver.limit");
      if (this.latency !== undefined) {
        await this.latency.clock.sleep(this.latency.ms, signal);
        if (this.latency.clock.monotonicMs() >= limits.deadlineMs) throw new GatewayError("driver.limit");
      }
      signal.throwIfAborted();
      this.requests += this.requestsAnAnswer;
      asked += 1;
      const room = Math.min(this.rowsAnAnswer, limits.maxRows - row);
      yield Array.from({ length: room }, (_, place) => ({ oid: `${root}.${first + row + place}`, type: "integer" as const, value: 1 }));
    }
    throw new GatewayError("driver.limit");
  }
}
