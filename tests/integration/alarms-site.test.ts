import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlarmView } from "../../cloud-bridge/noc/registry/alarms.ts";
import { freeTcpPort, freeUdpPort, gatehouse, type RunningProcess, until, Workspace } from "./processes.ts";

/** A simulated site, a broker, the NOC's end and the gateway: four processes that meet over UDP, TCP and HTTP. */
describe("alarms from the equipment to the NOC and back", () => {
  const workspace = new Workspace();
  const processes: RunningProcess[] = [];
  let site: { readonly devices: readonly { readonly id: string; readonly port: number }[]; readonly controlPort: number };
  let nocUrl: string;
  let gateway: RunningProcess;

  const start = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): RunningProcess => {
    const one = gatehouse(args, environment);
    processes.push(one);
    return one;
  };
  const startGateway = () =>
    start(["run", "--config", workspace.path("gatehouse.yaml"), "--state", workspace.path("gateway")], { LAN: "public" });
  const token = () => (existsSync(workspace.path("noc", "token")) ? readFileSync(workspace.path("noc", "token"), "utf8").trim() : "none");
  const alarms = async (state = "active"): Promise<readonly AlarmView[]> => {
    const response = await fetch(`${nocUrl}/api/alarms?state=${state}`, { headers: { authorization: `Bearer ${token()}` } });
    return response.ok ? ((await response.json()) as { readonly alarms: readonly AlarmView[] }).alarms : [];
  };
  const fault = async (order: object): Promise<void> => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(order) };
    expect((await fetch(`http://127.0.0.1:${site.controlPort}/faults`, init)).status).toBe(200);
  };
  const command = async (...args: readonly string[]): Promise<string> => {
    const one = gatehouse(args);
    expect(await one.exited, one.lines.join("\n")).toBe(0);
    return one.lines.join("\n");
  };
  const battery = async () => (await alarms("all")).filter(({ type }) => type === "onBattery");
  const nocPlace = () => ["--url", nocUrl, "--token-file", workspace.path("noc", "token")];

  beforeAll(async () => {
    const [brokerPort, nocPort, trapPort, syslogPort] = [
      await freeTcpPort(),
      await freeTcpPort(),
      await freeUdpPort(),
      await freeUdpPort(),
    ];
    nocUrl = `http://127.0.0.1:${nocPort}`;
    const simulated = start(["simulate", "--base-port", "0", "--control-port", "0"]);
    const listening = () => simulated.lines.find((line) => line.startsWith('{"listening"'));
    await simulated.until("the site listens", () => listening() !== undefined);
    site = (JSON.parse(listening() ?? "") as { readonly listening: typeof site }).listening;
    start(["demo-broker", "--port", String(brokerPort)]);
    start([
      "noc",
      "serve",
      "--broker",
      `mqtt://127.0.0.1:${brokerPort}`,
      "--dir",
      workspace.path("noc"),
      "--listen",
      `127.0.0.1:${nocPort}`,
      "--tenant",
      "acme",
    ]);
    const ups = site.devices.find(({ id }) => id === "ups-1");
    workspace.write(
      "gatehouse.yaml",
      [
        "gateway: { id: gw-alarm-01, tenant: acme, site: field }",
        "flows: { enabled: false }",
        "console: { enabled: false }",
        `uplink: { url: "mqtt://127.0.0.1:${brokerPort}", retryMaxMs: 1000 }`,
        "credentials: { v2: { snmp: { version: 2c, community: { $env: LAN } } } }",
        `equipment: [{ id: ups-1, address: 127.0.0.1, port: ${ups?.port}, credential: v2, pollIntervalMs: 1000 }]`,
        `traps: { host: 127.0.0.1, port: ${trapPort} }`,
        `syslog: { host: 127.0.0.1, port: ${syslogPort} }`,
        "clock: { source: host }",
        "alarms:",
        "  disable: [ups-on-battery, ups-on-battery-trap]",
        "  conditions: [{ name: on-battery, alarm: onBattery, kind: state, metric: upsOutputSource, states: { '5': critical } }]",
        "",
      ].join("\n"),
    );
    gateway = startGateway();
    await until("the NOC knows the gateway", async () => {
      const response = await fetch(`${nocUrl}/api/gateways`, { headers: { authorization: `Bearer ${token()}` } }).catch(() => undefined);
      return (
        response?.ok === true &&
        ((await response.json()) as { readonly gateways: readonly { readonly online: boolean }[] }).gateways.some(({ online }) => online)
      );
    });
  }, 120_000);

  afterAll(async () => {
    for (const one of processes.toReversed()) await one.end("SIGKILL");
    workspace.remove();
  });

  it("travel, are acknowledged, outlive a kill of the gateway as the same alarm, and clear", async () => {
    await fault({ device: "ups-1", fault: "on-battery" });
    await until(
      "the NOC has the alarm",
      async () => (await battery()).some(({ cleared }) => !cleared),
      30_000,
      () => gateway.lines.slice(-10).join("\n"),
    );
    const [raised] = await battery();
    expect(raised).toMatchObject({ severity: "critical", equipment: "ups-1", incident: true });
    const local = JSON.parse(await command("alarms", "--state", workspace.path("gateway"), "--json")) as {
      readonly alarms: readonly { readonly key: string }[];
    };
    expect(local.alarms.map(({ key }) => key)).toContain(raised?.key);
    await command("noc", "alarms", "ack", raised?.key ?? "", "--by", "anna", ...nocPlace());
    expect(await command("noc", "alarms", "list", ...nocPlace())).toContain("ack anna");
    await gateway.end("SIGKILL");
    gateway = startGateway();
    await until("the gateway answers again", async () => {
      const one = gatehouse(["alarms", "--state", workspace.path("gateway"), "--json"]);
      return (await one.exited) === 0 && one.lines.join("").includes(raised?.instance ?? "none");
    });
    await fault({ device: "ups-1", fault: "on-battery", on: false });
    await until(
      "the alarm is cleared at the NOC",
      async () => (await battery()).every(({ cleared }) => cleared),
      30_000,
      () => gateway.lines.slice(-10).join("\n"),
    );
    const after = await battery();
    expect(after.map(({ instance, ack }) => [instance, ack?.by])).toEqual([[raised?.instance, "anna"]]);
    expect(await command("alarms", "--history", "--state", workspace.path("gateway"))).toMatch(/clear[\s\S]*raise/);
  }, 90_000);
});
