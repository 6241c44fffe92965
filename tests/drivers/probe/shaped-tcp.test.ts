import { connect } from "node:net";
import { afterEach, expect, it } from "vitest";
import { probe, Servers } from "./probe-kit.ts";

const servers = new Servers();
afterEach(() => servers.end());

/** Sends on everything so much later, each way; keeps the order. */
async function delayedLine(port: number, delayMs: number): Promise<number> {
  return servers.tcp((near) => {
    const far = connect(port, "127.0.0.1");
    far.on("error", () => near.destroy());
    near.on("close", () => far.destroy());
    near.on("data", (part) => setTimeout(() => far.destroyed || far.write(part), delayMs));
    far.on("data", (part) => setTimeout(() => near.destroyed || near.write(part), delayMs));
    far.on("end", () => setTimeout(() => near.end(), delayMs));
  });
}

it("an http check measures the delay of a line, and that of a slow body, within five percent of what was set", async () => {
  const { url } = await servers.http((_request, response) => {
    response.write("first");
    setTimeout(() => response.end("last"), 200);
  });
  const line = await delayedLine(Number(new URL(url).port), 100);
  const seen: (readonly number[])[] = [];
  // Timings of a loaded machine go wrong upwards: one run of five must be right.
  for (let attempt = 0; attempt < 5; attempt++) {
    const { values, failure } = await probe({
      type: "http",
      target: `http://127.0.0.1:${line}/`,
      settings: { expect: { contains: ["firstlast"] } },
    });
    expect(failure).toBeUndefined();
    const [firstByte = 0, transfer = 0] = [values.get("firstByte"), values.get("transfer")];
    if (Math.abs(firstByte - 200) <= 10 && Math.abs(transfer - 200) <= 10) return;
    seen.push([firstByte, transfer]);
  }
  expect(seen, "never within 5 % of 200 and 200 ms").toEqual([]);
});
