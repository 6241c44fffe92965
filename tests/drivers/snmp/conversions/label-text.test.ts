import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { labelText, maxLabelLength, nameInIndex } from "../../../../drivers/snmp/conversions/label-text.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("labels from what agents send", () => {
  it("reads UTF-8, strips trailing NULs and makes one line of it", () => {
    expect(labelText("auto", undefined, bytes("Gi1/0/3\r\nuplink\0\0"))).toBe("Gi1/0/3 uplink");
  });

  it("reads Latin-1 where it is no UTF-8", () => {
    expect(labelText("auto", undefined, Uint8Array.of(0x42, 0xfc, 0x72, 0x6f))).toBe("Büro");
  });

  it("writes six bytes that are no text as an address, other octets as hexadecimal", () => {
    expect(labelText("auto", undefined, Uint8Array.of(0x80, 0x2a, 0xa8, 0x4d, 0xa4, 0x36))).toBe("80:2a:a8:4d:a4:36");
    expect(labelText("auto", undefined, Uint8Array.of(0x80, 0, 1))).toBe("800001");
  });

  it("keeps six characters that are text", () => {
    expect(labelText("auto", undefined, bytes("ether1"))).toBe("ether1");
  });

  it("reads addresses given as text, and takes no address for none", () => {
    expect(labelText("mac", undefined, bytes("00:1A:2b:3c:4d:5e"))).toBe("00:1a:2b:3c:4d:5e");
    expect(labelText("mac", undefined, new Uint8Array(6))).toBe("");
    expect(labelText("mac", undefined, new Uint8Array())).toBe("");
  });

  it("names enumerated values, by the last arc where they are OIDs, and keeps unknown ones as they are", () => {
    expect(labelText("enum", "ifType", 6)).toBe("ethernetCsmacd");
    expect(labelText("enum", "ifType", 4_711)).toBe("4711");
    expect(labelText("enum", "hrStorageType", "1.3.6.1.2.1.25.2.1.4")).toBe("fixedDisk");
  });

  it("writes IPv4 and IPv6 addresses", () => {
    expect(labelText("ip", undefined, Uint8Array.of(192, 0, 2, 1))).toBe("192.0.2.1");
    expect(labelText("ip", undefined, Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))).toBe(
      "2001:0db8:0000:0000:0000:0000:0000:0001",
    );
  });

  it("finds a name in an index, and none where the length lies", () => {
    expect(nameInIndex("4.110.97.109.101.7")).toBe("name");
    expect(nameInIndex("40.110.97")).toBe("");
    expect(nameInIndex("2.300.97")).toBe("");
  });

  it("never throws, never exceeds its length, never lets control characters through", () => {
    const format = fc.constantFrom("text", "auto", "mac", "ip", "hex", "enum", "integer", "oid") as fc.Arbitrary<"auto">;
    fc.assert(
      fc.property(format, fc.uint8Array({ maxLength: 600 }), (how, octets) => {
        const label = labelText(how, "ifType", octets);
        expect(label.length).toBeLessThanOrEqual(maxLabelLength);
        expect(label).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
