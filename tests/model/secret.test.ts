import { format, inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Secret } from "../../runtime/model/secret.ts";

describe("a secret", () => {
  it("shows nothing of itself, however it is printed, and is told only to who asks for it", () => {
    const secret = new Secret("hush");
    const printed = [
      ...[`${secret}`, String(secret), JSON.stringify({ secret }), JSON.stringify([secret])],
      ...[inspect(secret), inspect({ deep: { secret } }, { depth: 9, showHidden: true }), format("%s %o %j", secret, secret, secret)],
      ...[Object.values(secret).join(), JSON.stringify(Object.entries(secret)), JSON.stringify({ ...secret })],
    ];
    expect(printed.filter((text) => text.includes("hush"))).toEqual([]);
    expect(() => structuredClone(secret)).not.toThrow();
    expect(JSON.stringify(structuredClone(secret))).not.toContain("hush");
    expect(secret.reveal()).toBe("hush");
  });
});
