import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../integration/processes.ts";
import { type EditorField, gatewayId } from "./editor-field.ts";

/** Where screenshots go for a person to look at; none are made without it. */
const shotFolder = process.env["GATEHOUSE_SHOTS"];

/** Half a minute more: the browser's own pauses between attempts to come back, and a second opening. GATEHOUSE_EDITOR_LONG=1 asks for it. */
const isLong = process.env["GATEHOUSE_EDITOR_LONG"] === "1";

/** What the editor's page offers to scripts; only what is used here. */
interface EditorGlobal {
  readonly nodes: { dirty(is?: boolean): boolean; workspace(id: string): unknown };
  readonly comms: { subscribe(topic: string, then: () => void): void };
  readonly view: { importNodes(nodes: string, options: object): void };
}

/** The editor of a gateway through the NOC, over the gateway's own line. */
export function worksThroughTheNoc(field: EditorField, browser: () => Browser): void {
  let context: BrowserContext;
  let editor: Page;
  let ear: MqttClient;
  /** Bytes on `eds`, and arrival times of telemetry, as the broker hands them out. */
  const heard = { eds: 0, tm: [] as number[] };

  beforeAll(async () => {
    ear = await mqtt.connectAsync(`mqtt://127.0.0.1:${field.brokerPort}`, { protocolVersion: 5 });
    ear.on("message", (topic, payload) => {
      if (topic.endsWith("/eds")) heard.eds += payload.length;
      else heard.tm.push(performance.now());
    });
    await ear.subscribeAsync(["gh/1/demo/g/+/eds", "gh/1/demo/g/+/tm"], { qos: 0 });
    context = await browser().newContext({ viewport: { width: 1300, height: 850 } });
    context.setDefaultTimeout(90_000);
  });

  afterAll(async () => {
    await context?.close();
    await ear?.endAsync(true);
  });

  const openEditor = async (from: Page): Promise<Page> => {
    const opened = context.waitForEvent("page");
    await from.getByRole("button", { name: "Open the flow editor" }).click();
    const page = await opened;
    await page.waitForSelector("#red-ui-palette .red-ui-palette-node", { timeout: 120_000 });
    return page;
  };
  const shot = async (of: Page, name: string) => {
    if (shotFolder !== undefined) await of.screenshot({ path: join(shotFolder, `${name}.png`) });
  };
  /** Largest pause between two telemetry messages since `fromMs`, ms. */
  const longestPause = (fromMs: number) => {
    const times = [fromMs, ...heard.tm.filter((at) => at > fromMs), performance.now()];
    return Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at)));
  };

  it("opens from the gateway's page and deploys, while telemetry goes on", async () => {
    const page = await context.newPage();
    await page.goto(await field.said(["noc", "sign-in", "--url", field.nocUrl(""), "--token-file", field.workspace.path("noc", "token")]));
    await page.getByRole("button", { name: "Open the flow editor" }).waitFor();
    await shot(page, "remote-noc");
    const startedMs = performance.now();
    const before = heard.eds;
    editor = await openEditor(page);
    const seconds = (performance.now() - startedMs) / 1_000;
    const first = heard.eds - before;
    await shot(editor, "remote-editor");
    expect(editor.url()).toContain(`/gateways/demo/${gatewayId}/editor/`);
    expect(new URL(editor.url()).origin).not.toBe(new URL(page.url()).origin);
    // biome-ignore lint/suspicious/noConsole: figures for whoever runs this by hand
    console.log(
      `remote editor: usable after ${seconds.toFixed(1)} s and ${first} bytes from the gateway; longest pause of telemetry ${longestPause(startedMs).toFixed(0)} ms`,
    );
    // The editor's own files (2 MB) never come from the gateway.
    expect(first).toBeLessThan(400_000);
    if (isLong) {
      await editor.close();
      const middle = heard.eds;
      editor = await openEditor(page);
      // What did come is asked again by its tag.
      expect(heard.eds - middle).toBeLessThan(first);
    }
    await editor.evaluate(() => {
      const { RED } = globalThis as unknown as { RED: EditorGlobal };
      const nodes = [
        { id: "aaaa0000bbbb0001", type: "tab", label: "From afar", disabled: false, info: "" },
        { id: "cccc0000dddd0009", type: "comment", z: "aaaa0000bbbb0001", name: "drawn at the NOC", info: "", x: 200, y: 100, wires: [] },
      ];
      RED.view.importNodes(JSON.stringify(nodes), { generateIds: false, addFlow: false, touchImport: true });
      RED.nodes.dirty(true);
    });
    await editor.locator("#red-ui-header-button-deploy").click();
    await editor.locator(".red-ui-notification", { hasText: "Successfully deployed" }).waitFor();
  }, 120_000);

  it.runIf(isLong)(
    "keeps what was drawn over a cut of the line, and deploys it afterwards",
    async () => {
      await editor.evaluate(() => {
        const { RED } = globalThis as unknown as { RED: EditorGlobal };
        const nodes = [{ id: "aaaa0000bbbb0002", type: "tab", label: "Unsaved", disabled: false, info: "" }];
        RED.view.importNodes(JSON.stringify(nodes), { generateIds: false, addFlow: false, touchImport: true });
        RED.nodes.dirty(true);
      });
      await field.cutLine();
      await editor.locator(".red-ui-notification", { hasText: /lost connection/i }).waitFor({ timeout: 120_000 });
      await field.restoreLine();
      await editor.locator(".red-ui-notification", { hasText: /lost connection/i }).waitFor({ state: "hidden", timeout: 120_000 });
      await shot(editor, "remote-back");
      const sentences = editor.locator(".red-ui-notification", { hasText: "Successfully deployed" });
      await until(
        "what was drawn is deployed",
        async () => {
          if ((await sentences.count()) > 0) return true;
          await editor.locator("#red-ui-header-button-deploy").click();
          await sentences.first().waitFor({ timeout: 60_000 });
          return true;
        },
        120_000,
      );
      const tabs = await editor.locator("#red-ui-workspace-tabs").textContent();
      expect(tabs).toContain("Unsaved");
    },
    100_000,
  );

  it("lets nobody in without the NOC's ticket, and uses each once", async () => {
    const { url } = await field.ask<{ url: string }>("POST", `/api/gateways/${gatewayId}/editor`);
    const bare = url.split("?")[0] ?? "";
    expect((await fetch(`${bare}settings`)).status).toBe(403);
    expect((await fetch(url, { redirect: "manual" })).status).toBe(303);
    expect((await fetch(url, { redirect: "manual" })).status).toBe(403);
    expect((await fetch(`${bare}flows`, { method: "POST", headers: { origin: field.nocUrl("") }, body: "{}" })).status).toBe(403);
  });
}
