import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe } from "vitest";
import { peer } from "../peers.ts";
import { EditorField } from "./editor-field.ts";
import { walksFromTheConsole } from "./editor-walk.ts";
import { worksThroughTheNoc } from "./remote-editor.ts";

const needed = [peer("chromium"), peer("mosquitto")];
const missing = needed.map(({ reason }) => reason).join(" ");

/** One site, one browser: each costs seconds to start. */
describe.skipIf(needed.some(({ available }) => !available))(`the flow editor in Chromium ${missing}`, () => {
  const field = new EditorField("mosquitto");
  let browser: Browser;

  beforeAll(async () => {
    const launching = chromium.launch({ executablePath: needed[0]?.path ?? "", args: ["--no-sandbox", "--disable-gpu"] });
    await field.start();
    browser = await launching;
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await field.end();
  }, 120_000);

  describe("a technician's walk from the console to an alarm at the NOC", () => walksFromTheConsole(field, () => browser));
  describe("the editor of a gateway through the NOC", () => worksThroughTheNoc(field, () => browser));
});
