import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TablePlan } from "../../../../runtime/ports/snmp.ts";
import { inMs } from "./conversing.ts";
import { type PlainMessage, writeMessage } from "./plain-ber.ts";
import { cellsOf, columns, entry, expected, planOf, rows, SwitchSite } from "./switch-site.ts";
import { integer, octets, type TableAgent } from "./table-agent.ts";

let site: SwitchSite;
let agent: TableAgent;

beforeEach(async () => {
  site = await new SwitchSite().open();
  agent = site.agent;
});
afterEach(() => site.close());

const read = (plan: TablePlan, deadlineMs?: number) => site.read(plan, deadlineMs);

/** GETBULK, GETNEXT, GET as they came. */
const typesOf = (requests: readonly PlainMessage[]) => new Set(requests.map(({ type }) => type));

/** Varbinds that a whole answer has. */
function askedFor({ type, second, third, varbinds }: PlainMessage): number {
  return type === 0xa5 ? second + third * (varbinds.length - second) : varbinds.length;
}

describe("a table that is as planned", () => {
  it("comes whole, without a value too many", async () => {
    const plan = planOf();
    const answer = await read(plan);
    expect(cellsOf(plan, answer)).toEqual(expected());
    expect(answer).toMatchObject({ vanished: 0, changed: false, complete: true, unfit: 0 });
    const answered = agent.requests.reduce((sum, request) => sum + agent.answer(request).varbinds.length, 0);
    // One more than there are cells: what follows the last row.
    expect(answered).toBe(rows.length * columns.length + 1);
  });

  it("takes no more requests when read again, and holds the newest values", async () => {
    const plan = planOf();
    const first = await read(plan);
    agent.cells.set(`${entry}.10.125`, integer(7, 0x41));
    const second = await read(plan);
    expect(second.requests).toBeLessThanOrEqual(first.requests);
    expect(second.columns[2]?.value[5]).toBe(7n);
  });

  it("is read with GETNEXT by v1, whole", async () => {
    site.reopen("1");
    const plan = planOf();
    expect(cellsOf(plan, await read(plan))).toEqual(expected());
    expect(typesOf(agent.requests)).toEqual(new Set([0xa1]));
  });

  it("of scalars is read with one GET", async () => {
    agent.set({ "1.3.6.1.2.1.1.3.0": integer(4242, 0x43), "1.3.6.1.2.1.1.5.0": octets("core-1") });
    const scalars: TablePlan = {
      table: "system",
      rows: ["0"],
      columns: [
        { oid: "1.3.6.1.2.1.1.3", as: "number" },
        { oid: "1.3.6.1.2.1.1.5", as: "text" },
        { oid: "1.3.6.1.2.1.1.9", as: "text" },
      ],
    };
    const answer = await read(scalars);
    expect(answer.columns.map(({ present, value }) => (present[0] === 1 ? value[0] : undefined))).toEqual([4242, "core-1", undefined]);
    expect(typesOf(agent.requests)).toEqual(new Set([0xa0]));
  });
});

describe("a table that is not as planned", () => {
  it("leaves holes empty and learns them", async () => {
    const isThere = (row: string, column: number) => !(column === 16 && Number(row) % 3 === 0) && !(column === 20 && row === "120");
    for (const row of rows) for (const column of columns) if (!isThere(row, column)) agent.cells.delete(`${entry}.${column}.${row}`);
    const plan = planOf();
    expect(cellsOf(plan, await read(plan))).toEqual(expected(rows, isThere));
    const again = await read(plan);
    expect(cellsOf(plan, again)).toEqual(expected(rows, isThere));
    expect(again).toMatchObject({ vanished: 0, changed: false, complete: true });
  });

  it("fills a hole as soon as the agent does", async () => {
    const late = `${entry}.16.130`;
    const cell = agent.cells.get(late);
    agent.cells.delete(late);
    const plan = planOf();
    await read(plan);
    await read(plan);
    if (cell !== undefined) agent.cells.set(late, cell);
    expect(cellsOf(plan, await read(plan))).toEqual(expected());
  });

  it("counts rows that vanished", async () => {
    const plan = planOf();
    await read(plan);
    for (const column of columns) for (const row of ["121", "140"]) agent.cells.delete(`${entry}.${column}.${row}`);
    const answer = await read(plan);
    expect(answer).toMatchObject({ vanished: 2, changed: false, complete: true });
    expect(cellsOf(plan, answer)).toEqual(expected(rows, (row) => row !== "121" && row !== "140"));
  });

  it.each(["100", "130.1", "999"])("notices a new row %s, whether before, between or behind, and reads the planned ones", async (row) => {
    const plan = planOf();
    await read(plan);
    for (const column of columns) agent.cells.set(`${entry}.${column}.${row}`, integer(1, 0x41));
    const answer = await read(plan);
    expect(answer.changed).toBe(true);
    expect(cellsOf(plan, answer)).toEqual(expected());
  });

  it("asks for exact instances when only some rows are wanted", async () => {
    const some = rows.filter((_, index) => index % 4 === 1);
    const plan = planOf(some);
    expect((await read(plan)).changed).toBe(true);
    agent.requests.length = 0;
    const answer = await read(plan);
    expect(answer.changed).toBe(false);
    expect(cellsOf(plan, answer)).toEqual(expected(some));
    expect(typesOf(agent.requests)).toEqual(new Set([0xa0]));
  });

  it("leaves out values that do not fit, counts them, and keeps the others", async () => {
    agent.cells.set(`${entry}.10.122`, octets("n/a"));
    agent.cells.set(`${entry}.5.123`, { tag: 0x02, content: new Uint8Array(0) });
    agent.cells.set(`${entry}.20.124`, integer(-1));
    const plan = planOf();
    const answer = await read(plan);
    expect(answer).toMatchObject({ unfit: 3, complete: true });
    const unfit = new Set(["10.122", "5.123", "20.124"]);
    expect(cellsOf(plan, answer)).toEqual(expected(rows, (row, column) => !unfit.has(`${column}.${row}`)));
  });
});

