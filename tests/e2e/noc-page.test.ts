import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { formatHello, formatState } from "../../cloud-bridge/protocol/messages/presence.ts";
import { runDemoBroker } from "../../runtime/demo/broker.ts";
import { equipmentId, instant, SmallGateway, switchReport, switchShape } from "../cloud-bridge/noc/small-gateway.ts";
import { freePort, Publisher, until } from "../integration/noc-peers.ts";
import { gatehouse, type RunningProcess, Workspace } from "../integration/processes.ts";

const chromiumPath = "/usr/bin/chromium";
const browserArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const token = "a".repeat(64);
const shape = switchShape("sw-1", 12, 60_000);

describe.skipIf(!existsSync(chromiumPath))("the NOC's page in Chromium (needs /usr/bin/chromium)", () => {
  const stop = new AbortController();
  const workspace = new Workspace();
  let broker: Promise<void>;
  let noc: RunningProcess;
  let nocUrl: string;
  let publisher: Publisher;
  let browser: Browser;
  let page: Page;
  let problems: string[];
  const gateway = new SmallGateway("gw-lisbon-01");
  const nowMs = Date.now();
  const at = (poll: number) => ({ wallMs: nowMs - 3_000_000 + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 });

  beforeAll(async () => {
    const port = await freePort();
    const listening = Promise.withResolvers<void>();
    broker = runDemoBroker("127.0.0.1", port, stop.signal, () => listening.resolve());
    await listening.promise;
    const args = ["noc", "serve", "--broker", `mqtt://127.0.0.1:${port}`, "--dir", workspace.path("noc"), "--tenant", "acme"];
    const nocPort = await freePort();
    nocUrl = `http://127.0.0.1:${nocPort}`;
    noc = gatehouse([
      ...args,
      "--listen",
      `127.0.0.1:${nocPort}`,
      "--token-file",
      workspace.write("token", token),
      "--editor-listen",
      "127.0.0.1:0",
    ]);
    await noc.until("the NOC is at the broker", () => noc.lines.some((line) => line.includes("connected to the broker")), 120_000);
    publisher = await Publisher.connect(`mqtt://127.0.0.1:${port}`, "gw-lisbon-01");
    await publisher.publish("state", formatState({ v: 1, on: true, conn: 1, boot: "b1", why: "connect" }), true);
    const hello = {
      v: 1,
      gw: "gw-lisbon-01",
      site: "lisbon-01",
      agent: "9.8.7",
      boot: "b1",
      conn: 1,
      proto: { min: 1, max: 1 },
      caps: [],
    } as const;
    await publisher.publish("hello", formatHello({ ...hello, streams: { T: "aaaaaaaaaaaa" } }), true);
    // 15 minutes without polls in the middle.
    for (const poll of [...Array(50).keys()].filter((number) => number < 20 || number > 35)) {
      await publisher.send(gateway.poll(switchReport(shape, at(poll), poll, 20 + (poll % 5))));
    }
    const observedAt = instant(at(40));
    const alarm = {
      kind: "alarm",
      op: "raise",
      id: "01A",
      key: "a1:x",
      rev: 1,
      equipment: equipmentId("sw-1"),
      path: "interface/Gi1/0/3",
    } as const;
    const what = {
      type: "linkDown",
      qualifier: "",
      severity: "major",
      cleared: false,
      text: "Gi1/0/3 is down",
      changes: 1,
      attributes: {},
    } as const;
    await publisher.send([gateway.tell({ ...alarm, ...what, observedAt, raisedAt: observedAt })]);
    browser = await chromium.launch({ executablePath: chromiumPath, args: browserArguments });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await publisher?.end();
    await noc?.end();
    stop.abort(new Error("test over"));
    await broker;
    workspace.remove();
  });

  beforeEach(async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: "Europe/Lisbon", colorScheme: "light" });
    page = await context.newPage();
    problems = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("401")) problems.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(new URL(page.url()).origin) && !request.url().startsWith("data:") && page.url() !== "about:blank")
        problems.push(request.url());
    });
  });

  afterEach(async () => {
    await page.context().close();
    // No script error, nothing refused by the content policy, no request to anywhere else.
    expect(problems).toEqual([]);
  });

  const signInLink = async () => {
    const answer = await fetch(`${nocUrl}/api/sign-in-links`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
    return ((await answer.json()) as { readonly url: string }).url;
  };

  const signIn = async () => {
    await page.goto(await signInLink());
    await page.getByRole("heading", { level: 1, name: "gw-lisbon-01" }).waitFor();
  };

  it("signs in by a link that works once and leaves no trace in the address", async () => {
    const link = await signInLink();
    await page.goto(link);
    await page.getByRole("heading", { level: 1, name: "gw-lisbon-01" }).waitFor();
    expect(page.url()).not.toContain("sign-in");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Or paste the API token").waitFor();
    await page.goto("about:blank");
    await page.goto(link);
    await page.getByRole("alert").getByText("the link was used before").waitFor();
    await page.getByLabel("Or paste the API token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "gw-lisbon-01" }).waitFor();
  });

  it("shows the gateway, its equipment, its alarm and that nothing is missing", async () => {
    await signIn();
    await page.getByText("9.8.7").waitFor();
    await page.getByText("Gi1/0/3 is down").waitFor();
    await page.getByRole("table").getByText("answering").waitFor();
    await page.getByText("nothing missing").waitFor();
    const { buttons, unnamed } = await page.evaluate(() => {
      const controls = [...document.querySelectorAll("button, input, select, summary")];
      const nameOf = (element: Element) =>
        element.getAttribute("aria-label") ?? element.closest("label")?.textContent ?? element.textContent ?? "";
      return { buttons: controls.length, unnamed: controls.filter((element) => nameOf(element).trim() === "").length };
    });
    expect(buttons).toBeGreaterThan(20);
    expect(unnamed).toBe(0);
  });

  it("finds a value, plots it, and leaves the gap open", async () => {
    await signIn();
    await page.getByLabel("Search values").fill("ifHCInOctets Gi1/0/2");
    await page.getByLabel("Plot sw-1 Gi1/0/2 ifHCInOctets").check();
    await page.locator(".u-legend").getByText("16 kbit/s").waitFor();
    const figure = page.getByRole("figure");
    expect(await figure.textContent()).toContain("1 gaps");
    expect(page.url()).toMatch(/s=\d+/);
    await page.reload();
    await page.locator(".u-legend").getByText("16 kbit/s").waitFor();
    // The middle of the gap is as empty as the plot's right margin is.
    const isEmpty = await page.locator(".u-wrap canvas").evaluate((canvas) => {
      if (!(canvas instanceof HTMLCanvasElement)) return undefined;
      const context = canvas.getContext("2d");
      const columns = Array.from({ length: canvas.width }, (_, x) => {
        const { data = new Uint8ClampedArray() } = context?.getImageData(x, 20, 1, canvas.height - 120) ?? {};
        let inked = 0;
        // The line's own colour: strong green over red.
        for (let pixel = 0; pixel < data.length; pixel += 4)
          if ((data[pixel + 3] ?? 0) > 200 && (data[pixel + 1] ?? 0) - (data[pixel] ?? 0) > 60) inked += 1;
        return inked > 0;
      });
      const first = columns.indexOf(true);
      const last = columns.lastIndexOf(true);
      let longest = 0;
      let run = 0;
      for (const inked of columns.slice(first, last + 1)) {
        run = inked ? 0 : run + 1;
        longest = Math.max(longest, run);
      }
      return longest / (last - first);
    });
    // 16 of 49 minutes.
    expect(isEmpty).toBeGreaterThan(0.25);
    expect(isEmpty).toBeLessThan(0.4);
  });

  it("zooms by the keyboard and by dragging, and says in which zone its times are", async () => {
    await signIn();
    await page.getByLabel("Search values").fill("temperature Gi1/0/1");
    await page.getByLabel("Plot sw-1 Gi1/0/1 temperature").press("Space");
    await page.locator(".u-over").waitFor();
    await page.getByRole("button", { name: "Zoom in" }).press("Enter");
    await until("the address holds the span", () => page.url().includes("from="));
    const box = await page.locator(".u-over").boundingBox();
    if (box === null) throw new Error("the plot has a box");
    const before = page.url();
    await page.mouse.move(box.x + box.width * 0.3, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
    await page.mouse.up();
    await until("the drag zoomed", () => page.url() !== before);
    await page.getByLabel("Times in").selectOption("UTC");
    await until("the zone is kept", () => page.url().includes("z=UTC"));
    expect(await page.getByLabel("Times in").locator("option").first().textContent()).toMatch(/^Europe\/Lisbon \(UTC\+[01]\)$/);
  });

  it("follows what comes in without being reloaded", async () => {
    await signIn();
    await page.getByLabel("Search values").fill("temperature Gi1/0/4");
    await page
      .getByRole("cell", { name: "20 °C" })
      .or(page.getByRole("cell", { name: "24 °C" }))
      .first()
      .waitFor();
    await publisher.send(gateway.poll(switchReport(shape, at(50), 50, 77.7)));
    await page.getByRole("cell", { name: "77.7 °C" }).first().waitFor({ timeout: 60_000 });
    await publisher.publish("state", formatState({ v: 1, on: false, conn: 1, why: "will" }), true);
    await page.locator("main").getByText("connection lost").waitFor({ timeout: 60_000 });
  });

  it("keeps the chosen theme and has enough contrast in both", async () => {
    await signIn();
    const contrast = () =>
      page.evaluate(() => {
        const channel = (value: number) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        const luminance = (colour: string) => {
          const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => channel(Number(part) / 255));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const card = document.querySelector(".card");
        const backdrop = luminance(card === null ? "" : getComputedStyle(card).backgroundColor);
        const texts = [...document.querySelectorAll(".muted, .gateway-name, .table th, .row-button, dd")];
        const ratios = texts.map((element) => {
          const ink = luminance(getComputedStyle(element).color);
          return (Math.max(ink, backdrop) + 0.05) / (Math.min(ink, backdrop) + 0.05);
        });
        return { least: Math.min(...ratios), dark: backdrop < 0.2 };
      });
    expect(await contrast()).toMatchObject({ dark: false });
    expect((await contrast()).least).toBeGreaterThan(4.5);
    await page.getByRole("button", { name: "Theme: auto" }).click();
    await page.getByRole("button", { name: "Theme: light" }).click();
    await page.reload();
    await page.getByRole("button", { name: "Theme: dark" }).waitFor();
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(await contrast()).toMatchObject({ dark: true });
    expect((await contrast()).least).toBeGreaterThan(4.5);
  });

  it("fits a narrow screen without scrolling sideways", async () => {
    await page.setViewportSize({ width: 420, height: 900 });
    await signIn();
    await page.getByText("nothing missing").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(420);
  });
});
