import { createServer, type Server } from "node:net";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EquipmentId } from "#model/equipment.ts";
import type { Report, TableShape } from "#model/report.ts";
import { flowDocument, functionFlow, RunningWing } from "../flows/ground.ts";
import { peer } from "../peers.ts";

const browserPeer = peer("chromium");
const shape: TableShape = {
  equipment: "sw-1" as EquipmentId,
  table: "load",
  revision: 1,
  intervalMs: 1_000,
  metrics: [{ name: "cpuLoad", kind: "gauge", unit: "%", scale: 1 }],
  rows: [{ key: "", labels: {} }],
};

/** What the editor's page offers to scripts; only what is used here. */
interface EditorGlobal {
  readonly workspaces: { active(): string };
  readonly view: { importNodes(nodes: string, options: object): void };
  readonly nodes: {
    dirty(is: boolean): void;
    workspace(id: string): { locked?: boolean } | null;
    node(id: string): { func?: string; changed?: boolean; dirty?: boolean } | null;
  };
}

describe("the editor in a browser", () => {
  let wing: RunningWing;
  let server: Server;
  let browser: Browser | undefined;
  let page: Page;

  beforeAll(async () => {
    if (!browserPeer.available) return;
    wing = new RunningWing();
    await wing.running();
    await wing.apply([flowDocument("wan", functionFlow("return msg;"), { label: "WAN watch" })]);
    const ana = { person: "technician:ana", scope: "flows.write" } as const;
    server = createServer({ pauseOnConnect: true }, (socket) => wing.wing.editor.handOver(socket, new Uint8Array(0), ana));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { path } = await wing.wing.editor.open(ana, new AbortController().signal);
    browser = await chromium.launch({ executablePath: browserPeer.path, args: ["--no-sandbox"] });
    page = await browser.newPage({ viewport: { width: 1300, height: 850 } });
    await page.goto(`http://127.0.0.1:${port}${path}`);
    await page.waitForSelector("#red-ui-palette .red-ui-palette-node");
  });

  afterAll(async () => {
    await browser?.close();
    if (!browserPeer.available) return;
    await wing.stop();
    server.close();
  });

  async function poll(load: number): Promise<void> {
    const observedAt = wing.ground.clock.now();
    const column = { kind: "number", present: Uint8Array.of(1), value: Float64Array.of(load) } as const;
    const report: Report = {
      kind: "report",
      equipment: shape.equipment,
      observedAt,
      plannedAtMs: 0,
      gaps: [],
      tables: [{ shape, columns: [column], observedAt, elapsedMs: 1_000 }],
    };
    await wing.ground.intake.accept(report);
  }

  const deploy = async (): Promise<string> => {
    await page.evaluate(() => (globalThis as unknown as { RED: EditorGlobal }).RED.nodes.dirty(true));
    await page.click("#red-ui-header-button-deploy");
    const note = page.locator(".red-ui-notification", { hasText: /deployed|NOC|failed/i }).last();
    await note.waitFor();
    return (await note.textContent()) ?? "";
  };

  it.skipIf(!browserPeer.available)("deploys metric in -> switch -> alarm, and the alarm comes", async () => {
    await page.evaluate(() => {
      const { RED } = globalThis as unknown as { RED: EditorGlobal };
      const z = "aaaa0000bbbb0000";
      const nodes = [
        { id: z, type: "tab", label: "Mine", disabled: false, info: "" },
        {
          id: "cccc0000dddd0001",
          type: "metric in",
          z,
          metric: "cpuLoad",
          equipment: "",
          table: "",
          row: "",
          send: "every",
          deadband: 0,
          minIntervalS: 0,
          aggregate: "none",
          windowS: 60,
          counter: "rate",
          x: 150,
          y: 100,
          wires: [["cccc0000dddd0002"]],
        },
        {
          id: "cccc0000dddd0002",
          type: "switch",
          z,
          name: "",
          property: "payload",
          propertyType: "msg",
          rules: [{ t: "gt", v: "80", vt: "num" }],
          checkall: "true",
          repair: false,
          outputs: 1,
          x: 330,
          y: 100,
          wires: [["cccc0000dddd0003"]],
        },
        {
          id: "cccc0000dddd0003",
          type: "alarm",
          z,
          alarm: "cpuHigh",
          severity: "major",
          text: "{{payload}} % on {{equipment}}",
          equipment: "",
          path: "",
          qualifier: "",
          x: 500,
          y: 100,
          wires: [[]],
        },
      ];
      RED.view.importNodes(JSON.stringify(nodes), { generateIds: false, addFlow: false, touchImport: true });
    });
    expect(await deploy()).toContain("Successfully deployed");
    await wing.until("the child has subscribed", () => wing.wing.status().localTabs.length > 0);
    await wing.until("the alarm is there", () => {
      void poll(93);
      return wing.ground.active.has("||cpuHigh|local");
    });
    expect(wing.ground.active.get("||cpuHigh|local")?.text).toBe("93 % on sw-1");
  });

  it.skipIf(!browserPeer.available)("tells a technician why a tab of the NOC cannot be changed", async () => {
    await page.evaluate(() => {
      const { nodes } = (globalThis as unknown as { RED: EditorGlobal }).RED;
      const [tab, node] = [nodes.workspace("s_wan"), nodes.node("s_wan__fn")];
      // The padlock is drawn only: whoever takes it off is still refused by the gateway.
      if (tab !== null) tab.locked = false;
      if (node !== null) Object.assign(node, { func: "return null;", changed: true, dirty: true });
    });
    expect(await deploy()).toContain("belongs to a service of the NOC");
    expect(wing.wing.status().services[0]).toMatchObject({ id: "wan", state: "running" });
  });
});
