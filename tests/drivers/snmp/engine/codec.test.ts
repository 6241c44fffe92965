import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeElement,
  encodeInteger,
  encodeUnsigned64,
  integerValue,
  unsigned64Value,
  unsignedValue,
} from "../../../../drivers/snmp/engine/ber.ts";
import {
  compareOids,
  dottedIndex,
  dottedOid,
  encodeIndex,
  encodeOid,
  hasPrefix,
  isWellFormedOid,
} from "../../../../drivers/snmp/engine/oid.ts";
import { opaqueNumber } from "../../../../drivers/snmp/engine/opaque.ts";
import { nullVarbind, patchId, prepareCommunityRequest } from "../../../../drivers/snmp/engine/request.ts";
import { readPredicted } from "../../../../drivers/snmp/engine/table-cells.ts";
import { CompiledPlan, PlanParts } from "../../../../drivers/snmp/engine/table-plan.ts";
import { decodeValue, encodeVarbind, readVarbind, varbindSpan } from "../../../../drivers/snmp/engine/values.ts";
import type { Varbind } from "../../../../runtime/ports/snmp.ts";
import { oidBytes, readMessage, readNode, writeInteger } from "./plain-ber.ts";
import { byArcs } from "./table-agent.ts";

const arc = fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 2 ** 32 - 1), fc.nat(2 ** 32 - 1));
const oid = fc
  .tuple(fc.constantFrom("0", "1", "2"), fc.nat(39), fc.array(arc, { maxLength: 20 }))
  .map(([first, second, rest]) => [first, second, ...rest].join("."));

describe("OIDs", () => {
  it("are encoded by the book and come back as they were", () => {
    fc.assert(
      fc.property(oid, (dotted) => {
        const bytes = encodeOid(dotted);
        expect([...bytes]).toEqual([...oidBytes(dotted)]);
        expect(isWellFormedOid(bytes, 0, bytes.length)).toBe(true);
        expect(dottedOid(bytes, 0, bytes.length)).toBe(dotted);
      }),
    );
  });

  it("are ordered by their arcs, not by their bytes", () => {
    fc.assert(
      fc.property(oid, oid, (a, b) => {
        const left = encodeOid(a);
        expect(Math.sign(compareOids(left, 0, left.length, encodeOid(b)))).toBe(Math.sign(byArcs(a, b)));
      }),
    );
  });

  it("below 2 may have a second arc of any size", () => {
    expect(dottedOid(encodeOid("2.716653033.1"), 0, encodeOid("2.716653033.1").length)).toBe("2.716653033.1");
    expect(dottedOid(encodeOid("2.100.3"), 0, 3)).toBe("2.100.3");
  });

  it.each([[[]], [[0x2b, 6]], [[0x88, 0x37]]])("of content %j are well-formed", (bytes) => {
    expect(isWellFormedOid(Uint8Array.from(bytes), 0, bytes.length)).toBe(true);
  });

  it.each([[[0x2b, 0x86]], [[0x2b, 0x80, 0x01]], [[0x2b, 0x90, 0x80, 0x80, 0x80, 0x80, 0x00]]])("of content %j are refused", (bytes) => {
    expect(isWellFormedOid(Uint8Array.from(bytes), 0, bytes.length)).toBe(false);
  });

  it.each(["", "1.", ".", "1..3", "1.3.x", "3.1", "1.40", "1.3.4294967296", "-1.3"])("that are none (%j) are refused", (text) => {
    expect(() => encodeOid(text)).toThrow(expect.objectContaining({ code: "driver.unsupported" }));
  });

  it("have indexes that come back as they were", () => {
    fc.assert(
      fc.property(fc.array(arc, { minLength: 1, maxLength: 16 }), (arcs) => {
        const bytes = encodeIndex(arcs.join("."));
        expect(dottedIndex(bytes, 0, bytes.length)).toBe(arcs.join("."));
      }),
    );
  });

  it("have a prefix or not by whole arcs", () => {
    const bytes = encodeOid("1.3.6.1.2.1.25");
    expect(hasPrefix(bytes, 0, bytes.length, encodeOid("1.3.6.1.2.1"))).toBe(true);
    expect(hasPrefix(bytes, 0, bytes.length, encodeOid("1.3.6.1.2.1.2"))).toBe(false);
  });
});

describe("numbers", () => {
  it("of 32 signed bits are written minimally and read back", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (value) => {
        const bytes = encodeInteger(value);
        expect([...bytes]).toEqual([...writeInteger(value)]);
        expect(integerValue(bytes, 2, bytes.length)).toBe(value);
      }),
    );
  });

  it("of 32 unsigned bits are read from the shortest and from the padded form", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), (value) => {
        const bytes = encodeInteger(value, 0x41);
        expect(unsignedValue(bytes, 2, bytes.length)).toBe(value);
        const padded = Uint8Array.of(0, value >>> 24, value >>> 16, value >>> 8, value);
        expect(unsignedValue(padded, 0, 5)).toBe(value);
        expect(unsignedValue(padded, 1, 5)).toBe(value);
      }),
    );
  });

  it("of 64 bits are exact", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const bytes = encodeUnsigned64(value);
        expect(unsigned64Value(bytes, 2, bytes.length)).toBe(value);
      }),
    );
  });

  it.each([
    ["nothing", []],
    ["nine bytes", [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ["more than 32 bits", [0x01, 0, 0, 0, 0]],
  ])("of %s are no 32-bit integers", (_, bytes) => {
    expect(integerValue(Uint8Array.from(bytes), 0, bytes.length)).toBeNaN();
  });

  it("inside Opaque are floats, doubles, 64-bit integers and decimal text", () => {
    const read = (hex: string) => opaqueNumber(Buffer.from(hex, "hex"), 0, hex.length / 2);
    expect(read("9f780441200000")).toBe(10);
    expect(read("9f7908402399999999999a")).toBeCloseTo(9.8);
    expect(read("9f760400ffffff")).toBe(0xffffff);
    expect(read("9f7a01ff")).toBe(-1);
    expect(read("09050339452b31")).toBe(90);
    expect(read("9f7805412000")).toBeNaN();
    expect(read("")).toBeNaN();
  });
});

