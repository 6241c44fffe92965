import { readFileSync } from "node:fs";
import { type DemoDevice, demoSecrets, gatewayFile } from "../../runtime/demo/gateway-file.ts";
import { freePort } from "../../runtime/host/free-port.ts";
import { freeTcpPort, freeUdpPort, gatehouse, RunningProcess, until, Workspace } from "../integration/processes.ts";
import { peer } from "../peers.ts";

/** As the demo's gatehouse.yaml names it. */
export const gatewayId = "gw-demo-01";
const siteDevices = 8;

/** The simulated site, a broker, the NOC's end and a gateway with its console and flows: four processes, as `gatehouse demo` starts them. */
export class EditorField {
  readonly workspace = new Workspace();
  readonly #processes: RunningProcess[] = [];
  readonly #broker: "demo" | "mosquitto";
  readonly #line: (brokerPort: number) => Promise<number>;
  #mosquitto: RunningProcess | undefined;
  #nocPort = 0;
  #token = "";
  brokerPort = 0;
  devices: readonly DemoDevice[] = [];
  gateway: RunningProcess | undefined;

  /** @param line makes the line to the broker's port; @returns the port the gateway connects to */
  constructor(broker: "demo" | "mosquitto", line: (brokerPort: number) => Promise<number> = async (port) => port) {
    this.#broker = broker;
    this.#line = line;
  }

  async start(): Promise<void> {
    const host = "127.0.0.1";
    const site = await freePort("udp", host, 20_000 + Math.floor(Math.random() * 20_000), siteDevices);
    const [traps, syslog] = [await freeUdpPort(), await freeUdpPort()];
    this.brokerPort = await freeTcpPort();
    this.#nocPort = await freeTcpPort();
    const console = await freeTcpPort();
    const simulated = this.#run(gatehouse(["simulate", "--base-port", String(site), "--seed", "7", "--control-port", "0"]));
    await this.#startBroker();
    await simulated.until("the site answers", () => {
      const line = simulated.lines.find((one) => one.startsWith('{"listening"'));
      if (line !== undefined) this.devices = (JSON.parse(line) as { listening: { devices: DemoDevice[] } }).listening.devices;
      return line !== undefined;
    });
    const noc = gatehouse([
      ...["noc", "serve", "--broker", `mqtt://${host}:${this.brokerPort}`, "--dir", this.workspace.path("noc"), "--tenant", "demo"],
      ...["--listen", `${host}:${this.#nocPort}`, "--editor-listen", `${host}:0`],
    ]);
    this.#run(noc);
    await noc.until("the NOC answers", () =>
      fetch(this.nocUrl("/")).then(
        ({ status }) => status < 500,
        () => false,
      ),
    );
    this.#token = readFileSync(this.workspace.path("noc", "token"), "utf8").trim();
    const ports = { site, broker: await this.#line(this.brokerPort), noc: this.#nocPort, traps, syslog, console };
    const text = gatewayFile(this.devices, ports, this.workspace.path("noc", "keys", "root.pub.jwk"));
    const file = this.workspace.write("gatehouse.yaml", text.replaceAll("pollIntervalMs: 5000", "pollIntervalMs: 1000"));
    this.gateway = this.#run(gatehouse(["run", "--config", file, "--state", this.workspace.path("gateway")], demoSecrets));
    await until(
      "values are at the NOC",
      async () => ((await this.ask<{ delivered?: number }>("GET", `/api/gateways/${gatewayId}/ledger`)).delivered ?? 0) > 0,
      120_000,
      () => this.gateway?.lines.slice(-12).join("\n") ?? "",
    );
  }

  nocUrl(path: string): string {
    return `http://127.0.0.1:${this.#nocPort}${path}`;
  }

  async ask<T>(method: "GET" | "POST" | "PUT", path: string, body?: unknown): Promise<T> {
    const headers = { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) };
    const response = await fetch(this.nocUrl(path), { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return (await response.json()) as T;
  }

  /** What a command prints. */
  async said(args: readonly string[]): Promise<string> {
    const { code, said } = await this.#ended(args);
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${said}`);
    return said;
  }

  /** Asked for until there is one: a gateway that has just started opens its console after everything else. */
  async consoleCode(): Promise<{ readonly url: string; readonly code: string }> {
    let last = { code: null as number | null, said: "" };
    const isGiven = async () => {
      last = await this.#ended(["console", "code", "--json", "--state", this.workspace.path("gateway")]);
      return last.code === 0;
    };
    await until("the console gives a code", isGiven, 60_000, () => last.said);
    return JSON.parse(last.said) as { readonly url: string; readonly code: string };
  }

  async #ended(args: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
    const child = gatehouse(args);
    const code = await child.exited;
    await until("its output is read", () => child.isRead);
    return { code, said: child.lines.join("\n") };
  }

  /** A service of the NOC, running. */
  async activate(service: string, template: string, parameters: object): Promise<void> {
    const answer = await this.ask("PUT", `/api/gateways/${gatewayId}/services/${service}`, { template, parameters });
    let last: unknown;
    await until(
      `${service} runs`,
      async () => {
        const { services = [] } = await this.ask<{ services?: { id: string; state: string }[] }>(
          "GET",
          `/api/gateways/${gatewayId}/services`,
        );
        last = services;
        return services.some((one) => one.id === service && ["running", "healthy"].includes(one.state));
      },
      120_000,
      () => `${JSON.stringify(answer)}\n${JSON.stringify(last)}`,
    );
  }

  /** Stops mosquitto: neither end has a line. */
  async cutLine(): Promise<void> {
    await this.#mosquitto?.end("SIGKILL");
  }

  async restoreLine(): Promise<void> {
    await this.#startBroker();
  }

  async end(): Promise<void> {
    for (const one of [...this.#processes].reverse()) await one.end("SIGTERM");
    this.workspace.remove();
  }

  async #startBroker(): Promise<void> {
    if (this.#broker === "demo") {
      const broker = this.#run(gatehouse(["demo-broker", "--port", String(this.brokerPort)]));
      await broker.until("the broker listens", () => broker.lines.some((line) => line.includes("listening")));
      return;
    }
    const lines = [`listener ${this.brokerPort} 127.0.0.1`, "allow_anonymous true", "persistence false", ""];
    const broker = this.#run(new RunningProcess(peer("mosquitto").path, ["-c", this.workspace.write("mosquitto.conf", lines.join("\n"))]));
    this.#mosquitto = broker;
    await broker.until("mosquitto listens", () => broker.lines.some((line) => line.includes("running")));
  }

  #run(process: RunningProcess): RunningProcess {
    this.#processes.push(process);
    return process;
  }
}
