import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { GroupDigests } from "../../../cloud-bridge/protocol/codec/group-digests.ts";

const digestOf = (text: string) => createHash("sha256").update(text).digest();

describe("digests of groups", () => {
  it("stay with their groups when others are removed and added", () => {
    const digests = new GroupDigests();
    const kept: string[] = [];
    for (let number = 0; number < 300; number++) {
      kept.push(`group ${"x".repeat(number)}`);
      digests.push(digestOf(kept.at(-1) ?? ""), number);
      if (number % 3 !== 0) continue;
      const place = (number * 7) % kept.length;
      kept.splice(place, 1);
      digests.remove(place);
    }
    expect(kept.map((_, place) => Buffer.from(digests.digestAt(place)).toString("hex"))).toEqual(
      kept.map((text) => digestOf(text).toString("hex")),
    );
    expect(kept.map((_, place) => digests.textBytesAt(place))).toEqual(kept.map((text) => text.length - "group ".length));
  });
});
