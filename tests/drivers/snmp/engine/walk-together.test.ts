import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Engine } from "../../../../drivers/snmp/engine/engine.ts";
import type { SnmpSession, WalkRoot } from "../../../../runtime/ports/snmp.ts";
import { inMs, startEngine, unending, walkAll } from "./conversing.ts";
import { seeded } from "./mutating.ts";
import { type PlainMessage, writeMessage } from "./plain-ber.ts";
import { integer, octets, TableAgent } from "./table-agent.ts";

const table = "1.3.6.1.2.1.2.2.1";
const getNext = 0xa1;
const getBulk = 0xa5;

let agent: TableAgent;
let engine: Engine;

beforeEach(async () => {
  agent = await new TableAgent().open();
  agent.set({ "1.3.6.1.2.1.1.1.0": octets("text") });
  engine = startEngine();
});
afterEach(async () => {
  expect(engine.strays.decoderFaults).toBe(0);
  await engine.close();
  await agent.close();
});

function open(version: "1" | "2c" = "2c"): SnmpSession {
  return engine.open({ address: "127.0.0.1", port: agent.port, credential: { version, community: "public" }, timeoutMs: 250, retries: 0 });
}

interface Found {
  readonly rows: readonly (readonly [string, unknown])[];
  readonly failure: string | undefined;
}

async function together(session: SnmpSession, roots: readonly WalkRoot[], limits = {}): Promise<readonly Found[]> {
  const found = roots.map(() => ({ rows: [] as (readonly [string, unknown])[], failure: undefined as string | undefined }));
  const walk = session.walkTogether?.(roots, { maxRequests: 10_000, deadlineMs: inMs(20_000), ...limits }, unending);
  for await (const parts of walk ?? []) {
    for (const { root, cells, failure } of parts) {
      const one = found[root];
      expect(one?.failure).toBeUndefined();
      one?.rows.push(...cells.map(({ index, value }) => [index, value] as const));
      if (one !== undefined && failure !== undefined) one.failure = failure.code;
    }
  }
  return found;
}

/** The same roots, one walk for each. */
async function apart(session: SnmpSession, roots: readonly WalkRoot[]): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const { oid } of roots) {
    const rows = (await walkAll(session, oid)).map((varbind) => [varbind.oid.slice(oid.length + 1), varbind.value] as const);
    found.push({ rows, failure: undefined });
  }
  return found;
}

const columns = (...arcs: readonly number[]): readonly WalkRoot[] => arcs.map((arc) => ({ oid: `${table}.${arc}`, maxRows: 1_000 }));

/** Columns of different lengths, with holes, some of them not there. */
function fill(random: () => number): void {
  const lengths = Array.from({ length: 8 }, () => (random() < 0.3 ? 0 : Math.floor(random() * 60)));
  for (const [place, length] of lengths.entries()) {
    for (let row = 1; row <= length; row++) {
      if (random() < 0.1) continue;
      const index = random() < 0.2 ? `${row * 200}.${Math.floor(random() * 70_000)}` : String(row * 200);
      agent.set({ [`${table}.${place + 1}.${index}`]: random() < 0.5 ? octets("x".repeat(random() * 80)) : integer(row) });
    }
  }
}

/** What agents get wrong, or do in their own way. */
const manners: readonly (readonly [string, (request: PlainMessage) => readonly Uint8Array[] | undefined])[] = [
  ["knows all", (request) => [writeMessage(agent.answer(request))]],
  ["has small messages", (request) => [writeMessage(trimmed(agent.answer(request), 7))]],
  ["refuses GETBULK", (request) => [writeMessage(request.type === getBulk ? refusal(request, 5) : agent.answer(request))]],
  ["is silent to GETBULK", (request) => (request.type === getBulk ? undefined : [writeMessage(agent.answer(request))])],
  ["takes three names", (request) => [writeMessage(request.varbinds.length > 3 ? refusal(request, 1) : agent.answer(request))]],
  ["is silent to many names", (request) => (request.varbinds.length > 2 ? undefined : [writeMessage(agent.answer(request))])],
  ["answers the first name only", (request) => [writeMessage(ofFirst(request))]],
  ["answers by columns", (request) => [writeMessage(byColumns(request))]],
];

