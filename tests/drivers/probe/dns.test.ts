import { afterEach, describe, expect, it } from "vitest";
import { ipv6Text } from "../../../drivers/probe/dns/message.ts";
import { probe, Servers } from "./probe-kit.ts";

const servers = new Servers();
afterEach(() => servers.end());

interface Answered {
  readonly rcode?: number;
  readonly truncated?: boolean;
  readonly records?: readonly { readonly type: number; readonly data: Buffer; readonly name?: Buffer }[];
}

const pointerToQuestion = Buffer.of(0xc0, 0x0c);

/** An answer to a query, made by hand as RFC 1035 writes it. */
function answerTo(query: Buffer, { rcode = 0, truncated = false, records = [] }: Answered): Buffer {
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8180 | (truncated ? 0x0200 : 0) | rcode, 2);
  head.writeUInt16BE(records.length, 6);
  const parts = records.flatMap(({ type, data, name = pointerToQuestion }) => {
    const fixed = Buffer.alloc(10);
    fixed.writeUInt16BE(type, 0);
    fixed.writeUInt16BE(1, 2);
    fixed.writeUInt32BE(300, 4);
    fixed.writeUInt16BE(data.length, 8);
    return [name, fixed, data];
  });
  return Buffer.concat([head, query.subarray(12), ...parts]);
}

function nameBytes(name: string): Buffer {
  return Buffer.concat([...name.split(".").flatMap((label) => [Buffer.of(label.length), Buffer.from(label)]), Buffer.of(0)]);
}

async function ask(answered: Answered | ((query: Buffer) => Buffer), settings: Readonly<Record<string, unknown>> = {}, timeoutMs = 5_000) {
  const port = await servers.udp((query, reply) => reply(typeof answered === "function" ? answered(query) : answerTo(query, answered)));
  return probe({ type: "dns", target: "www.example.net", timeoutMs, settings: { server: "127.0.0.1", port, ...settings } });
}