describe("varbinds", () => {
  const samples: readonly Varbind[] = [
    { oid: "1.3.6.1", type: "integer", value: -7 },
    { oid: "1.3.6.1", type: "gauge32", value: 4_294_967_295 },
    { oid: "1.3.6.1", type: "counter64", value: 18_446_744_073_709_551_615n },
    { oid: "1.3.6.1", type: "octet-string", value: Uint8Array.of(0, 255) },
    { oid: "1.3.6.1", type: "oid", value: "1.3.6.1.4.1.9" },
    { oid: "1.3.6.1", type: "ip-address", value: "192.0.2.1" },
    { oid: "1.3.6.1", type: "timeticks", value: 12 },
    { oid: "1.3.6.1", type: "null", value: undefined },
  ];

  it.each(samples)("of type $type are written and read", (varbind) => {
    const bytes = encodeVarbind(varbind);
    expect(readVarbind(bytes, 0, bytes.length)).toBe(true);
    const { tag, valueStart, valueEnd } = varbindSpan;
    expect(decodeValue(bytes, tag, valueStart, valueEnd)).toEqual({ type: varbind.type, value: varbind.value, fit: true });
  });

  it.each<Varbind>([
    { oid: "1.3.6.1", type: "integer", value: 2 ** 31 },
    { oid: "1.3.6.1", type: "integer", value: 1.5 },
    { oid: "1.3.6.1", type: "counter64", value: 5 },
    { oid: "1.3.6.1", type: "ip-address", value: "1.2.3" },
    { oid: "1.3.6.1", type: "octet-string", value: "text" },
  ])("whose value does not fit ($type $value) are not written", (varbind) => {
    expect(() => encodeVarbind(varbind)).toThrow(expect.objectContaining({ code: "driver.refused" }));
  });
});

describe("a request", () => {
  it("is by the book whatever its length, and takes another id without growing", () => {
    fc.assert(
      fc.property(fc.array(oid, { maxLength: 40 }), fc.integer({ min: 2 ** 23, max: 2 ** 31 - 1 }), (oids, id) => {
        const varbinds = oids.map((dotted) => nullVarbind(encodeOid(dotted)));
        const request = prepareCommunityRequest(1, Buffer.from("public"), { type: 0xa5, nonRepeaters: 1, maxRepetitions: 20, varbinds });
        patchId(request.bytes, request.idAt, id);
        const read = readMessage(request.bytes);
        expect(read).toMatchObject({ version: 1, community: "public", type: 0xa5, id, second: 1, third: 20 });
        expect(read.varbinds.map((varbind) => varbind.oid)).toEqual(oids);
        expect(readNode(request.bytes).rest.length).toBe(0);
      }),
    );
  });
});

describe("a predicted answer among others in one buffer", () => {
  const columns = [
    { oid: "1.3.6.1.2.1.2.2.1.10", as: "counter" },
    { oid: "1.3.6.1.2.1.2.2.1.8", as: "number" },
  ] as const;
  const plan = new CompiledPlan({ table: "ports", columns, rows: ["1", "2"] }, new PlanParts());
  const block = { type: 0xa5, group: plan.whole(), columnFrom: 0, columnTo: 2, rowFrom: 0, rowTo: 2, sentinel: false, opening: undefined };
  const varbind = (name: string, value: Buffer) => encodeElement(0x30, encodeElement(0x06, encodeOid(name)), value);
  const answer = Buffer.concat(
    ["1", "2"].flatMap((row) => [
      varbind(`${columns[0].oid}.${row}`, encodeInteger(70_000, 0x41)),
      varbind(`${columns[1].oid}.${row}`, encodeInteger(1)),
    ]),
  );
  const offset = 3 * 65_536;
  const buffer = Buffer.alloc(4 * 65_536, answer);
  answer.copy(buffer, offset);

  it("is read whole", () => {
    plan.clear();
    expect(readPredicted(plan, block, buffer, offset, offset + answer.length)).toBe(4);
    expect([...plan.arena.words.subarray(0, 4)]).toEqual([70_000, 0, 70_000, 0]);
    expect([...plan.arena.numbers.subarray(2)]).toEqual([1, 1]);
  });

  it("ends where it ends, whatever lies behind it", () => {
    for (let length = 0; length < answer.length; length++) {
      const count = readPredicted(plan, block, buffer, offset, offset + length);
      expect([length, count]).toEqual([length, readPredicted(plan, block, Buffer.from(answer.subarray(0, length)), 0, length)]);
      expect(count).toBeLessThan(4);
    }
  });

  it("is not read beyond a varbind that is shorter than what is in it", () => {
    const name = encodeOid(`${columns[0].oid}.1`);
    const short = Buffer.from([0x30, 5, 0x06, name.length, 0, 0, 0]);
    expect(readPredicted(plan, block, short, 0, short.length)).toBe(0);
  });
});
