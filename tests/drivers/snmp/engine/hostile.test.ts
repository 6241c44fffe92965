import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Engine } from "../../../../drivers/snmp/engine/engine.ts";
import type { SnmpSession } from "../../../../runtime/ports/snmp.ts";
import { inMs, startEngine, unending, walkAll } from "./conversing.ts";
import { type PlainMessage, readMessage, writeMessage } from "./plain-ber.ts";
import { integer, octets, TableAgent } from "./table-agent.ts";

const root = "1.3.6.1.2.1.1";
const name = `${root}.5.0`;

let agent: TableAgent;
let engine: Engine;
let session: SnmpSession;

beforeEach(async () => {
  agent = await new TableAgent().open();
  agent.set({
    [`${root}.1.0`]: octets("text"),
    [`${root}.3.0`]: integer(5, 0x43),
    [name]: octets("true name"),
    "1.3.6.1.2.1.2.1.0": integer(3),
  });
  engine = startEngine();
  session = engine.open({
    address: "127.0.0.1",
    port: agent.port,
    credential: { version: "2c", community: "public" },
    timeoutMs: 250,
    retries: 1,
  });
});
afterEach(async () => {
  expect(engine.strays.decoderFaults).toBe(0);
  await engine.close();
  await agent.close();
});

/** The agent answers with these messages instead; the right one last. */
function answerWith(...wrong: readonly ((right: PlainMessage) => PlainMessage | Uint8Array)[]): void {
  agent.answering = (request) => {
    const right = agent.answer(request);
    return [...wrong.map((make) => make(right)), right].map((message) => (message instanceof Uint8Array ? message : writeMessage(message)));
  };
}

const lie = (right: PlainMessage): PlainMessage => ({
  ...right,
  varbinds: right.varbinds.map((varbind) => ({ ...varbind, ...octets("a lie") })),
});

describe("silence", () => {
  it("is not what is said while answers come that cannot be read, and is again when none come", async () => {
    agent.answering = (request) => [writeMessage(agent.answer(request)).subarray(0, 20)];
    await expect(session.get([name], unending)).rejects.toMatchObject({
      code: "driver.timeout",
      message: "no valid answer; what came cannot be read: cut short, or not SNMP",
    });
    agent.answering = () => undefined;
    await expect(session.get([name], unending)).rejects.toMatchObject({ message: "no answer (a wrong community looks the same)" });
  });

  it("is silence though a forged answer came once, long ago", async () => {
    answerWith((right) => ({ ...lie(right), community: "other" }));
    await session.get([name], unending);
    expect(session.counters().forgedAnswers).toBe(1);
    agent.answering = () => undefined;
    await expect(session.get([name], unending)).rejects.toMatchObject({ message: "no answer (a wrong community looks the same)" });
  });
});