function refusal(request: PlainMessage, status: number): PlainMessage {
  return { ...request, type: 0xa2, second: status, third: 0 };
}

function trimmed(answer: PlainMessage, most: number): PlainMessage {
  return { ...answer, varbinds: answer.varbinds.slice(0, most) };
}

function ofFirst(request: PlainMessage): PlainMessage {
  return agent.answer(request.type === getBulk ? { ...request, varbinds: request.varbinds.slice(0, 1) } : request);
}

function byColumns(request: PlainMessage): PlainMessage {
  if (request.type !== getBulk) return agent.answer(request);
  const answers = request.varbinds.map((varbind) => agent.answer({ ...request, varbinds: [varbind] }));
  return { ...request, type: 0xa2, second: 0, third: 0, varbinds: answers.flatMap(({ varbinds }) => varbinds) };
}

describe("a walk of several roots", () => {
  it.each(manners)("finds what walks of each find, of an agent that %s (seeds 1 to 12)", async (_, answering) => {
    for (let seed = 1; seed <= 12; seed++) {
      agent.cells.clear();
      fill(seeded(seed));
      agent.answering = (request) => [writeMessage(agent.answer(request))];
      const roots = [...columns(1, 2, 3, 4, 5, 6, 7, 8), { oid: "1.3.6.1.2.1.4", maxRows: 1_000 }];
      const expected = await apart(open(), roots);
      agent.answering = answering;
      expect(await together(open(), roots), `seed ${seed}`).toEqual(expected);
    }
  });

  it("finds the same by v1, with one GETNEXT for all of them", async () => {
    agent.table(table, [1, 2, 3, 4], ["1", "2", "3", "4", "5"], (row, column) =>
      column === 3 && row > "2" ? undefined : octets(`${column} ${row}`),
    );
    const roots = [...columns(1, 2, 3, 4), { oid: "1.3.6.1.4.1.9", maxRows: 10 }];
    const expected = await apart(open("1"), roots);
    agent.requests.length = 0;
    expect(await together(open("1"), roots)).toEqual(expected);
    expect(agent.requests.every(({ type }) => type === getNext)).toBe(true);
    // Five rows, an end, and of the two roots at the end of everything a word of its own for each.
    expect(agent.requests.length).toBeLessThanOrEqual(8);
  });

  it("asks once for ten tables that are not there", async () => {
    const roots = Array.from({ length: 10 }, (_, place) => ({ oid: `1.3.6.1.2.1.${20 + place}`, maxRows: 100 }));
    expect((await together(open(), roots)).flatMap(({ rows }) => rows)).toEqual([]);
    expect(agent.requests.length).toBe(1);
  });

  it("reads six columns of 48 ports with a third of the requests", async () => {
    const rows = Array.from({ length: 48 }, (_, row) => String(10_101 + row));
    agent.table(table, [1, 2, 3, 4, 5, 6], rows, (row, column) => octets(`port ${row} ${column}`));
    const roots = columns(1, 2, 3, 4, 5, 6);
    const expected = await apart(open(), roots);
    const alone = agent.requests.length;
    agent.requests.length = 0;
    expect(await together(open(), roots)).toEqual(expected);
    expect(agent.requests.length).toBeLessThan(alone * 0.75);
  });

  it("ends one root at its own limit and the others at their ends", async () => {
    const rows = Array.from({ length: 40 }, (_, row) => String(row + 1));
    agent.table(table, [1, 2, 3], rows, (row) => integer(Number(row)));
    const [first, second, third] = await together(open(), [
      { oid: `${table}.1`, maxRows: 100 },
      { oid: `${table}.2`, maxRows: 5 },
      { oid: `${table}.3`, maxRows: 100 },
    ]);
    expect([first?.rows.length, second?.rows.length, third?.rows.length]).toEqual([40, 5, 40]);
    expect([first?.failure, second?.failure, third?.failure]).toEqual([undefined, "driver.limit", undefined]);
  });

  it("costs an endless root its own limit, and a root in a circle its own end", async () => {
    agent.table(table, [1, 3, 4], ["1", "2", "3"], (row) => integer(Number(row)));
    agent.answering = (request) => {
      const answer = agent.answer(request);
      const varbinds = answer.varbinds.map((varbind, place) => {
        const asked = request.varbinds[place % request.varbinds.length]?.oid ?? "";
        if (asked.startsWith(`${table}.3`)) return { ...varbind, oid: `${table}.3.1`, ...integer(1) };
        if (!asked.startsWith(`${table}.4`)) return varbind;
        const turn = Math.floor(place / request.varbinds.length) + 1;
        return { ...varbind, oid: `${table}.4.${Number(asked.split(".")[10] ?? 0) + turn}`, ...integer(1) };
      });
      return [writeMessage({ ...answer, varbinds })];
    };
    const [good, circle, endless] = await together(
      open(),
      columns(1, 3, 4).map((root) => ({ ...root, maxRows: 100 })),
    );
    expect(good).toEqual({
      rows: [
        ["1", 1],
        ["2", 2],
        ["3", 3],
      ],
      failure: undefined,
    });
    expect(circle).toEqual({ rows: [["1", 1]], failure: "driver.bad-answer" });
    expect([endless?.rows.length, endless?.failure]).toEqual([100, "driver.limit"]);
  });

  it("costs a root at which the agent falls silent itself only", async () => {
    agent.table(table, [1, 2, 3], ["1", "2", "3"], (row) => integer(Number(row)));
    agent.answering = (request) =>
      request.varbinds.some(({ oid }) => oid.startsWith(`${table}.2`)) ? undefined : [writeMessage(agent.answer(request))];
    const found = await together(open(), columns(1, 2, 3));
    expect(found.map(({ failure }) => failure)).toEqual([undefined, "driver.timeout", undefined]);
    expect(found.map(({ rows }) => rows.length)).toEqual([3, 0, 3]);
  });

  it("asks a silent agent twice, not once for each root", async () => {
    agent.answering = () => undefined;
    const found = await together(open(), columns(1, 2, 3, 4, 5, 6, 7, 8));
    expect(found.map(({ failure }) => failure)).toEqual(Array.from({ length: 8 }, () => "driver.timeout"));
    expect(agent.requests.length).toBe(2);
  });

  it("says of all that their time is over, and keeps what was read", async () => {
    const rows = Array.from({ length: 200 }, (_, row) => String(row + 1));
    agent.table(table, [1, 2], rows, (row) => octets(row.padEnd(60)));
    let answered = 0;
    agent.answering = (request) => (answered++ < 3 ? [writeMessage(agent.answer(request))] : undefined);
    const found = await together(open(), columns(1, 2), { deadlineMs: inMs(200) });
    expect(found.map(({ failure }) => failure)).toEqual(["driver.limit", "driver.limit"]);
    for (const { rows: read } of found) expect(read.length).toBeGreaterThan(10);
  });

  it("ends at once when it is aborted", async () => {
    agent.answering = () => undefined;
    const ending = new AbortController();
    const walking = (async () => {
      const walk = open().walkTogether?.(columns(1, 2), { maxRequests: 10, deadlineMs: inMs(60_000) }, ending.signal);
      for await (const _ of walk ?? []);
    })();
    const failed = expect(walking).rejects.toThrow("enough");
    ending.abort(new Error("enough"));
    await failed;
  });
});
