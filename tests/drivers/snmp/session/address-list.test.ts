import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressesIn, textOfAddresses } from "../../../../drivers/snmp/session/address-list.ts";

const address = (number: number): string => (number.toString(16).padStart(12, "0").match(/../g) ?? []).join(":");
const read = (text: string): readonly string[] => addressesIn(text) ?? text.split("\n");

describe("addresses of ports", () => {
  it("are a character each where each is the one before plus one", () => {
    const ports = Array.from({ length: 48 }, (_, port) => address(0x00_1b_21_00_00_10 + port));
    expect(textOfAddresses(ports).length).toBeLessThan(60);
    expect(read(textOfAddresses(ports))).toEqual(ports);
  });

  it("come back as they were, in any order, with gaps, and with ports that have none", () => {
    const one = fc.oneof(
      fc.constant(""),
      fc.integer({ min: 0, max: 2 ** 48 - 1 }).map(address),
      fc.integer({ min: 0, max: 600 }).map(address),
    );
    fc.assert(
      fc.property(fc.array(one, { minLength: 1 }), (ports) => {
        expect(read(textOfAddresses(ports))).toEqual(ports);
      }),
    );
  });

  it("stay text where something else stands among them", () => {
    expect(read(textOfAddresses(["00:1b:21:00:00:10", "unknown"]))).toEqual(["00:1b:21:00:00:10", "unknown"]);
  });

  it("that begin like a short form are not taken for one", () => {
    expect(read(textOfAddresses(["\0x", "y"]))).toEqual([" x", "y"]);
  });
});
