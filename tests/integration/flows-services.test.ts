import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Command } from "#model/command.ts";
import type { DesiredDocument } from "#model/desired.ts";
import type { EquipmentId } from "#model/equipment.ts";
import type { Report, TableShape } from "#model/report.ts";
import { flowDocument, RunningWing } from "../flows/ground.ts";

const shape: TableShape = {
  equipment: "sw-1" as EquipmentId,
  table: "IF-MIB:ifXTable",
  revision: 1,
  intervalMs: 1_000,
  metrics: [{ name: "ifInErrors", kind: "counter", unit: "", scale: 1 }],
  rows: [
    { key: "Gi1/0/1", labels: { ifName: "Gi1/0/1" } },
    { key: "Gi1/0/2", labels: { ifName: "Gi1/0/2" } },
  ],
};

const watch = (parameters: object): DesiredDocument => ({
  kind: "services",
  id: "services",
  rev: 1,
  sha256: "",
  content: {
    v: 1,
    services: [{ id: "errors", template: "link-errors@1.0.0", parameters: { equipment: "sw-1", ...parameters }, plan: "per-device" }],
  },
});

const node = (id: string, type: string, more: object) => ({ id, type, x: 1, y: 1, wires: [], ...more });
const once = (wires: readonly string[]) =>
  node("in", "inject", {
    repeat: "",
    once: true,
    onceDelay: 0.05,
    props: [{ p: "payload" }],
    payload: "7",
    payloadType: "num",
    wires: [wires],
  });

