import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TablePlan } from "../../../../runtime/ports/snmp.ts";
import { clock, inMs, unending } from "./conversing.ts";
import { readMessage, writeMessage } from "./plain-ber.ts";
import { cellsOf, columns, entry, expected, planOf, rows, SwitchSite } from "./switch-site.ts";
import { integer, type TableAgent } from "./table-agent.ts";

let site: SwitchSite;
let agent: TableAgent;

beforeEach(async () => {
  site = await new SwitchSite().open();
  agent = site.agent;
});
afterEach(() => site.close());

/** A read never ends by its deadline here, however busy the machine is. */
const read = (plan: TablePlan) => site.read(plan, inMs(60_000));

describe("requests at once", () => {
  /** The most requests that were on their way at the same time; answers come after `ms`. */
  async function crowd(ms: number, bears: number): Promise<() => number> {
    let waiting = 0;
    let most = 0;
    agent.socket.removeAllListeners("message");
    agent.socket.on("message", (bytes, from) => {
      if (waiting >= bears) return;
      waiting += 1;
      most = Math.max(most, waiting);
      const answer = writeMessage(agent.answer(readMessage(bytes)));
      void clock.sleep(ms, unending).then(() => {
        waiting -= 1;
        agent.socket.send(answer, from.port, from.address);
      });
    });
    return () => {
      const seen = most;
      most = 0;
      return seen;
    };
  }

  // How many there are is told by numbers alone in growth.test.ts: here a busy machine may lose any of them.
  it.each([
    { ms: 5, atMost: 16, agents: "sixteen for an agent that answers within milliseconds" },
    { ms: 80, atMost: 4, agents: "four for an agent that takes its time" },
  ])("are never more than $agents, and lose no value", async ({ ms, atMost }) => {
    agent.maxBytes = 484;
    const most = await crowd(ms, 100);
    const plan = planOf();
    for (let reads = 0; reads < 7; reads++) expect(cellsOf(plan, await read(plan))).toEqual(expected());
    expect(most()).toBeLessThanOrEqual(atMost);
  });

  it("lose no value with an agent that loses the second", async () => {
    agent.maxBytes = 484;
    await crowd(5, 1);
    const plan = planOf();
    for (let reads = 0; reads < 8; reads++) expect(cellsOf(plan, await read(plan))).toEqual(expected());
  });

  it("that meet holes, cuts and new rows while others are on their way lose no value", async () => {
    agent.maxBytes = 700;
    await crowd(2, 100);
    const plan = planOf();
    for (let reads = 0; reads < 6; reads++) await read(plan);
    const isThere = (row: string, column: number) => Number(row) % 7 !== 3 || column === 5;
    for (const row of rows) for (const column of columns) if (!isThere(row, column)) agent.cells.delete(`${entry}.${column}.${row}`);
    for (const column of columns) agent.cells.set(`${entry}.${column}.131.5`, integer(9, 0x41));
    agent.maxBytes = 400;
    const answer = await read(plan);
    expect(answer).toMatchObject({ complete: true, changed: true });
    expect(cellsOf(plan, answer)).toEqual(expected(rows, isThere));
    expect(cellsOf(plan, await read(plan))).toEqual(expected(rows, isThere));
  });
});