describe("an answer that is not the answer", () => {
  const believed = async () => Buffer.from(((await session.get([name], unending))[0]?.value ?? []) as Uint8Array).toString();

  it("from another address is not believed", async () => {
    const other = createSocket("udp4");
    other.bind(0, "127.0.0.2");
    await once(other, "listening");
    agent.socket.removeAllListeners("message");
    agent.socket.on("message", (bytes, from) => {
      const right = agent.answer(readMessage(bytes));
      other.send(writeMessage(lie(right)), from.port, from.address, () => agent.socket.send(writeMessage(right), from.port, from.address));
    });
    expect(await believed()).toBe("true name");
    expect(session.counters().forgedAnswers).toBe(1);
    other.close();
  });

  it("from another port is not believed", async () => {
    const other = createSocket("udp4");
    other.bind(0, "127.0.0.1");
    await once(other, "listening");
    agent.answering = () => undefined;
    agent.socket.on("message", (bytes, from) => other.send(writeMessage(lie(agent.answer(readMessage(bytes)))), from.port, from.address));
    await expect(session.get([name], unending)).rejects.toMatchObject({ code: "driver.timeout", fields: { forgedAnswers: 2 } });
    other.close();
  });

  it.each([
    ["with another community", (right: PlainMessage) => ({ ...lie(right), community: "other" })],
    ["of another version", (right: PlainMessage) => ({ ...lie(right), version: 0 })],
  ])("%s is not believed", async (_, make) => {
    answerWith(make);
    expect(await believed()).toBe("true name");
    expect(session.counters().forgedAnswers).toBe(1);
  });

  it("to another request is not believed and counts as late", async () => {
    answerWith((right) => ({ ...lie(right), id: right.id ^ 0x10000 }));
    expect(await believed()).toBe("true name");
    expect(session.counters().lateAnswers).toBe(1);
  });

  it.each([
    ["a Report", (right: PlainMessage) => ({ ...right, type: 0xa8 })],
    ["a request", (right: PlainMessage) => ({ ...right, type: 0xa0 })],
    ["of another object", (right: PlainMessage) => ({ ...right, varbinds: [{ oid: `${root}.1.0`, ...octets("a lie") }] })],
    ["of too many objects", (right: PlainMessage) => ({ ...right, varbinds: [...right.varbinds, ...right.varbinds] })],
    ["of no object", (right: PlainMessage) => ({ ...right, varbinds: [] })],
    ["cut off", (right: PlainMessage) => writeMessage(right).subarray(0, -3)],
  ])("%s is refused, and asked for again", async (_, make) => {
    let isFirst = true;
    agent.answering = (request) => {
      const answer = isFirst ? make(agent.answer(request)) : agent.answer(request);
      isFirst = false;
      return [answer instanceof Uint8Array ? answer : writeMessage(answer)];
    };
    expect(await believed()).toBe("true name");
    expect(session.counters().malformedAnswers).toBe(1);
    expect(agent.requests.length).toBe(2);
  });

  it("again and again is an error, not an endless exchange", async () => {
    agent.answering = (request) => [writeMessage({ ...agent.answer(request), type: 0xa8 })];
    await expect(session.get([name], unending)).rejects.toMatchObject({ code: "driver.bad-answer" });
    expect(agent.requests.length).toBe(2);
  });

  it("that comes twice is read once", async () => {
    answerWith((right) => right);
    expect(await believed()).toBe("true name");
    expect(await believed()).toBe("true name");
    expect(session.counters().lateAnswers).toBeGreaterThanOrEqual(1);
  });

  it("that is no message at all is counted", async () => {
    answerWith(
      () => Buffer.from("hello"),
      () => Buffer.alloc(1400, 0x30),
      () => new Uint8Array(0),
    );
    expect(await believed()).toBe("true name");
    expect(session.counters().malformedAnswers).toBe(3);
  });
});

describe("a walk", () => {
  it.each([
    ["the same OID again", `${root}.3.0`],
    ["an OID that lies before", `${root}.1.0`],
  ])("ends with an error at %s, after what was right", async (_, next) => {
    agent.answering = (request) => {
      const right = agent.answer(request);
      const varbinds = right.varbinds.map((varbind) => (varbind.oid === name ? { ...varbind, oid: next } : varbind));
      return [writeMessage({ ...right, varbinds })];
    };
    const oids: string[] = [];
    const walking = (async () => {
      for await (const batch of session.walk(root, { maxRows: 100, maxRequests: 100, deadlineMs: inMs(5000) }, unending))
        oids.push(...batch.map(({ oid }) => oid));
    })();
    await expect(walking).rejects.toMatchObject({ code: "driver.bad-answer" });
    expect(oids).toEqual([`${root}.1.0`, `${root}.3.0`]);
    expect(session.counters().oidViolations).toBe(1);
    expect(agent.requests.length).toBe(1);
  });

  it("of an endless table ends at its limits", async () => {
    agent.answering = (request) => {
      const last = Number(request.varbinds[0]?.oid.split(".").at(-1));
      const varbinds = Array.from({ length: request.third }, (_, index) => ({ oid: `${root}.9.${last + index + 1}`, ...integer(1) }));
      return [writeMessage({ ...request, type: 0xa2, second: 0, third: 0, varbinds })];
    };
    await expect(walkAll(session, `${root}.9`, { maxRows: 500, maxRequests: 1000 })).rejects.toMatchObject({ code: "driver.limit" });
    await expect(walkAll(session, `${root}.9`, { maxRows: 1e6, maxRequests: 20 })).rejects.toMatchObject({ code: "driver.limit" });
    const walk = session.walk(`${root}.9`, { maxRows: 1e6, maxRequests: 1e6, deadlineMs: inMs(300) }, unending);
    const walking = (async () => {
      for await (const batch of walk) expect(batch.length).toBeGreaterThan(0);
    })();
    await expect(walking).rejects.toMatchObject({ code: "driver.limit" });
  });

  it.each([
    ["endOfMibView", { tag: 0x82, content: new Uint8Array(0) }],
    ["noSuchObject", { tag: 0x80, content: new Uint8Array(0) }],
    ["noSuchInstance", { tag: 0x81, content: new Uint8Array(0) }],
  ])("ends at %s", async (_, cell) => {
    agent.answering = (request) => [
      writeMessage({ ...request, type: 0xa2, second: 0, third: 0, varbinds: [{ oid: request.varbinds[0]?.oid ?? "", ...cell }] }),
    ];
    expect(await walkAll(session, root)).toEqual([]);
    expect(agent.requests.length).toBe(1);
  });

  it("of single values goes on with GETNEXT where GETBULK is not known", async () => {
    agent.answering = (request) => [
      writeMessage(request.type === 0xa5 ? { ...request, type: 0xa2, second: 5, third: 0 } : agent.answer(request)),
    ];
    expect((await walkAll(session, root)).map(({ oid }) => oid)).toEqual([`${root}.1.0`, `${root}.3.0`, name]);
    agent.requests.length = 0;
    await walkAll(session, root);
    expect(agent.requests.every(({ type }) => type === 0xa1)).toBe(true);
  });

  it("asks for fewer rows when the answer would be too big", async () => {
    agent.answering = (request) => [
      writeMessage(request.third > 2 ? { ...request, type: 0xa2, second: 1, third: 0 } : agent.answer(request)),
    ];
    expect((await walkAll(session, root)).length).toBe(3);
  });

  it("from the very root reads everything", async () => {
    expect((await walkAll(session, "1")).length).toBe(4);
  });

  it("ends with the caller's reason when it is aborted", async () => {
    agent.answering = () => undefined;
    const ending = new AbortController();
    const walking = (async () => {
      for await (const _ of session.walk(root, { maxRows: 10, maxRequests: 10, deadlineMs: inMs(60_000) }, ending.signal));
    })();
    const failed = expect(walking).rejects.toThrow("enough");
    ending.abort(new Error("enough"));
    await failed;
    expect(engine.pending).toBe(0);
  });
});

