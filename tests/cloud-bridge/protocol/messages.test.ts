import { describe, expect, it } from "vitest";
import type { StreamId } from "#model/chunk.ts";
import { formatAck, parseAck } from "../../../cloud-bridge/protocol/messages/ack.ts";
import { formatBlobPiece, parseBlobPiece } from "../../../cloud-bridge/protocol/messages/blob.ts";
import { formatHello, formatState, parseHello, parseState } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { schemaNames, validator } from "../../../cloud-bridge/protocol/schema.ts";
import { gatewaySubscriptions, gatewayTopic, leafFilter, nocStateTopic, parseTopic } from "../../../cloud-bridge/protocol/topics.ts";

const text = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const address = { tenant: "acme", gateway: "gw-00042" };
const stream = "9f3c0a1b22cc" as StreamId;

describe("topics", () => {
  it("reads back every topic it writes", () => {
    expect(gatewayTopic(address, "tm")).toBe("gh/1/acme/g/gw-00042/tm");
    expect(parseTopic("gh/1/acme/g/gw-00042/tm")).toEqual({ kind: "gateway", ...address, leaf: "tm" });
    expect(parseTopic(nocStateTopic("acme"))).toEqual({ kind: "noc-state", tenant: "acme" });
    expect(leafFilter("tm")).toBe("gh/1/+/g/+/tm");
  });

  it("refuses ids that could reach another level or be a wildcard", () => {
    for (const gateway of ["+", "#", "a/b", "gw", "GW-1", "x".repeat(41), "gw 1", ""]) {
      expect(() => gatewayTopic({ tenant: "acme", gateway }, "tm")).toThrow("id is not usable");
    }
  });

  it("does not know topics of another tree, with more levels or an unknown leaf", () => {
    const foreign = [
      "gh/2/acme/g/gw-1/tm",
      "gh/1/acme/g/gw-1/nope",
      "gh/1/acme/g/gw-1/tm/x",
      "gh/1/acme/g/gw-1/constructor",
      "gh/1/acme/noc/x",
      "",
    ];
    for (const topic of foreign) expect(parseTopic(topic)).toBeUndefined();
  });

  it("subscribes without overlapping filters", () => {
    const filters = gatewaySubscriptions(address).map((subscription) => subscription.filter);
    expect(new Set(filters).size).toBe(6);
    expect(filters.join()).not.toMatch(/[+#]/);
  });
});

describe("messages", () => {
  it("compiles every schema in strict mode", () => {
    for (const name of schemaNames) expect(validator(name)).toBeTypeOf("function");
  });

  it("keeps streams, ranges, grants, needs and rejections of an ack", () => {
    const ack = {
      streams: [
        {
          stream,
          upTo: 12,
          ranges: [
            [14, 20],
            [22, 22],
          ] as const,
        },
      ],
      grants: { liveWindow: 16, backlogWindow: 4, backlogChunksPerSecond: null },
      neededDictionaries: [17, 4_503_599_627_370_495],
      resync: true,
      rejected: [{ stream, seq: 13, code: "codec.malformed" }],
    };
    expect(parseAck(formatAck(ack))).toEqual(ack);
  });

  it("refuses an ack whose ranges overlap, run backwards or lie below its seq", () => {
    for (const x of [
      [[10, 12]],
      [[14, 13]],
      [
        [14, 18],
        [18, 20],
      ],
    ]) {
      expect(() => parseAck(text({ v: 1, a: [{ s: stream, c: 12, x }] }))).toThrow("must ascend");
    }
  });

  it("refuses an ack that is too long, not UTF-8, not JSON, of the wrong type or with a wrong seq", () => {
    expect(() => parseAck(new Uint8Array(70_000))).toThrow("too long");
    for (const bad of [
      new Uint8Array([0xff, 0xfe]),
      text("{"),
      text("[]"),
      text({ v: 2, a: [] }),
      text({ v: 1, a: [{ s: stream, c: -1 }] }),
    ]) {
      expect(() => parseAck(bad)).toThrow(expect.objectContaining({ code: "codec.malformed" }));
    }
  });

  it("ignores unknown keys, as newer peers send them", () => {
    expect(parseState(text({ v: 1, on: true, novelty: { a: 1 } })).on).toBe(true);
  });

  it("reads back a hello with its list of backlog streams", () => {
    const hello = {
      v: 1,
      gw: "gw-00042",
      agent: "1.0.0",
      boot: "b7c1",
      conn: 42,
      proto: { min: 1, max: 1 },
      caps: ["tcc1"],
      nonce: "abcdefghijklmnopqrstuv",
      streams: { T: stream, B: ["00000000000a"], E: null },
    } as const;
    expect(parseHello(formatHello(hello))).toEqual(hello);
  });

  it("writes whole milliseconds, whatever the clock says", () => {
    expect(parseState(formatState({ v: 1, on: true, at: 1_795_294_121_000.25 })).at).toBe(1_795_294_121_000);
  });

  it("refuses a blob piece that lies beyond its document", () => {
    const piece = { requestId: "b1", offset: 10, totalBytes: 12, bytes: new Uint8Array([1, 2]) };
    expect(parseBlobPiece(formatBlobPiece(piece))).toEqual(piece);
    expect(() => parseBlobPiece(formatBlobPiece({ ...piece, offset: 11 }))).toThrow("beyond its end");
  });
});