describe("an agent with limits", () => {
  const whole = async () => {
    const plan = planOf();
    // The second read knows the lengths of the values and is cut anew.
    for (let learning = 0; learning < 2; learning++) expect(cellsOf(plan, await read(plan))).toEqual(expected());
    agent.requests.length = 0;
    const answer = await read(plan);
    expect(cellsOf(plan, answer)).toEqual(expected());
    return answer;
  };

  it("that cuts its answers short is asked for less from then on", async () => {
    agent.maxBytes = 484;
    await whole();
    for (const request of agent.requests) expect(agent.answer(request).varbinds.length).toBe(askedFor(request));
  });

  it("that takes few varbinds a request is asked for few", async () => {
    agent.answering = (request) =>
      request.varbinds.length > 3 ? [writeMessage({ ...request, type: 0xa2, second: 1, third: 0 })] : [writeMessage(agent.answer(request))];
    const answer = await whole();
    expect(answer.requests).toBe(agent.requests.length);
    for (const request of agent.requests) expect(request.varbinds.length).toBeLessThanOrEqual(3);
  });

  it.each(["an error", "silence"])("that answers GETBULK with %s is asked with GETNEXT from then on", async (how) => {
    agent.answering = (request) => {
      if (request.type !== 0xa5) return [writeMessage(agent.answer(request))];
      return how === "silence" ? undefined : [writeMessage({ ...request, type: 0xa2, second: 5, third: 0 })];
    };
    await whole();
    expect(typesOf(agent.requests)).toEqual(new Set([0xa1]));
  });

  it("that is too slow for large answers is asked for smaller ones", async () => {
    const plan = planOf();
    await read(plan);
    agent.answering = (request) => (askedFor(request) > 20 ? undefined : [writeMessage(agent.answer(request))]);
    expect(cellsOf(plan, await read(plan, inMs(10_000)))).toEqual(expected());
    const timeouts = site.session.counters().timeouts;
    expect(cellsOf(plan, await read(plan))).toEqual(expected());
    expect(site.session.counters().timeouts).toBe(timeouts);
  });

  it("that refuses one object loses that one only", async () => {
    const bad = `${entry}.10.130`;
    agent.answering = (request) => {
      const answer = agent.answer(request);
      const index = answer.varbinds.findIndex(({ oid }) => oid === bad);
      return [writeMessage(index < 0 ? answer : { ...request, type: 0xa2, second: 5, third: request.type === 0xa5 ? 0 : index + 1 })];
    };
    const plan = planOf();
    expect(cellsOf(plan, await read(plan))).toEqual(expected(rows, (row, column) => `${entry}.${column}.${row}` !== bad));
  });

  it("that falls silent half way hands over what there was, marked incomplete", async () => {
    const plan = planOf();
    await read(plan);
    let left = 1;
    agent.answering = (request) => (left-- > 0 ? [writeMessage(agent.answer(request))] : undefined);
    const answer = await read(plan, inMs(700));
    expect(answer.complete).toBe(false);
    const cells = cellsOf(plan, answer);
    expect(cells.length).toBeGreaterThan(0);
    for (const cell of cells) expect(expected()).toContain(cell);
  });

  it("that is silent altogether is a timeout, within the deadline", async () => {
    agent.answering = () => undefined;
    const began = inMs(0);
    await expect(read(planOf(), inMs(600))).rejects.toMatchObject({ code: "driver.timeout" });
    expect(inMs(0) - began).toBeLessThan(10_000);
  });
});

describe("a plan", () => {
  it("whose rows are out of order is refused", async () => {
    await expect(read(planOf(["2", "1"]))).rejects.toMatchObject({ code: "driver.unsupported" });
  });

  it("is read once at a time", async () => {
    const plan = planOf();
    const first = read(plan);
    await expect(read(plan)).rejects.toMatchObject({ code: "driver.limit" });
    expect((await first).complete).toBe(true);
  });

  it("is read by several sessions, each with what it learnt itself, and read on after one has forgotten it", async () => {
    const plan = planOf();
    await read(plan);
    const first = site.session;
    site.reopen("1");
    const both = await Promise.all([read(plan), first.readTable(plan, inMs(5_000), new AbortController().signal)]);
    for (const answer of both) expect(cellsOf(plan, answer)).toEqual(expected());
    first.forget?.(plan);
    expect(cellsOf(plan, await read(plan))).toEqual(expected());
    expect(cellsOf(plan, await first.readTable(plan, inMs(5_000), new AbortController().signal))).toEqual(expected());
  });

  it("among very many others is read right, though the oldest are forgotten", async () => {
    const plan = planOf();
    await read(plan);
    for (let other = 0; other < 330; other++) await read({ ...planOf([rows[other % rows.length] ?? ""]), table: `t${other}` });
    expect(cellsOf(plan, await read(plan))).toEqual(expected());
  });

  it("without rows costs no request", async () => {
    expect(await read(planOf([]))).toMatchObject({ complete: true, requests: 0 });
  });
});
