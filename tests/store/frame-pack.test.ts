import { describe, expect, it } from "vitest";
import { FramePack, unpackFrames } from "../../runtime/store/worker-messages.ts";
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
      const arrived = unpackFrames(structuredClone(pack.take()));
      const bytesOf = (list: typeof arrived) =>
        list.map(({ payload, ...rest }) => ({ ...rest, payload: Buffer.from(payload).toString("hex") }));
      expect(bytesOf(arrived)).toEqual(bytesOf(frames));
      expect(pack.frames).toBe(0);
    }
  });
});
