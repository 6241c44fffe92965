import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inMs, unending } from "./conversing.ts";
import { writeMessage } from "./plain-ber.ts";
import { cellsOf, expected, planOf, SwitchSite } from "./switch-site.ts";
import { integer, type TableAgent } from "./table-agent.ts";

const sysUpTime = "1.3.6.1.2.1.1.3.0";
const lastChange = "1.3.6.1.2.1.31.1.5.0";
const oids = [sysUpTime, lastChange];

let site: SwitchSite;
let agent: TableAgent;

beforeEach(async () => {
  site = await new SwitchSite().open();
  agent = site.agent;
  agent.set({ [sysUpTime]: integer(4_242, 0x43), [lastChange]: integer(7, 0x43) });
});
afterEach(() => site.close());

const readOpened = (plan: ReturnType<typeof planOf>) => site.session.readTable(plan, inMs(5_000), unending, oids);

describe("objects asked for along with a table", () => {
  it("come with it, with their values and names, and cost no request", async () => {
    const plain = planOf();
    await site.read(plain);
    const { requests } = await site.read(plain);
    const plan = planOf();
    await readOpened(plan);
    const answer = await readOpened(plan);
    expect(answer.opening?.varbinds).toEqual([
      { oid: sysUpTime, type: "timeticks", value: 4_242 },
      { oid: lastChange, type: "timeticks", value: 7 },
    ]);
    expect(answer.requests).toBe(requests);
    expect(cellsOf(plan, answer)).toEqual(expected());
    expect(agent.requests.filter(({ type }) => type === 0xa0)).toEqual([]);
  });

  it("are left out when the agent lacks one of them, and the table is whole", async () => {
    agent.cells.delete(lastChange);
    const plan = planOf();
    const answer = await readOpened(plan);
    expect(answer.opening).toBeUndefined();
    expect(cellsOf(plan, answer)).toEqual(expected());
  });

  it("are not believed from an agent that repeats what is not to be repeated, whose table is whole and without a column less", async () => {
    agent.answering = (request) => {
      const { second, third, varbinds } = request;
      if (request.type !== 0xa5 || second < 2) return [writeMessage(agent.answer(request))];
      return [writeMessage(agent.answer({ ...request, second: 0, third: Math.min(third, 1_000), varbinds }))];
    };
    const plan = planOf();
    for (let read = 0; read < 4; read++) {
      const answer = await readOpened(plan);
      expect(cellsOf(plan, answer)).toEqual(expected());
      expect(answer.quarantined).toBeUndefined();
    }
  });

  it.each([
    ["tooBig", 1],
    ["genErr", 5],
  ])("that an agent answers with %s cost the table nothing, and what the agent takes is not thought less of", async (_name, status) => {
    agent.answering = (request) => {
      if (request.type !== 0xa5 || request.second < 2) return [writeMessage(agent.answer(request))];
      return [writeMessage({ ...request, type: 0xa2, second: status, third: 0 })];
    };
    const before = site.session.counters().maxRepetitions;
    const plan = planOf();
    const answer = await readOpened(plan);
    expect(answer.opening).toBeUndefined();
    expect(answer.complete).toBe(true);
    expect(cellsOf(plan, answer)).toEqual(expected());
    expect(site.session.counters().maxRepetitions).toBe(before);
  });

  it("come although the table is not as planned", async () => {
    const plan = planOf();
    await readOpened(plan);
    agent.cells.delete("1.3.6.1.2.1.2.2.1.16.130");
    const answer = await readOpened(plan);
    expect(answer.opening?.varbinds.map(({ value }) => value)).toEqual([4_242, 7]);
    expect(cellsOf(plan, answer)).toEqual(expected(undefined, (row, column) => !(column === 16 && row === "130")));
  });

  it("are asked of an agent that has died once, with what may be on its way beside them; nothing is asked again and nothing more begun", async () => {
    const plan = planOf();
    for (let read = 0; read < 30; read++) await readOpened(plan);
    agent.requests.length = 0;
    await readOpened(plan);
    const blocks = agent.requests.length;
    expect(blocks).toBeGreaterThan(1);
    agent.answering = () => undefined;
    agent.requests.length = 0;
    await expect(readOpened(plan)).rejects.toMatchObject({ code: "driver.timeout" });
    expect(agent.requests.filter(({ second }) => second >= oids.length)).toHaveLength(1);
    expect(agent.requests.length).toBeLessThanOrEqual(blocks);
  });

  it("are asked for again when something else of the read was answered", async () => {
    const plan = planOf();
    for (let read = 0; read < 30; read++) await readOpened(plan);
    let lost = 0;
    agent.answering = (request) => {
      if (request.second >= oids.length && lost++ === 0) return undefined;
      return [writeMessage(agent.answer(request))];
    };
    const answer = await readOpened(plan);
    expect(lost).toBe(2);
    expect(answer.opening?.varbinds.map(({ value }) => value)).toEqual([4_242, 7]);
    expect(cellsOf(plan, answer)).toEqual(expected());
  });

  it("are refused without a request where there is no GETBULK", async () => {
    site.reopen("1");
    await expect(readOpened(planOf())).rejects.toMatchObject({ code: "driver.unsupported" });
    expect(agent.requests).toEqual([]);
  });
});
