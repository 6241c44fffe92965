import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../integration/processes.ts";
import { type EditorField, gatewayId } from "./editor-field.ts";

/** Where screenshots go for a person to look at; none are made without it. */
const shotFolder = process.env["GATEHOUSE_SHOTS"];

const tab = "aaaa0000bbbb0000";
const filters = { table: "", row: "", send: "every", deadband: 0, minIntervalS: 0, aggregate: "none", windowS: 60, counter: "rate" };
const drawn = [
  { id: tab, type: "tab", label: "Mine", disabled: false, info: "" },
  {
    id: "cccc0000dddd0001",
    type: "metric in",
    z: tab,
    metric: "",
    equipment: "",
    ...filters,
    x: 140,
    y: 100,
    wires: [["cccc0000dddd0002"]],
  },
  {
    ...{ id: "cccc0000dddd0002", type: "switch", z: tab, name: "too long up", property: "payload", propertyType: "msg", outputs: 1 },
    ...{ rules: [{ t: "gt", v: "0", vt: "num" }], checkall: "true", repair: false, x: 340, y: 100, wires: [["cccc0000dddd0003"]] },
  },
  {
    ...{
      id: "cccc0000dddd0003",
      type: "alarm",
      z: tab,
      alarm: "walkAlarm",
      severity: "major",
      text: "walked: {{payload}} on {{equipment}}",
    },
    ...{ equipment: "", path: "", qualifier: "", x: 540, y: 100, wires: [[]] },
  },
];

/** What the editor's page offers to scripts; only what is used here. */
interface EditorGlobal {
  readonly nodes: {
    dirty(is: boolean): void;
    eachWorkspace(each: (tab: { id: string; label: string; locked?: boolean }) => void): void;
    eachNode(each: (node: { id: string; z: string; type: string; name?: string; changed?: boolean; dirty?: boolean }) => void): void;
  };
  readonly workspaces: { show(id: string): void };
}

/** A technician's walk from the console to an alarm at the NOC. */
export function walksFromTheConsole(field: EditorField, browser: () => Browser): void {
  let page: Page;
  let editor: Page;

  beforeAll(async () => {
    page = await (await browser().newContext({ viewport: { width: 1300, height: 850 }, colorScheme: "light" })).newPage();
    page.setDefaultTimeout(90_000);
  });
  afterAll(() => page?.context().close());

  const shot = async (of: Page, name: string) => {
    if (shotFolder === undefined) return;
    for (const colorScheme of ["dark", "light"] as const) {
      await of.emulateMedia({ colorScheme });
      // Colours change gradually.
      await of.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => undefined))));
      await of.screenshot({ path: join(shotFolder, `${name}-${colorScheme}.png`) });
    }
  };
  const notice = async (words: RegExp) => {
    const found = editor.locator(".red-ui-notification", { hasText: words }).last();
    await found.waitFor();
    return (await found.textContent()) ?? "";
  };
  const isAtNoc = async (words: string) => {
    const { alarms } = await field.ask<{ alarms: { text: string }[] }>("GET", `/api/alarms?gateway=${gatewayId}`);
    return alarms.some(({ text }) => text.includes(words));
  };

  it("signs in by a one-time code and opens the editor", async () => {
    const { url, code } = await field.consoleCode();
    await page.goto(url);
    await page.getByLabel("One-time code or token").fill(code);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("button", { name: "Open the flow editor" }).waitFor();
    await shot(page, "console");
    const opened = page.context().waitForEvent("page");
    await page.getByRole("button", { name: "Open the flow editor" }).click();
    editor = await opened;
    editor.setDefaultTimeout(90_000);
    await editor.waitForSelector("#red-ui-palette .red-ui-palette-node");
    expect(editor.url()).not.toContain("access_token");
    await shot(editor, "editor");
  }, 120_000);

  it("draws metric in, switch and alarm, deploys them, and the alarm is at the NOC", async () => {
    await editor.keyboard.press("Control+i");
    // The dialog empties its text while it opens, and looks at it some time after the last key was let go: it is written once a second until it was seen.
    const text = editor.locator("#red-ui-clipboard-dialog-import-text");
    const ok = editor.locator("#red-ui-clipboard-dialog-ok");
    let writtenMs = Number.NEGATIVE_INFINITY;
    await until("the import is offered", async () => {
      if (performance.now() - writtenMs > 1_000) {
        await text.fill(JSON.stringify(drawn));
        await text.press("End");
        writtenMs = performance.now();
      }
      return ok.isEnabled();
    });
    await shot(editor, "import");
    await ok.click();
    await editor.locator(".red-ui-notification", { hasText: "Imported" }).click();
    await editor.locator("#red-ui-workspace-tabs li", { hasText: "Mine" }).click();
    await editor.locator(".red-ui-flow-node-group").nth(2).waitFor({ timeout: 60_000 });
    await editor.locator(".red-ui-flow-node-group", { hasText: "metric in" }).first().dblclick();
    const metric = editor.locator("#node-input-metric");
    await metric.waitFor();
    await editor.locator("#node-input-equipment").fill("sw-1");
    await editor.locator("#node-input-equipment").dispatchEvent("change");
    // The picker offers what this equipment really has.
    const list = `#${await metric.getAttribute("list")} option[value="sysUpTime"]`;
    await editor.locator(list).first().waitFor({ state: "attached" });
    await metric.fill("sysUpTime");
    await shot(editor, "dialog");
    await editor.getByRole("button", { name: "Done" }).click();
    await editor.locator("#red-ui-header-button-deploy").click();
    expect(await notice(/deployed|NOC|failed|refused/i)).toContain("Successfully deployed");
    await shot(editor, "deployed");
    await until("the alarm is at the NOC", () => isAtNoc("walked: "));
    await page.goto(await field.said(["noc", "sign-in", "--url", field.nocUrl(""), "--token-file", field.workspace.path("noc", "token")]));
    await page
      .getByText(/walked: \d+/)
      .first()
      .waitFor();
    await shot(page, "noc");
  }, 120_000);

  it("is told why a tab of the NOC cannot be changed", async () => {
    await field.activate("links", "link-errors", { equipment: "sw-1" });
    await editor.reload();
    await editor.locator("#red-ui-workspace-tabs li", { hasText: /link/i }).first().click();
    await shot(editor, "locked");
    await editor.evaluate(() => {
      const { nodes } = (globalThis as unknown as { RED: EditorGlobal }).RED;
      // The padlock is drawn only: whoever takes it off is still refused by the gateway.
      const locked: string[] = [];
      nodes.eachWorkspace((one) => {
        if (one.locked === true) locked.push(one.id);
        one.locked = false;
      });
      nodes.eachNode((node) => {
        if (node.type === "switch" && locked.includes(node.z)) Object.assign(node, { property: "mine", changed: true, dirty: true });
      });
      nodes.dirty(true);
    });
    await editor.locator("#red-ui-header-button-deploy").click();
    expect(await notice(/deployed|NOC|failed/i)).toContain("belongs to a service of the NOC");
    expect(await notice(/NOC/)).not.toContain("{");
    await shot(editor, "refused");
  }, 120_000);
}