describe("a dns check", () => {
  const address = { records: [{ type: 1, data: Buffer.of(192, 0, 2, 7) }] };

  it.each([
    ["A", 1, Buffer.of(192, 0, 2, 7), "192.0.2.7"],
    ["AAAA", 28, Buffer.from("20010db8000000000000000000000001", "hex"), "2001:db8::1"],
    ["MX", 15, Buffer.concat([Buffer.of(0, 10), nameBytes("mail.example.net")]), "10 mail.example.net"],
    ["TXT", 16, Buffer.concat([Buffer.of(3), Buffer.from("v=s"), Buffer.of(2), Buffer.from("pf")]), "v=spf"],
    ["CNAME", 5, nameBytes("web.example.net"), "web.example.net."],
    ["NS", 2, Buffer.concat([Buffer.of(2), Buffer.from("ns"), pointerToQuestion]), "ns.www.example.net"],
    ["SRV", 33, Buffer.concat([Buffer.of(0, 0, 0, 5, 0x13, 0xc4), nameBytes("sip.example.net")]), "0 5 5060 SIP.example.net"],
  ])("reads records of type %s and compares them", async (type, number, data, expected) => {
    const outcome = await ask({ records: [{ type: number, data }] }, { type, expect: [expected] });
    expect(outcome.failure).toBeUndefined();
    expect(outcome.values.get("answers")).toBe(1);
    expect(outcome.latenciesMs).toHaveLength(1);
  });

  it.each([
    ["another address", address, { expect: ["192.0.2.8"] }, "the answer is 192.0.2.7; expected 192.0.2.8"],
    [
      "more than is expected",
      { records: [...address.records, { type: 1, data: Buffer.of(10, 0, 0, 1) }] },
      { expect: ["192.0.2.7"], match: "exact" },
      "the answer also holds 10.0.0.1",
    ],
    ["an empty answer", {}, {}, "the answer holds no A record"],
    ["a name that does not exist", { rcode: 3 }, {}, "the name does not exist (NXDOMAIN)"],
    ["a server that fails", { rcode: 2 }, {}, "the name server answered SERVFAIL"],
    ["a name that should not exist and does", address, { rcode: "NXDOMAIN" }, "the name server answered NOERROR, not NXDOMAIN"],
  ])("fails for %s", async (_name, answered, settings, text) => {
    expect((await ask(answered, settings)).failure?.text).toBe(text);
  });

  it("passes where a name must not exist and does not", async () => {
    expect((await ask({ rcode: 3 }, { rcode: "NXDOMAIN" })).ok).toBe(true);
  });

  it("fetches over TCP what did not fit a datagram", async () => {
    const port = await servers.udp((query, reply) => reply(answerTo(query, { truncated: true })));
    const tcp = await servers.tcp((socket) => socket.end());
    // A UDP and a TCP server on the same port cannot be had for sure: here both transports are asked one by one.
    expect(tcp).toBeGreaterThan(0);
    const outcome = await probe({ type: "dns", target: "www.example.net", timeoutMs: 2_000, settings: { server: "127.0.0.1", port } });
    expect(outcome.failure?.stage).toBe("connect");
    const overTcp = await servers.tcp((socket) => {
      socket.once("data", (question: Buffer) => {
        const answer = answerTo(question.subarray(2), address);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length, 0);
        // In pieces, as TCP may.
        socket.write(Buffer.concat([length, answer.subarray(0, 5)]), () => socket.write(answer.subarray(5)));
      });
    });
    const settings = { server: "127.0.0.1", port: overTcp, transport: "tcp", expect: ["192.0.2.7"] };
    expect((await probe({ type: "dns", target: "www.example.net", settings })).ok).toBe(true);
  });

  it("waits for its own answer among forged ones", async () => {
    const port = await servers.udp((query, reply) => {
      const forged = answerTo(query, { records: [{ type: 1, data: Buffer.of(6, 6, 6, 6) }] });
      forged.writeUInt16BE((query.readUInt16BE(0) + 1) & 0xffff, 0);
      reply(forged);
      const otherName = answerTo(query, address);
      otherName[13] = "x".charCodeAt(0);
      reply(otherName);
      reply(answerTo(query, address));
    });
    const outcome = await probe({ type: "dns", target: "www.example.net", settings: { server: "127.0.0.1", port, expect: ["192.0.2.7"] } });
    expect(outcome.ok).toBe(true);
  });

  it.each([
    [
      "a name that points to itself",
      (query: Buffer) => answerTo(query, { records: [{ type: 1, data: Buffer.of(1, 1, 1, 1), name: Buffer.of(0xc0, query.length) }] }),
    ],
    ["a record that ends behind the message", (query: Buffer) => answerTo(query, address).subarray(0, -2)],
    [
      "more records than there are",
      (query: Buffer) => Buffer.from(answerTo(query, address).map((byte, index) => (index === 7 ? 9 : byte))),
    ],
    ["sixty thousand records", (query: Buffer) => Buffer.from(answerTo(query, address).map((byte, index) => (index === 6 ? 255 : byte)))],
    [
      "a label of unknown kind",
      (query: Buffer) => answerTo(query, { records: [{ type: 1, data: Buffer.of(1, 1, 1, 1), name: Buffer.of(0x80, 0) }] }),
    ],
  ])("calls an answer with %s garbled", async (_name, answered) => {
    expect((await ask(answered)).failure).toMatchObject({ stage: "answer", code: "bad-answer" });
  });

  it("gives up a server that is silent, or floods it with something else", async () => {
    const silent = await servers.udp(() => undefined);
    const quiet = { server: "127.0.0.1", port: silent };
    expect((await probe({ type: "dns", target: "x.example", timeoutMs: 300, settings: quiet })).failure?.code).toBe("timeout");
    const loud = await servers.udp((_query, reply) => {
      for (let count = 0; count < 200; count++) reply(Buffer.alloc(100));
    });
    const outcome = await probe({ type: "dns", target: "x.example", timeoutMs: 2_000, settings: { server: "127.0.0.1", port: loud } });
    expect(["bad-answer", "timeout"]).toContain(outcome.failure?.code);
  });

  it.each([
    ["00000000000000000000000000000000", "::"],
    ["00010000000000000001000000000001", "1::1:0:0:1"],
    ["fe800000000000000000000000000001", "fe80::1"],
    ["20010db8000100020003000400050006", "2001:db8:1:2:3:4:5:6"],
  ])("writes IPv6 addresses as RFC 5952 does: %s", (hex, text) => {
    expect(ipv6Text(Buffer.from(hex, "hex"))).toBe(text);
  });
});
