import { decode, encode } from "cborg";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CborItem, CborReader } from "../../../cloud-bridge/protocol/codec/cbor-reader.ts";
import { CborWriter } from "../../../cloud-bridge/protocol/codec/cbor-writer.ts";
import { WireFloat, type WireValue } from "../../../cloud-bridge/protocol/codec/layout.ts";

/** An independent implementation (cborg) reads what we write, and writes what we read. */
const wireValue: fc.Arbitrary<WireValue> = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 64n), max: -(2n ** 53n) }),
  fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: "binary", maxLength: 300 }).map((text) => text.toWellFormed()),
  fc.constantFrom(null, true, false),
);

const plain = (value: WireValue | CborItem): unknown => (value instanceof WireFloat ? value.value : value);

describe("the CBOR writer and reader", () => {
  it("write what another implementation reads the same, whatever the size of the buffer they began with", () => {
    fc.assert(
      fc.property(fc.array(wireValue, { maxLength: 40 }), fc.uint8Array({ maxLength: 300 }), (values, bytes) => {
        const writer = new CborWriter(1);
        writer.array(values.length + 1);
        for (const value of values) writer.value(value);
        writer.bytes(bytes);
        expect(decode(writer.view())).toEqual([...values, bytes]);
      }),
    );
  });

  it("read what another implementation writes", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            wireValue,
            fc.constantFrom(1e300, 2 ** 70, -(2 ** 70)).map((value) => new WireFloat(value)),
          ),
          { maxLength: 40 },
        ),
        (values) => {
          const read = new CborReader(encode(values.map(plain), { float64: false })).readAll();
          expect(Array.isArray(read) ? read.map(plain) : read).toEqual(values.map(plain));
        },
      ),
    );
  });

  it("tell floats of integral value from integers, and keep -0", () => {
    for (const value of [0, -0, 1, 2 ** 53, 2 ** 52, -1e300]) {
      const writer = new CborWriter();
      writer.value(new WireFloat(value));
      const read = new CborReader(writer.view()).readAll();
      expect(read).toBeInstanceOf(WireFloat);
      expect(plain(read)).toBe(value);
    }
    const writer = new CborWriter();
    writer.value(7);
    expect(new CborReader(writer.view()).readAll()).toBe(7);
  });

  it("never write again where something was cut off, and close up the room that the head of an array did not need", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(), { maxLength: 300 }), { maxLength: 20 }), (lists) => {
        const writer = new CborWriter(64);
        const cut = lists.map((list) => {
          writer.reset().uint(7);
          const at = writer.length;
          writer.skip(3);
          for (const value of list) writer.uint(value);
          writer.patchArray(at, 3, list.length);
          return writer.cut();
        });
        for (const [index, bytes] of cut.entries()) expect(decode(bytes.subarray(1))).toEqual(lists[index]);
      }),
    );
  });

  it("write 64-bit values from halves as the same integer", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const writer = new CborWriter();
        writer.uint64(Number(value & 0xffff_ffffn), Number(value >> 32n));
        expect(BigInt(decode(writer.view()) as number | bigint)).toBe(value);
      }),
    );
  });
});
