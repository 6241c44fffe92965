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

it("an http check puts the delay of a line and a slow body where they belong", async () => {
  const { url } = await servers.http((_request, response) => {
    response.write("first");
    setTimeout(() => response.end("last"), 200);
  });
  const line = await delayedLine(Number(new URL(url).port), 100);
  const { values, failure } = await probe({
    type: "http",
    target: `http://127.0.0.1:${line}/`,
    settings: { expect: { contains: ["firstlast"] } },
  });
  expect(failure).toBeUndefined();
  const [connect = 0, firstByte = 0, transfer = 0] = ["connect", "firstByte", "transfer"].map((name) => values.get(name));
  // How much more than that is a matter of the machine's load: `npm run bench -- checks` says it.
  expect(firstByte).toBeGreaterThanOrEqual(199);
  expect(firstByte + transfer).toBeGreaterThanOrEqual(398);
  expect(connect).toBeLessThan(firstByte);
});
