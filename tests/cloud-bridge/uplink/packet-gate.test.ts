import fc from "fast-check";
import { generate } from "mqtt-packet";
import { expect, it } from "vitest";
import { PacketGate } from "../../../cloud-bridge/uplink/packet-gate.ts";

function packetsOf(gate: PacketGate): Buffer[] {
  const packets: Buffer[] = [];
  for (let next = gate.next(); next instanceof Uint8Array; next = gate.next()) packets.push(next);
  return packets;
}

it("gives back the same packets however the bytes are cut", () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 20_000 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(payloads, fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 50 }), (bodies, cuts) => {
      const packets = bodies.map((body) =>
        generate({ cmd: "publish", topic: "a", payload: Buffer.from(body), qos: 0, dup: false, retain: false }, { protocolVersion: 5 }),
      );
      const all = Buffer.concat(packets);
      const gate = new PacketGate(262_144);
      const seen: Buffer[] = [];
      for (let from = 0, turn = 0; from < all.length; turn++) {
        const length = cuts[turn % cuts.length] ?? 1;
        gate.push(all.subarray(from, from + length));
        seen.push(...packetsOf(gate));
        from += length;
      }
      expect(Buffer.concat(seen).equals(all)).toBe(true);
      expect(seen.length).toBe(packets.length);
      expect(gate.heldBytes).toBe(0);
    }),
    { numRuns: 100 },
  );
});

it("refuses a packet by its announced length before any of it is there", () => {
  const gate = new PacketGate(262_144);
  gate.push(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f));
  expect(gate.next()).toBe("packet-too-large");
});

it("takes a packet of exactly the limit and refuses one byte more", () => {
  const head = Uint8Array.of(0x30, 0x80, 0x80, 0x10);
  const size = 4 + 0x10 * 128 * 128;
  const exact = new PacketGate(size);
  exact.push(head);
  expect(exact.next()).toBeUndefined();
  exact.push(new Uint8Array(size - 4));
  expect(exact.next()).toHaveLength(size);
  const tight = new PacketGate(size - 1);
  tight.push(head);
  expect(tight.next()).toBe("packet-too-large");
});

it("refuses a length of five digits", () => {
  const gate = new PacketGate(262_144);
  gate.push(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x01));
  expect(gate.next()).toBe("malformed-length");
});

it("takes a packet that drips in byte by byte", () => {
  const gate = new PacketGate(262_144);
  const packet = Buffer.concat([Uint8Array.of(0x30, 0x80, 0x40), new Uint8Array(8_192).fill(7)]);
  let whole: unknown;
  for (const byte of packet) {
    gate.push(Uint8Array.of(byte));
    whole = gate.next() ?? whole;
  }
  expect(whole).toEqual(packet);
});

it.each([0x00, 0x10, 0x20 | 1, 0x36, 0x48, 0x61, 0x80, 0xa0, 0xc0, 0xf1])(
  "refuses a packet that begins with 0x%x before it is whole",
  (byte) => {
    const gate = new PacketGate(262_144);
    gate.push(Uint8Array.of(byte, 0x54));
    expect(gate.next()).toBe("malformed-header");
  },
);