describe("a session", () => {
  it("that is closed fails what is on its way", async () => {
    agent.answering = () => undefined;
    const failed = expect(session.get([name], unending)).rejects.toMatchObject({ code: "driver.unreachable" });
    session.close();
    await failed;
    await expect(session.get([name], unending)).rejects.toMatchObject({ code: "driver.unreachable" });
    expect(engine.pending).toBe(0);
  });

  it("says that the kernel refuses to send", async () => {
    // The limited broadcast address: a socket may not send to it.
    const nowhere = engine.open({
      address: "255.255.255.255",
      port: 161,
      credential: { version: "2c", community: "public" },
      timeoutMs: 250,
      retries: 0,
    });
    await expect(nowhere.get([name], unending)).rejects.toMatchObject({
      code: "driver.unreachable",
      message: expect.stringMatching(/cannot send: E/),
    });
  });

  it("reads many values in as many requests as the agent needs, in the order asked", async () => {
    const oids = Array.from({ length: 70 }, (_, index) => `1.3.6.1.4.1.9999.1.${index}.0`);
    for (const [index, oid] of oids.entries()) agent.set({ [oid]: integer(index) });
    agent.answering = (request) => [
      writeMessage(request.varbinds.length > 10 ? { ...request, type: 0xa2, second: 1, third: 0 } : agent.answer(request)),
    ];
    const shuffled = oids.toReversed();
    expect((await session.get(shuffled, unending)).map(({ oid }) => oid)).toEqual(shuffled);
  });

  it("reads the others when the agent fails at one", async () => {
    agent.answering = (request) => {
      const index = request.varbinds.findIndex(({ oid }) => oid === name);
      return [writeMessage(index < 0 ? agent.answer(request) : { ...request, type: 0xa2, second: 5, third: index + 1 })];
    };
    const varbinds = await session.get([`${root}.1.0`, name, `${root}.3.0`], unending);
    expect(varbinds.map(({ type }) => type)).toEqual(["octet-string", "null", "timeticks"]);
  });

  it("gives a value whose bytes make no sense as none, and keeps its neighbours", async () => {
    agent.set({
      [name]: { tag: 0x02, content: new Uint8Array(0) },
      [`${root}.6.0`]: { tag: 0x40, content: new Uint8Array(16) },
      [`${root}.7.0`]: { tag: 0x45, content: new Uint8Array(3) },
    });
    const varbinds = await session.get([`${root}.3.0`, name, `${root}.6.0`, `${root}.7.0`], unending);
    expect(varbinds.map(({ type, value }) => [type, value])).toEqual([
      ["timeticks", 5],
      ["null", undefined],
      ["null", undefined],
      ["null", undefined],
    ]);
    expect(session.counters().unfitValues).toBe(3);
  });
});
