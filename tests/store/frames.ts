import type { Frame, Slot } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import type { ChunkAssembler } from "#ports/codec.ts";

/** A chunk is the text of its head and frames: easy to read back, the same bytes for the same input. */
export const plainAssembler: ChunkAssembler = {
  maxFrameBytes: 65_536,
  assemble(head, frames) {
    const texts = frames.map((frame) => Buffer.from(frame.payload).toString("latin1"));
    if (texts.includes("poison")) throw new GatewayError("codec.malformed");
    return Buffer.from(
      `${JSON.stringify([head.stream, head.seq, head.slot?.id ?? null, head.slot?.flags ?? 0])}\n${texts.join("|")}`,
      "latin1",
    );
  },
};

/** Flags of a plain chunk's slot. */
export function flagsOf(bytes: Uint8Array | undefined): number | undefined {
  const [head = ""] = Buffer.from(bytes ?? [])
    .toString("latin1")
    .split("\n");
  const flags: unknown = head === "" ? undefined : JSON.parse(head)[3];
  return typeof flags === "number" ? flags : undefined;
}

/** What the frames of a plain chunk said. */
export function textsOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString("latin1");
  return text.slice(text.indexOf("\n") + 1).split("|");
}

export function slotOf(id: number, endsAtMs: number, overrides: Partial<Slot> = {}): Slot {
  return { id, intervalMs: 60_000, t0: 0, flags: 0, dictionaryRevision: 1, intervals: 1, endsAtMs, bootId: "b00t0001", ...overrides };
}

export function groupFrame(text: string, slot: Slot, overrides: Partial<Frame> = {}): Frame {
  return {
    streamClass: "T",
    kind: "group",
    slot,
    samples: 10,
    urgent: false,
    priority: 2,
    wallMs: 1_800_000_000_000 + slot.endsAtMs,
    monotonicMs: slot.endsAtMs,
    bootId: slot.bootId,
    payload: Buffer.from(text, "latin1"),
    ...overrides,
  };
}

export function alarmFrame(text: string, overrides: Partial<Frame> = {}): Frame {
  return {
    streamClass: "E",
    kind: "json",
    samples: 0,
    urgent: true,
    priority: 4,
    wallMs: 1_800_000_000_000,
    monotonicMs: 0,
    bootId: "b00t0001",
    payload: Buffer.from(text, "latin1"),
    ...overrides,
  };
}

export function dictFrame(text: string): Frame {
  return { ...alarmFrame(text), streamClass: "T", kind: "dict", urgent: false, priority: 3 };
}
