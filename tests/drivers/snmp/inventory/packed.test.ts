import { describe, expect, it } from "vitest";
import { Packed } from "../../../../drivers/snmp/inventory/packed.ts";

const device = (serial: number) => ({
  serial: `S${serial}`,
  ports: Array.from({ length: 48 }, (_, port) => ({ name: `port ${port}`, speed: 1e9, address: `00:00:00:00:${serial % 97}:${port}` })),
});

describe("a packed value", () => {
  it("comes back as it was, whichever of its kind it is", () => {
    const devices = Array.from({ length: 9 }, (_, at) => device(at * 7919));
    const packed = devices.map((one) => new Packed(one, "switch of the test"));
    expect(packed.map((one) => one.unpack())).toEqual(devices);
  });

  it("comes back as it was after very many kinds", () => {
    const packed = Array.from({ length: 200 }, (_, at) => new Packed(device(at), `kind ${at % 100}`));
    expect(packed[199]?.unpack()).toEqual(device(199));
  });
});