describe("a service", () => {
  let wing: RunningWing;

  beforeAll(async () => {
    wing = new RunningWing();
    await wing.running();
  });
  afterAll(() => wing.stop());

  /** One poll of the switch: errors since the last one, per port, ten seconds apart. */
  async function poll(first: number, second: number): Promise<void> {
    const { clock, intake } = wing.ground;
    const observedAt = clock.now();
    const column = {
      kind: "counter",
      present: Uint8Array.of(1, 1),
      absolute: BigUint64Array.of(1n, 1n),
      increment: Float64Array.of(first, second),
    } as const;
    const report: Report = {
      kind: "report",
      equipment: shape.equipment,
      observedAt,
      plannedAtMs: 0,
      gaps: [],
      tables: [{ shape, columns: [column], observedAt, elapsedMs: 10_000 }],
    };
    await intake.accept(report);
  }
  const alarm = (port: string) => wing.ground.active.get(`sw-1|interface/${port}|linkErrors|errors`);
  /** Documents beside the one under test are taken away: a set is a set. */
  const active = (id: string) => wing.wing.status().services.find((one) => one.id === id)?.state;

  it("is activated, says so with its time, and counts for billing", async () => {
    const [outcome] = await wing.apply([watch({})]);
    expect(outcome).toMatchObject({ document: "services", status: "applied" });
    expect(active("errors")).toBe("running");
    expect(wing.ground.events("service.healthy").at(-1)?.attributes).toMatchObject({ service: "errors", source: "link-errors@1.0.0" });
    expect(wing.ground.events("service.usage").at(-1)?.attributes).toMatchObject({
      service: "errors",
      plan: "per-device",
      why: "activated",
    });
  });

  it("raises an alarm of the port that has the fault, and clears it", async () => {
    await poll(500, 0);
    await wing.until("the alarm is raised", () => alarm("Gi1/0/1") !== undefined);
    expect(alarm("Gi1/0/1")).toMatchObject({ severity: "minor", text: "50 damaged frames a second on Gi1/0/1" });
    expect(alarm("Gi1/0/2")).toBeUndefined();
    await poll(0, 0);
    await wing.until("the alarm is cleared", () => alarm("Gi1/0/1") === undefined);
  });

  it("does as its parameters say: another limit, another severity, one port only", async () => {
    await wing.apply([watch({ errorsPerS: 80, severity: "critical", interface: "Gi1/0/2" })]);
    await poll(5_000, 500);
    await poll(5_000, 900);
    await wing.until("the alarm is raised", () => alarm("Gi1/0/2") !== undefined);
    expect(alarm("Gi1/0/2")).toMatchObject({ severity: "critical", text: "90 damaged frames a second on Gi1/0/2" });
    expect(alarm("Gi1/0/1")).toBeUndefined();
  });

  it("is refused with wrong parameters, and what runs goes on", async () => {
    const [outcome] = await wing.apply([watch({ errorsPerS: -1 })]);
    expect(outcome).toMatchObject({ status: "failed", problem: { code: "E_PARAMETER", path: "/services/0/parameters/errorsPerS" } });
    expect(active("errors")).toBe("running");
  });

  it("is left alone by a set that did not change", async () => {
    const before = wing.wing.status().nodesCreated;
    const same = watch({ errorsPerS: 80, severity: "critical", interface: "Gi1/0/2" });
    expect(await wing.apply([same])).toMatchObject([{ status: "unchanged" }]);
    expect(wing.wing.status().nodesCreated).toBe(before);
  });

  it("is deactivated by a set without it: its alarms end, and the bill ends", async () => {
    expect(alarm("Gi1/0/2")).toBeDefined();
    await wing.apply([]);
    expect(alarm("Gi1/0/2")).toBeUndefined();
    expect(active("errors")).toBeUndefined();
    expect(wing.ground.events("service.usage").at(-1)?.attributes).toMatchObject({ service: "errors", why: "deactivated" });
  });

  it("puts figures of its own, which are reported like everything else", async () => {
    await wing.apply([flowDocument("figures", [once(["out"]), node("out", "metric out", { metric: "answer", unit: "ms" })])]);
    const reported = () => wing.ground.observed.find((one): one is Report => one.kind === "report" && one.equipment === "service:figures");
    await wing.until("the figure is reported", () => reported() !== undefined);
    expect(reported()?.tables[0]?.columns[0]).toMatchObject({ kind: "number", value: Float64Array.of(7) });
  });

  it("asks equipment through the gateway, and only equipment that is configured", async () => {
    const get = (equipment: string) => [
      once(["get"]),
      node("get", "snmp get", { equipment, oids: "1.3.6.1.2.1.1.3.0", wires: [["al"], ["al"]] }),
      node("al", "alarm", { alarm: "said", text: "{{payload}} {{error.code}}", wires: [[]] }),
    ];
    await wing.apply([flowDocument("asks", get("sw-1")), flowDocument("invents", get("sw-99"))]);
    await wing.until("both have said it", () => wing.ground.active.has("||said|asks") && wing.ground.active.has("||said|invents"));
    expect(wing.ground.active.get("||said|asks")?.text).toContain('{"1.3.6.1.2.1.1.3.0":42}');
    expect(wing.ground.active.get("||said|invents")?.text).toContain("E_UNKNOWN_EQUIPMENT");
    expect(wing.ground.orders).toHaveLength(1);
  });

  it("calls no address of this machine, of the cloud's metadata, or of the NOC", async () => {
    const server = createServer((_request, response) => response.end("reached"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const urls = [
      `http://127.0.0.1:${port}/`,
      `http://localhost:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      "http://169.254.169.254/latest",
      "http://noc.example.net/",
      `http://2130706433:${port}/`,
    ];
    const documents = urls.map((url, index) =>
      flowDocument(`call${index}`, [
        once(["call"]),
        node("call", "http call", { url, timeoutMs: 3000, wires: [["al"], ["al"]] }),
        node("al", "alarm", { alarm: "said", text: "{{payload}} {{error.code}}", wires: [[]] }),
      ]),
    );
    await wing.apply(documents);
    const said = (index: number) => wing.ground.active.get(`||said|call${index}`)?.text;
    await wing.until("all have said it", () => urls.every((_url, index) => said(index) !== undefined));
    server.close();
    for (const [index, url] of urls.entries()) expect(said(index), url).toContain("E_HOST");
  });

  it("carries out an order of the NOC and answers", async () => {
    const nodes = [
      node("in", "command in", { operation: "hello", wires: [["ch"]] }),
      node("ch", "change", {
        rules: [{ t: "set", p: "payload", pt: "msg", to: 'payload.name & " is greeted"', tot: "jsonata" }],
        wires: [["out"]],
      }),
      node("out", "command result", {}),
    ];
    await wing.apply([flowDocument("greeter", nodes)]);
    const operation = wing.wing.operations.find(({ name }) => name === "flow.command");
    const run = (name: string) => {
      const command: Command = {
        id: "x",
        operation: "flow.command",
        risk: "write",
        arguments: { service: "greeter", operation: name, arguments: { name: "Ana" } },
      };
      return operation?.execute(command, { report: () => undefined }, new AbortController().signal);
    };
    expect(await run("hello")).toBe("Ana is greeted");
    await expect(run("nothing")).rejects.toThrow("no such command");
  });

  it("is held to its rate: orders beyond it are refused and counted", async () => {
    const func = "for (let i = 0; i < 50; i++) node.send({ payload: { raise: true, text: 'n', qualifier: String(i) } }); return null;";
    const nodes = [
      once(["fn"]),
      node("fn", "function", { func, outputs: 1, libs: [], wires: [["al"]] }),
      node("al", "alarm", { alarm: "many", wires: [[]] }),
    ];
    await wing.apply([flowDocument("chatty", nodes, { health: { soakS: 0.5, maxErrors: 100 }, limits: { opsPerMin: { alarm: 10 } } })]);
    const raised = [...wing.ground.active.keys()].filter((key) => key.includes("|many|chatty"));
    expect(raised).toHaveLength(10);
    expect(wing.wing.status().dropped["rate:alarm.set"]).toBe(40);
  });
});
