import { describe, expect, it } from "vitest";
import { convertBytes, convertNumber, convertText, rowFactor, valueForm } from "../../../../drivers/snmp/conversions/convert.ts";

describe("conversions of numbers", () => {
  it("divide rather than multiply, so that a tenth stays a tenth", () => {
    expect(convertNumber({ is: "divide", by: 10 }, 231, 1)).toBe(23.1);
  });

  it("add 2^32 to a storage size that ran over, and multiply by the units", () => {
    const conversion = { is: "storage-units", units: "units" } as const;
    const factor = rowFactor(conversion, { units: "4096" });
    expect(convertNumber(conversion, -1_294_967_296, factor)).toBe(3_000_000_000 * 4_096);
  });

  it.each(["0", "-4096", "", "many"])("give no storage size with units of %j", (units) => {
    expect(rowFactor({ is: "storage-units", units: "units" }, { units })).toBeNaN();
  });

  it.each([
    ["8", "0", 23_100, 23.1],
    ["9", "1", 235, 23.5],
    ["10", "0", 2, 2_000],
    ["8", "2", 1_234_567, 12.34567],
    ["9", "-2", 35, 35],
  ])("apply scale %s and precision %s of ENTITY-SENSOR-MIB", (scale, precision, value, expected) => {
    const conversion = { is: "entity-sensor", scale: "s", precision: "p" } as const;
    expect(convertNumber(conversion, value, rowFactor(conversion, { s: scale, p: precision }))).toBeCloseTo(expected, 10);
  });

  it.each([
    ["99", "0"],
    ["9", "77"],
    ["", ""],
  ])("give no sensor value with scale %j and precision %j", (s, p) => {
    expect(rowFactor({ is: "entity-sensor", scale: "s", precision: "p" }, { s, p })).toBeNaN();
  });

  it("turn levels into per cent of the capacity, and special levels into none", () => {
    const conversion = { is: "percent-of", label: "max" } as const;
    expect(convertNumber(conversion, 750, rowFactor(conversion, { max: "1500" }))).toBe(50);
    expect(convertNumber(conversion, 37, rowFactor(conversion, { max: "-2" }))).toBe(37);
    expect(convertNumber(conversion, -3, rowFactor(conversion, { max: "1500" }))).toBeNaN();
  });

  it("keep the special levels as a state", () => {
    expect([250, 0, -1, -2, -3, -4].map((level) => convertNumber({ is: "special-level" }, level, 1))).toEqual([
      0,
      0,
      -1,
      -2,
      -3,
      Number.NaN,
    ]);
  });
});

describe("conversions of texts", () => {
  it.each([
    ["28 C/82 F", 28],
    ["43.2", 43.2],
    [" -71 dBm", -71],
    ["1200 RPM", 1200],
    ["none", Number.NaN],
    ["", Number.NaN],
  ])("find the first number in %j", (text, expected) => {
    expect(convertText({ is: "number-in-text" }, text)).toBe(expected);
  });

  it("find the first percentage in a sentence", () => {
    expect(convertText({ is: "percent-in-text" }, "    5 Secs ( 62.8549%)   60 Secs ( 61.1%)")).toBe(62.8549);
  });

  it.each([
    ["1.81 TB", Math.round(1.81 * 1024 ** 4)],
    ["512 MB", 512 * 1024 ** 2],
    ["7.5 GiB", 7.5 * 1024 ** 3],
    ["900 Bytes", 900],
    ["plenty", Number.NaN],
  ])("read the size %j", (text, expected) => {
    expect(convertText({ is: "size-in-text" }, text)).toBe(expected);
  });

  it("know states by their text, whatever its case", () => {
    const conversion = { is: "text-state", values: { good: 0, warning: 1 } } as const;
    expect([" Good ", "WARNING", "odd", "constructor"].map((text) => convertText(conversion, text))).toEqual([
      0,
      1,
      Number.NaN,
      Number.NaN,
    ]);
  });

  it("give up on texts that are too long to be a value", () => {
    expect(convertText({ is: "number-in-text" }, `7${" ".repeat(10_000)}`)).toBeNaN();
  });
});

describe("conversions of octets", () => {
  it("count bits from the highest of the first byte; a missing byte is clear, an empty value is none", () => {
    const noPaper = { is: "bit", position: 1 } as const;
    const late = { is: "bit", position: 9 } as const;
    expect(convertBytes(noPaper, Uint8Array.of(0x40))).toBe(1);
    expect(convertBytes(noPaper, Uint8Array.of(0x80))).toBe(0);
    expect(convertBytes(late, Uint8Array.of(0x40))).toBe(0);
    expect(convertBytes(late, Uint8Array.of(0, 0x40))).toBe(1);
    expect(convertBytes(noPaper, new Uint8Array())).toBeNaN();
  });

  it("read flag characters by position from one", () => {
    const flags = new TextEncoder().encode("0100x");
    expect([1, 2, 5, 99].map((position) => convertBytes({ is: "flag-character", position }, flags))).toEqual([
      0,
      1,
      Number.NaN,
      Number.NaN,
    ]);
  });
});

describe("the form to ask for", () => {
  it("is text only where the agent really answers with text", () => {
    expect(valueForm({ is: "number-in-text" }, true)).toBe("text");
    expect(valueForm({ is: "number-in-text" }, false)).toBe("number");
    expect(valueForm({ is: "bit", position: 3 }, true)).toBe("bytes");
    expect(valueForm(undefined, false)).toBe("number");
  });
});
