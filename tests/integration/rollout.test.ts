import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { peer } from "../peers.ts";
import { badVersions, PackagedVersions } from "../update/packaged-versions.ts";
import { programOfCheckout, RolloutField } from "./rollout-field.ts";

const chromiumPath = "/usr/bin/chromium";
const field = new RolloutField();
/**
 * A version is a script around the checkout; a really packed program, which takes minutes to pack and to publish, if GATEHOUSE_PACKAGED_UPDATES=1 asks for that. Then the
 * gateways come with the program that GATEHOUSE_BINARY names, and the NOC is the one that GATEHOUSE_NOC_BINARY names.
 */
const packer = process.env["GATEHOUSE_PACKAGED_UPDATES"] === "1" ? new PackagedVersions(field.workspace.folder) : undefined;
const program = async (version: string, isBad = false) =>
  packer === undefined
    ? programOfCheckout(field.workspace.folder, version, isBad ? "exit 1" : "")
    : await packer.pack(version, isBad ? badVersions["crashes at its start"] : []);
const release = async (version: string, isBad = false) => field.kit.release(version, readFileSync(await program(version, isBad)));
/** For what hangs: packing and publishing take minutes on a loaded machine. */
const limitMs = packer === undefined ? 300_000 : 1_500_000;
const stateOf = (view: { readonly gateways: readonly { readonly gateway: string; readonly state: string }[] }, id: string) =>
  view.gateways.find(({ gateway }) => gateway === id)?.state;

describe.skipIf(!peer("mosquitto").available)("a rollout over mosquitto to two gateways under the launcher", () => {
  beforeAll(async () => {
    await field.start(await (packer?.factory("1.0.0") ?? program("1.0.0")));
    field.gateway("gw-first");
    field.gateway("gw-second");
    await Promise.all([field.online("gw-first"), field.online("gw-second")]);
  }, limitMs);
  afterAll(() => field.end(), 180_000);

  it(
    "refuses a version that is not published, and waves that are none",
    async () => {
      const order = { version: "7.0.0" };
      expect(await field.ask("POST", "/api/rollouts", order)).toMatchObject({
        error: { message: expect.stringContaining("not published") },
      });
      await release("1.1.0");
      const wrong = { version: "1.1.0", waves: ["0%"] };
      expect(await field.ask("POST", "/api/rollouts", wrong)).toMatchObject({
        error: { message: expect.stringContaining("a wave is like") },
      });
    },
    limitMs,
  );

  it(
    "updates one gateway, then the other, which was off and gets it when it returns",
    async () => {
      await field.gateways.get("gw-second")?.stop();
      const order = { version: "1.1.0", waves: ["1", "100%"], soakMs: 0, gateways: ["gw-first", "gw-second"] };
      expect(await field.ask("POST", "/api/rollouts", order)).toMatchObject({ state: "running", wave: 1 });
      // Held: who has the order goes on, nobody else is given it.
      expect(await field.ask("POST", "/api/rollouts/pause")).toMatchObject({
        state: "paused",
        reason: expect.stringMatching(/^held by admin/),
      });
      const half = await field.rollout("the first has it", (view) => stateOf(view, "gw-first") === "confirmed" && view.wave === 2);
      expect(half).toMatchObject({ state: "paused", counts: { confirmed: 1, "not yet": 1 } });
      expect(await field.ask("POST", "/api/rollouts/resume")).toMatchObject({ state: "running" });
      const rest = await field.rollout("the second is ordered", (view) => stateOf(view, "gw-second") === "ordered");
      expect(rest.gateways[1]?.detail).toBe("is off; gets it when it returns");
      field.gateways.get("gw-second")?.start();
      const done = await field.rollout("both have it", (view) => view.state === "done");
      expect(done.gateways.map(({ state }) => state)).toEqual(["confirmed", "confirmed"]);
    },
    limitMs,
  );

  it(
    "halts when a gateway goes back, says why, and leaves the others alone",
    async () => {
      await release("1.2.0", true);
      await field.ask("POST", "/api/rollouts", { version: "1.2.0", waves: ["1", "100%"], soakMs: 0, gateways: ["gw-first", "gw-second"] });
      const view = await field.rollout("it halts", ({ state }) => state === "halted");
      expect(view.reason).toMatch(/^wave 1: 1 failed; acme\/gw-first rolled-back: 1\.2\.0 did not come up.*back to 1\.1\.0/);
      expect(stateOf(view, "gw-second")).toBe("not yet");
    },
    limitMs,
  );

  it.skipIf(!existsSync(chromiumPath))(
    "is seen and begun at the NOC's page with the keyboard alone (needs /usr/bin/chromium)",
    async () => {
      const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic"] });
      try {
        const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
        const problems: string[] = [];
        page.on("pageerror", (error) => problems.push(error.message));
        const { url } = await field.ask<{ readonly url: string }>("POST", "/api/sign-in-links");
        await page.goto(url);
        await page.getByRole("button", { name: "Releases" }).click();
        await page.getByRole("heading", { name: "Rollout of 1.2.0" }).waitFor();
        await page.getByText(/^wave 1: 1 failed; acme\/gw-first rolled-back/).waitFor();
        await page.getByRole("cell", { name: "rolled-back" }).waitFor();
        await page.getByRole("cell", { name: "2 of 2" }).waitFor();
        await pictured(page, "halted");
        // Down to 1.1.0, which both run: done as soon as it is judged.
        await page.keyboard.press("n");
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "1.1.0 to 2 gateways" }).waitFor();
        await page.keyboard.press("ControlOrMeta+A");
        await page.keyboard.type("50%, 100%");
        await page.keyboard.press("Tab");
        await page.keyboard.type("0");
        await pictured(page, "form");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Rollout of 1.1.0" }).waitFor();
        await page.getByRole("status").filter({ hasText: "done" }).waitFor({ timeout: 60_000 });
        await page.getByText("2 of 2 confirmed").waitFor();
        await page.emulateMedia({ colorScheme: "dark" });
        await pictured(page, "dark");
        expect(problems).toEqual([]);
      } finally {
        await browser.close();
      }
    },
    limitMs,
  );
});

/** For people: GATEHOUSE_PICTURES names a folder. */
async function pictured(page: Page, name: string): Promise<void> {
  const folder = process.env.GATEHOUSE_PICTURES;
  if (folder !== undefined) await page.screenshot({ path: join(folder, `releases-${name}.png`), animations: "disabled" });
}
