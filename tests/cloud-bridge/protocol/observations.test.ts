import { describe, expect, it } from "vitest";
import type { StreamId } from "#model/chunk.ts";
import type { EquipmentId } from "#model/equipment.ts";
import type { AlarmChange, Inventory } from "#model/observation.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import type { JsonObservation } from "../../../cloud-bridge/protocol/codec/observation-json.ts";
import { assertValid } from "../../../cloud-bridge/protocol/schema.ts";
import { bootWallMs, instant, seededEntropy } from "./site.ts";

const stream = "0123456789ab" as StreamId;
const encoder = createFrameEncoder({ entropy: seededEntropy(1), streamSalt: "gw-1" });
const at = instant(1_000);
const equipment = "sw-1" as EquipmentId;

const alarm: AlarmChange = {
  kind: "alarm",
  op: "raise",
  id: "01K9ZQ3C5T4M8Y2X7W6V5B4N3M",
  key: "a1:00",
  rev: 3,
  equipment,
  path: "interface/Gi1/0/24",
  type: "linkDown",
  qualifier: "",
  severity: "major",
  cleared: false,
  text: "Uplink down",
  observedAt: at,
  raisedAt: instant(500),
  changes: 2,
  attributes: { cause: "lossOfSignal", label: "Gi1/0/24", ticket: "T-1", sev: "critical", k: "event" },
};

/** One batch, through the bytes and back. */
function sent(observations: readonly JsonObservation[]) {
  const frames = observations.map((observation) => encoder.encodeObservation(observation));
  const payload = createChunkDecoder().decode(createChunkAssembler().assemble({ stream, seq: 881 }, frames));
  if (payload.kind !== "json") throw new Error(payload.kind);
  return payload.body as {
    readonly e: readonly Record<string, unknown>[];
    readonly add: readonly Record<string, unknown>[];
    readonly at: number;
  };
}

describe("observations that travel as JSON", () => {
  it("carry an alarm with the field's names, which its attributes cannot overwrite", () => {
    const body = sent([alarm]);
    expect(() => assertValid("ev", body)).not.toThrow();
    expect(() => assertValid("alarm", body.e[0])).not.toThrow();
    expect(body.at).toBe(bootWallMs + 1_000);
    expect(body.e[0]).toMatchObject({
      k: "alarm",
      op: "raise",
      sev: "major",
      clr: false,
      cause: "lossOfSignal",
      res: { dev: "sw-1", path: "interface/Gi1/0/24", label: "Gi1/0/24" },
      t0: bootWallMs + 500,
      tc: bootWallMs + 1_000,
      n: 2,
      attrs: { ticket: "T-1", sev: "critical", k: "event" },
    });
  });

  it("carry gaps, anchors, events and checks in one batch, in order", () => {
    const body = sent([
      { kind: "gap", observedAt: at, reason: "cap", stream: "9f3c0a1b22cc", fromSeq: 5, toSeq: 9, samples: 7_500 },
      { kind: "gap", observedAt: at, reason: "restart", fromMs: bootWallMs },
      {
        kind: "anchor",
        observedAt: at,
        anchor: { bootId: "b7c1", monotonicMs: at.monotonicMs, wallMs: at.wallMs, source: "ntp", errorMs: 12 },
      },
      { kind: "event", type: "syslog", source: "syslog", severity: "warning", text: "x", observedAt: at, attributes: { facility: 3 } },
      { kind: "check", check: "wan-http", observedAt: at, ok: false, vantage: "eth0", evidence: { error: "ETIMEDOUT" } },
    ]);
    expect(() => assertValid("ev", body)).not.toThrow();
    expect(body.e).toMatchObject([
      { k: "stream.gap", s: "9f3c0a1b22cc", from: 5, to: 9, reason: "cap", n: 7_500 },
      { k: "stream.gap", reason: "restart", t0: bootWallMs },
      { k: "clock.anchor", boot: "b7c1", wall: bootWallMs + 1_000, src: "ntp", err: 12 },
      { k: "event", type: "syslog", sev: "warning" },
      { k: "check", check: "wan-http", ok: false, ev: { error: "ETIMEDOUT" } },
    ]);
    expect(body.e[1]).not.toHaveProperty("s");
  });

  it("say boot and monotonic time while the clock was never set", () => {
    const [element] = sent([{ ...alarm, observedAt: instant(2_000, { quality: "unanchored" }) }]).e;
    expect(element).toMatchObject({ clk: { boot: "b00t0001", mono: 2_000, q: "unanchored" } });
  });

  it("leave out attributes that are too long or no JSON, and say so; the alarm itself always goes", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    for (const attributes of [{ noise: "x".repeat(9_000) }, cyclic, { big: 1n }]) {
      expect(sent([{ ...alarm, attributes }]).e[0]).toMatchObject({
        k: "alarm",
        key: "a1:00",
        omitted: expect.stringContaining("attributes"),
      });
    }
  });

  it("carry an inventory whole, and cut one that would not fit", () => {
    const component = { kind: "interface" as const, key: "1", name: "x".repeat(100), attributes: {} };
    const inventory = (components: number): Inventory => ({
      kind: "inventory",
      equipment,
      observedAt: at,
      identity: { deviceClass: "switch", evidence: ["sysObjectID"] },
      components: Array.from({ length: components }, () => component),
      changes: [],
    });
    const body = sent([inventory(30)]);
    expect(() => assertValid("inv", body)).not.toThrow();
    expect(body.add[0]).toMatchObject({ id: "sw-1", identity: { deviceClass: "switch" } });
    expect(body.add[0]).not.toHaveProperty("omitted");
    const cut = sent([inventory(5_000)]).add[0];
    const kept: unknown = cut?.["components"];
    expect(Number(cut?.["omitted"]) + (Array.isArray(kept) ? kept.length : Number.NaN)).toBe(5_000);
  });

  it("are urgent where they must be durable at once, and compressed from 2 KB on", () => {
    expect(encoder.encodeObservation(alarm)).toMatchObject({ streamClass: "E", urgent: true, priority: 4 });
    const bytes = (count: number) =>
      createChunkAssembler().assemble({ stream, seq: 1 }, new Array(count).fill(encoder.encodeObservation(alarm)));
    expect(bytes(1)[0]).toBe(0x7b);
    expect(bytes(20)[0]).toBe(0x28);
    expect(bytes(20).length).toBeLessThan(1_000);
  });
});
