/**
 * `npm run bench -- remote-editor [--shaped] [--seconds 60] [--kbit 1000] [--rtt 80]`: how old the newest value of equipment polled every second is at the NOC, without
 * the remote editor and while it loads and is used over the same MQTT connection; straight to mosquitto, and over a shaped line.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { EditorField, gatewayId } from "../../e2e/editor-field.ts";
import { peer } from "../../peers.ts";
import { ShapedLine } from "./shaped-line.ts";

const { values } = parseArgs({
  options: {
    shaped: { type: "boolean" },
    seconds: { type: "string", default: "60" },
    kbit: { type: "string", default: "1000" },
    rtt: { type: "string", default: "80" },
  },
});
const seconds = Number(values.seconds);

interface Values {
  readonly nowMs: number;
  readonly values: readonly { readonly atMs: number }[];
}

const quantile = (all: readonly number[], share: number) => {
  const sorted = all.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN);
};

/** Ages of the newest value, ms, five looks a second until `isOver`. */
async function ages(field: EditorField, isOver: () => boolean): Promise<readonly number[]> {
  const found: number[] = [];
  while (!isOver()) {
    const { nowMs, values: rows } = await field.ask<Values>(
      "GET",
      `/api/gateways/${gatewayId}/values?equipment=sw-1&search=sysUpTime&limit=5`,
    );
    const newestMs = Math.max(...rows.map(({ atMs }) => atMs));
    if (Number.isFinite(newestMs)) found.push(nowMs - newestMs);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return found;
}

/** Opens the editor, deploys, closes it; again and again. */
async function use(context: BrowserContext, page: Page, isOver: () => boolean): Promise<readonly number[]> {
  const usableMs: number[] = [];
  for (let round = 0; !isOver(); round += 1) {
    const beganMs = performance.now();
    const opened = context.waitForEvent("page");
    await page.getByRole("button", { name: "Open the flow editor" }).click();
    const editor = await opened;
    await editor.waitForSelector("#red-ui-palette .red-ui-palette-node", { timeout: 180_000 });
    usableMs.push(performance.now() - beganMs);
    const nodes = [{ id: `aaaa0000bbbb${1000 + round}`, type: "tab", label: `Tab ${round}`, disabled: false, info: "" }];
    await editor.evaluate((text) => {
      const { RED } = globalThis as unknown as {
        RED: { nodes: { dirty(is: boolean): void }; view: { importNodes(nodes: string, options: object): void } };
      };
      RED.view.importNodes(text, { generateIds: false, addFlow: false, touchImport: true });
      RED.nodes.dirty(true);
    }, JSON.stringify(nodes));
    await editor.locator("#red-ui-header-button-deploy").click();
    await editor.locator(".red-ui-notification", { hasText: "Successfully deployed" }).waitFor({ timeout: 180_000 });
    await editor.close();
  }
  return usableMs;
}

async function trial(
  title: string,
  browser: Browser,
  shape: { readonly bitsPerS: number; readonly oneWayMs: number } | undefined,
): Promise<void> {
  let line: ShapedLine | undefined;
  const field = new EditorField("mosquitto", async (port) => {
    if (shape === undefined) return port;
    line = new ShapedLine(port, shape);
    return line.listen();
  });
  try {
    await field.start();
    const context = await browser.newContext({ viewport: { width: 1300, height: 850 } });
    context.setDefaultTimeout(180_000);
    const page = await context.newPage();
    await page.goto(await field.said(["noc", "sign-in", "--url", field.nocUrl(""), "--token-file", field.workspace.path("noc", "token")]));
    await page.getByRole("button", { name: "Open the flow editor" }).waitFor();
    const until = (endMs: number) => () => performance.now() > endMs;
    const quiet = await ages(field, until(performance.now() + seconds * 1_000));
    const before = line?.bytes.up ?? 0;
    const isOver = until(performance.now() + seconds * 1_000);
    const [busy, usableMs] = await Promise.all([ages(field, isOver), use(context, page, isOver)]);
    const up = line === undefined ? "" : `, ${Math.round((line.bytes.up - before) / 1_024)} KiB from the gateway`;
    console.log(
      `${title}: age of the newest value at the NOC p50 / p95 / most: ${quantile(quiet, 0.5)} / ${quantile(quiet, 0.95)} / ${quantile(quiet, 1)} ms without, ` +
        `${quantile(busy, 0.5)} / ${quantile(busy, 0.95)} / ${quantile(busy, 1)} ms with the editor (${usableMs.length} times opened and deployed, usable after ` +
        `${usableMs.map((ms) => (ms / 1_000).toFixed(1)).join(", ")} s${up}); load ${loadavg()[0]?.toFixed(1)}`,
    );
    await context.close();
  } finally {
    line?.close();
    await field.end();
  }
}

const browser = await chromium.launch({ executablePath: peer("chromium").path, args: ["--no-sandbox", "--disable-gpu"] });
try {
  if (values.shaped !== true) await trial("straight", browser, undefined);
  await trial(`${values.kbit} kbit/s, ${values.rtt} ms`, browser, {
    bitsPerS: Number(values.kbit) * 1_000,
    oneWayMs: Number(values.rtt) / 2,
  });
} finally {
  await browser.close();
}
