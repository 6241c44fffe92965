import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { peer } from "../peers.ts";
import { programOfCheckout, RolloutField } from "./rollout-field.ts";

const field = new RolloutField();
const release = (version: string, patch = "") =>
  field.kit.release(version, readFileSync(programOfCheckout(field.workspace.folder, version, patch)));
const stateOf = (view: { readonly gateways: readonly { readonly gateway: string; readonly state: string }[] }, id: string) =>
  view.gateways.find(({ gateway }) => gateway === id)?.state;

describe.skipIf(!peer("mosquitto").available)("a rollout over mosquitto to two gateways under the launcher", () => {
  beforeAll(async () => {
    await field.start(programOfCheckout(field.workspace.folder, "1.0.0"));
    field.gateway("gw-first");
    field.gateway("gw-second");
    await Promise.all([field.online("gw-first"), field.online("gw-second")]);
  }, 90_000);
  afterAll(() => field.end(), 30_000);

  it("refuses a version that is not published, and waves that are none", async () => {
    const order = { version: "7.0.0" };
    expect(await field.ask("POST", "/api/rollouts", order)).toMatchObject({ error: { message: expect.stringContaining("not published") } });
    release("1.1.0");
    const wrong = { version: "1.1.0", waves: ["0%"] };
    expect(await field.ask("POST", "/api/rollouts", wrong)).toMatchObject({
      error: { message: expect.stringContaining("a wave is like") },
    });
  });

  it("updates one gateway, then the other, which was off and gets it when it returns", async () => {
    await field.gateways.get("gw-second")?.stop();
    const order = { version: "1.1.0", waves: ["1", "100%"], soakMs: 0, gateways: ["gw-first", "gw-second"] };
    expect(await field.ask("POST", "/api/rollouts", order)).toMatchObject({ state: "running", wave: 1 });
    const half = await field.rollout("the first has it", (view) => stateOf(view, "gw-first") === "confirmed" && view.wave === 2);
    expect(half.state).toBe("running");
    expect(stateOf(half, "gw-second")).not.toBe("confirmed");
    field.gateways.get("gw-second")?.start();
    const done = await field.rollout("both have it", (view) => view.state === "done");
    expect(done.gateways.map(({ state }) => state)).toEqual(["confirmed", "confirmed"]);
  }, 200_000);

  it("halts when a gateway goes back, says why, and leaves the others alone", async () => {
    release("1.2.0", "exit 1");
    await field.ask("POST", "/api/rollouts", { version: "1.2.0", waves: ["1", "100%"], soakMs: 0, gateways: ["gw-first", "gw-second"] });
    const view = await field.rollout("it halts", ({ state }) => state === "halted");
    expect(view.reason).toMatch(/^wave 1: 1 failed; acme\/gw-first rolled-back: 1\.2\.0 did not come up.*back to 1\.1\.0/);
    expect(stateOf(view, "gw-second")).toBe("not yet");
  }, 120_000);
});
