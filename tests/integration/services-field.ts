import { readFileSync } from "node:fs";
import { peer } from "../peers.ts";
import { freeTcpPort, gatehouse, RunningProcess, until, Workspace } from "./processes.ts";

export const gatewayId = "gw-services-01";

interface SiteDevice {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly credential: { readonly version: string };
}

export interface AlarmSeen {
  readonly type: string;
  readonly severity: string;
  readonly cleared: boolean;
  readonly equipment: string;
  readonly path: string;
  readonly text: string;
  readonly body: { readonly qual?: string; readonly qualifier?: string };
}

export interface ServiceSeen {
  readonly id: string;
  readonly state: string;
  readonly reason: string;
  readonly wanted: boolean;
  readonly steps: readonly (readonly [string, number, string?])[];
}

/** The simulated site, mosquitto, the NOC's end and a gateway with the guest wing; each a process. */
export class ServicesField {
  readonly workspace = new Workspace();
  readonly #running: RunningProcess[] = [];
  #nocPort = 0;
  #controlPort = 0;
  #token = "";
  #news = 0;
  gateway: RunningProcess | undefined;

  async start(pollIntervalMs = 1_000): Promise<void> {
    const brokerPort = await freeTcpPort();
    this.#nocPort = await freeTcpPort();
    this.#controlPort = await freeTcpPort();
    const lines = [`listener ${brokerPort} 127.0.0.1`, "allow_anonymous true", "persistence false", ""];
    const broker = this.#own(new RunningProcess(peer("mosquitto").path, ["-c", this.workspace.write("mosquitto.conf", lines.join("\n"))]));
    const site = this.#own(gatehouse(["simulate", "--base-port", "0", "--control-port", String(this.#controlPort)]));
    await broker.until("mosquitto listens", () => broker.lines.some((line) => line.includes("running")));
    const noc = this.#own(
      gatehouse([
        ...["noc", "serve", "--broker", `mqtt://127.0.0.1:${brokerPort}`, "--dir", this.workspace.path("noc"), "--tenant", "acme"],
        ...["--listen", `127.0.0.1:${this.#nocPort}`],
      ]),
    );
    await noc.until("the NOC answers", () => this.#answers());
    this.#token = readFileSync(this.workspace.path("noc", "token"), "utf8").trim();
    await site.until("the site answers", () => site.lines.some((line) => line.includes('"listening"')));
    const announced = site.lines.find((line) => line.includes('"listening"')) ?? "{}";
    const { listening } = JSON.parse(announced) as { readonly listening: { readonly devices: readonly SiteDevice[] } };
    this.workspace.write("gatehouse.yaml", gatewayFile(brokerPort, listening.devices, pollIntervalMs));
    const secrets = { FIELD_COMMUNITY: "private", FIELD_AUTH: "simulated-auth-key", FIELD_PRIV: "simulated-priv-key" };
    this.gateway = this.#own(
      gatehouse(["run", "--config", this.workspace.path("gatehouse.yaml"), "--state", this.workspace.path("gateway")], secrets),
    );
    await this.until("the NOC knows the equipment", async () => {
      const { equipment = [] } = await this.ask<{ equipment?: readonly unknown[] }>("GET", `/api/gateways/${gatewayId}/equipment`);
      return equipment.length >= listening.devices.length;
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#nocPort}`;
  }

  get token(): string {
    return this.#token;
  }

  #own(process: RunningProcess): RunningProcess {
    this.#running.push(process);
    return process;
  }

  #answers(): Promise<boolean> {
    return fetch(this.url).then(
      (response) => response.status < 500,
      () => false,
    );
  }

  /** Another process that ends with the field. */
  own(process: RunningProcess): RunningProcess {
    return this.#own(process);
  }

  until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 120_000, explain: () => string = () => ""): Promise<void> {
    return until(what, condition, limitMs, () => `${explain()}\n${this.gateway?.lines.slice(-12).join("\n") ?? ""}`);
  }

  async ask<T>(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
    const headers = { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) };
    const response = await fetch(`${this.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return (await response.json()) as T;
  }

  activate(id: string, template: string, parameters: object): Promise<{ readonly gen?: number; readonly problems?: readonly unknown[] }> {
    return this.ask("PUT", `/api/gateways/${gatewayId}/services/${id}`, { template, parameters });
  }

  async generation(): Promise<number> {
    return (await this.ask<{ gen: number }>("GET", `/api/gateways/${gatewayId}/desired`)).gen;
  }

  /** With the next news after those of the last answer. */
  async services(waitMs = 0): Promise<readonly ServiceSeen[]> {
    const path = `/api/gateways/${gatewayId}/services?waitMs=${waitMs}&seen=${this.#news}`;
    const { services, news } = await this.ask<{ services: readonly ServiceSeen[]; news: number }>("GET", path);
    this.#news = news;
    return services;
  }

  /** Until the NOC says how it ended. */
  async ended(id: string): Promise<ServiceSeen | undefined> {
    let last: readonly ServiceSeen[] = [];
    await this.until(
      `${id} ends`,
      async () => {
        last = await this.services(1_000);
        return last.find((one) => one.id === id)?.state !== "on its way";
      },
      180_000,
      () => JSON.stringify(last.find((one) => one.id === id)),
    );
    return last.find((one) => one.id === id);
  }

  async alarms(): Promise<readonly AlarmSeen[]> {
    const path = `/api/gateways/${gatewayId}/alarms?cleared=true&limit=1000`;
    return (await this.ask<{ alarms: readonly AlarmSeen[] }>("GET", path)).alarms;
  }

  async fault(device: string, fault: string, more: object = {}): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.#controlPort}/faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ device, fault, ...more }),
    });
    if (!response.ok) throw new Error(`${device} ${fault}: ${await response.text()}`);
  }

  async end(): Promise<void> {
    for (const one of [...this.#running].reverse()) await one.end("SIGKILL");
    this.workspace.remove();
  }
}

function gatewayFile(brokerPort: number, devices: readonly SiteDevice[], pollIntervalMs: number): string {
  const equipment = devices.map(
    ({ id, address, port, credential }) =>
      `  - { id: ${id}, address: ${address}, port: ${port}, driver: snmp, credential: ${credential.version === "3" ? "v3" : "v2c"}, pollIntervalMs: ${pollIntervalMs}, settings: { allowSet: true, slowIntervalMs: 2000, rareIntervalMs: 10000 } }`,
  );
  return [
    `gateway: { id: ${gatewayId}, tenant: acme, site: field }`,
    `uplink: { url: "mqtt://127.0.0.1:${brokerPort}", intervalsPerChunk: 1, retryMaxMs: 1000 }`,
    "authority: { root: { $file: noc/keys/root.pub.jwk } }",
    "credentials:",
    "  v2c: { snmp: { version: 2c, community: { $env: FIELD_COMMUNITY } } }",
    "  v3: { snmp: { version: 3, user: noc, auth: { sha256: { $env: FIELD_AUTH } }, priv: { aes: { $env: FIELD_PRIV } } } }",
    "equipment:",
    ...equipment,
    "traps: { enabled: false }",
    "syslog: { enabled: false }",
    "console: { enabled: false }",
    "clock: { source: host }",
    "buffer: { budgetBytes: 33554432, durabilityWindowMs: 500 }",
    "",
  ].join("\n");
}
