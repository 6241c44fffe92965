import { describe, expect, it } from "vitest";
import { GatewayError } from "#model/errors.ts";
import type { DriverSession, SessionAccount } from "#ports/driver.ts";
import { renderTree } from "../../runtime/cli/render.ts";
import { Admission } from "../../runtime/southbound/admission.ts";
import { PolledEquipment } from "../../runtime/southbound/polled-equipment.ts";
import { equipmentStatus } from "../../runtime/status.ts";
import { Bench, equipment, type ManualClock } from "../drivers/snmp/support/fixtures.ts";
import { smallSwitch } from "../drivers/snmp/support/switch-agent.ts";
import { silentLogger } from "../sim/silent-logger.ts";

const forever = new AbortController().signal;
const ifTable = "IF-MIB:ifTable";

function polledOver(session: DriverSession, clock: ManualClock): PolledEquipment {
  const intake = { accept: async () => undefined, tap: () => () => undefined };
  const failed = (error: unknown): void => {
    throw error;
  };
  return new PolledEquipment(equipment(), session, {
    clock,
    logger: silentLogger,
    admission: new Admission({ intake, logger: silentLogger, onFailure: failed }),
  });
}

describe("the status of one equipment", () => {
  const { session, clock } = new Bench(smallSwitch());
  const account: SessionAccount = {
    upkeep: [{ what: "rows", times: 3, requests: 754, bytesOut: 60_000, bytesIn: 900_000, durationMs: 1_234.5, cpuMs: 22.6 }],
    troubles: [
      {
        table: ifTable,
        state: "set-aside",
        sinceMs: clock.monotonicMs() - 600_000,
        againAtMs: clock.monotonicMs() + 240_000,
        times: 5,
        code: "driver.bad-answer",
        reason: "the agent's OIDs do not increase",
      },
    ],
  };

  it("shows what surveys cost, and for each table in trouble since when, why, and when it is asked for again", () => {
    const polled = polledOver({ ...session, poll: session.poll, close: session.close, account: () => account }, clock);
    const status = equipmentStatus(polled, clock.monotonicMs());
    expect(status.cost).toMatchObject({ upkeep: account.upkeep });
    expect(status.troubles).toEqual([
      expect.objectContaining({ table: ifTable, state: "set-aside", sinceS: 600, againInS: 240, times: 5, code: "driver.bad-answer" }),
    ]);
    const lines = renderTree(status).split("\n");
    expect(lines).toContainEqual(expect.stringMatching(/^ +rows +3 +754 +60000 +900000 +1234\.5 +22\.6$/));
    expect(lines).toContain("troubles");
    expect(lines).toContainEqual(
      expect.stringMatching(/^ +IF-MIB:ifTable +set-aside +600 +240 +5 +driver\.bad-answer +the agent's OIDs do not increase$/),
    );
  });

  it("says nothing of upkeep and troubles where there are none, or the driver does not know of such", () => {
    const withoutAccount: DriverSession = { poll: session.poll, close: session.close };
    for (const one of [withoutAccount, { ...withoutAccount, account: () => ({ upkeep: [], troubles: [] }) }]) {
      const text = renderTree(equipmentStatus(polledOver(one, clock), clock.monotonicMs()));
      expect(text).not.toMatch(/upkeep|troubles/);
    }
  });
});

describe("the status of a switch of which a table fails", () => {
  it("says so from its first failure on, until it is read again", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    const polled = polledOver(bench.session, bench.clock);
    const statusAfter = async (polls: number): Promise<Readonly<Record<string, unknown>>> => {
      for (let poll = 0; poll < polls; poll++) {
        bench.clock.advance(60_000);
        await polled.serve(bench.clock.monotonicMs(), forever);
      }
      return equipmentStatus(polled, bench.clock.monotonicMs());
    };
    const healthy = await statusAfter(2);
    expect(healthy).not.toHaveProperty("troubles");
    expect(healthy.cost).toMatchObject({ upkeep: [{ what: "probing", times: 1 }, { what: "rows" }, { what: "inventory", times: 1 }] });
    agent.failing.set("1.3.6.1.2.1.2.2.1.7", new GatewayError("driver.bad-answer", { message: "not what was asked for" }));
    const reason = "not what was asked for";
    expect((await statusAfter(1)).troubles).toEqual([
      { table: ifTable, state: "failing", sinceS: 0, againInS: 0, times: 1, code: "driver.bad-answer", reason },
    ]);
    expect((await statusAfter(2)).troubles).toEqual([
      { table: ifTable, state: "set-aside", sinceS: 120, againInS: 120, times: 3, code: "driver.bad-answer", reason },
    ]);
    // What the readings cost that failed is told as the table's, but for the first.
    const costOf = ({ cost }: Readonly<Record<string, unknown>>) => JSON.stringify(cost);
    expect(costOf(await statusAfter(0))).toContain(`"table":"${ifTable}","requests":4`);
    agent.failing.clear();
    expect(await statusAfter(4)).not.toHaveProperty("troubles");
  });
});
