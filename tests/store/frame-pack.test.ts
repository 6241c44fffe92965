import { describe, expect, it } from "vitest";
import { detach } from "../../runtime/store/detach.ts";
import { FramePack, type FrameView } from "../../runtime/store/frame-pack.ts";
import { FrameBatch } from "../../runtime/store/held-frame.ts";
import { alarmFrame, groupFrame, slotOf } from "./frames.ts";

describe("frames on their way to the store's thread", () => {
  it("arrive as they were, whatever came between them and however many there are", () => {
    const slots = [slotOf(1, 60_000), slotOf(2, 120_000)];
    const pack = new FramePack();
    for (const round of [1, 200, 3]) {
      const frames = Array.from({ length: round }, (_, index) => {
        const slot = slots[index % 2] ?? slotOf(3, 180_000);
        return index % 7 === 6 ? alarmFrame(`alarm ${index}`) : groupFrame("x".repeat(index), slot);
      });
      for (const frame of frames) pack.add(frame);
      expect(pack.frames).toBe(round);
      const arrived = new FrameBatch(structuredClone(pack.take())).hold((index) => index);
      const bytesOf = (list: readonly FrameView[]) =>
        list.map(({ streamClass, kind, slot, samples, urgent, priority, wallMs, monotonicMs, bootId, payload }) => ({
          ...{ streamClass, kind, slot, samples, urgent, priority, wallMs, monotonicMs, bootId },
          payload: Buffer.from(payload).toString("hex"),
        }));
      expect(bytesOf(arrived)).toEqual(bytesOf(frames));
      expect(pack.frames).toBe(0);
    }
  });

  it("give their memory back when the last of them is sealed, and those that stay longer move into less of it", () => {
    const frames = Array.from({ length: 10 }, (_, index) => groupFrame(`frame ${index}`, slotOf(index < 8 ? 1 : 2, 60_000)));
    const [first, ...others] = FrameBatch.of(frames).hold((index) => index);
    const batch = first?.batch;
    for (const held of others.slice(0, 7)) held.leave();
    first?.leave();
    expect(batch?.capacity).toBe(70);
    const stay = others.slice(7);
    detach(stay);
    expect(batch?.capacity).toBe(0);
    expect(stay.map(({ payload, position }) => [Buffer.from(payload).toString("latin1"), position])).toEqual([
      ["frame 8", 8],
      ["frame 9", 9],
    ]);
    expect(stay[0]?.batch.capacity).toBe(14);
    for (const held of stay) held.leave();
    expect(stay[0]?.batch.capacity).toBe(0);
  });
});
