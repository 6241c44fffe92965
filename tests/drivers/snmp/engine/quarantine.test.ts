import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Quarantine } from "../../../../drivers/snmp/engine/table-quarantine.ts";
import { type PlainMessage, writeMessage } from "./plain-ber.ts";
import { cellsOf, columns, entry, expected, planOf, rows, SwitchSite } from "./switch-site.ts";

let site: SwitchSite;

beforeEach(async () => {
  site = await new SwitchSite().open();
});
afterEach(() => site.close());

const looping = columns[1] ?? 0;

/** Whatever is asked for in one column, the agent answers with its first instance. */
function loop(): void {
  const { agent } = site;
  agent.answering = (request) => {
    const answer: PlainMessage = agent.answer(request);
    const varbinds = answer.varbinds.map((varbind) =>
      varbind.oid.startsWith(`${entry}.${looping}.`) ? { ...varbind, oid: `${entry}.${looping}.${rows[0]}` } : varbind,
    );
    return [writeMessage({ ...answer, varbinds })];
  };
}

describe("a column whose OIDs go in circles", () => {
  it("is left out after few requests, named and counted, and costs the others no value", async () => {
    const plan = planOf();
    const { requests: usual } = await site.read(plan);
    loop();
    const found = await site.read(plan);
    expect(found.quarantined).toEqual([`${entry}.${looping}`]);
    expect(found.requests).toBeLessThan(usual * 4 + 20);
    expect(site.session.counters().quarantinedColumns).toBe(1);
    const left = expected(rows, (_, column) => column !== looping);
    for (let reads = 0; reads < 3; reads++) {
      const answer = await site.read(plan);
      expect(answer).toMatchObject({ complete: true, vanished: 0 });
      expect(answer.requests).toBeLessThanOrEqual(usual + 1);
      expect(cellsOf(plan, answer)).toEqual(left);
    }
  });
});

describe("quarantine", () => {
  it("begins at the third wrong OID of a read, ends after a quarter of an hour, and lasts twice as long the next time", () => {
    const quarantine = new Quarantine();
    const enter = (nowMs: number) => [1, 2, 3].map(() => quarantine.note(7, nowMs));
    expect(enter(0)).toEqual([false, false, true]);
    expect(quarantine.columns()).toEqual([7]);
    expect(quarantine.begin(899_999)).toBe(false);
    expect(quarantine.begin(900_000)).toBe(true);
    expect(quarantine.columns()).toEqual([]);
    expect(quarantine.begin(905_000)).toBe(false);
    enter(905_000);
    expect(quarantine.begin(905_000 + 1_799_999)).toBe(false);
    expect(quarantine.begin(905_000 + 1_800_000)).toBe(true);
  });

  it("forgets wrong OIDs of earlier reads: one now and then is no circle", () => {
    const quarantine = new Quarantine();
    for (let read = 0; read < 10; read++) {
      quarantine.begin(read);
      expect(quarantine.note(1, read)).toBe(false);
    }
  });
});
