import { readFileSync } from "node:fs";
import { requestControl } from "../../runtime/host/control-client.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { isGatewayError } from "../../runtime/model/errors.ts";
import { peer } from "../peers.ts";
import { freeTcpPort, gatehouse, RunningProcess, until, Workspace } from "./processes.ts";

export const gatewayId = "gw-orders-01";

export interface CommandView {
  readonly id: string;
  readonly state: string;
  readonly open: boolean;
  readonly version: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly msg?: string };
}

export interface DesiredView {
  readonly gen: number;
  readonly reported?: { readonly gen: number; readonly phase: string; readonly reason?: string };
  readonly documents: readonly { readonly id: string; readonly state: string }[];
  readonly drift: readonly { readonly path: string }[];
}

export interface FieldStatus {
  readonly uplink: { readonly state: string };
  readonly desired: { readonly gen: number; readonly phase: string };
  readonly authority: { readonly accepted: number; readonly refused: number; readonly refusedByReason: Readonly<Record<string, number>> };
  readonly equipment: readonly {
    readonly id: string;
    readonly pollIntervalMs: number;
    readonly missedSlots: number;
    readonly polls: number;
  }[];
}

/** mosquitto, the NOC's end, the signer that alone has its keys, and a gateway with equipment that needs no network; each a process. */
export class OrdersField {
  readonly workspace = new Workspace();
  readonly #clock = new SystemClock(() => true);
  /** Of the gateway. */
  readonly stateFolder: string;
  brokerPort = 0;
  nocPort = 0;
  token = "";
  broker: RunningProcess | undefined;
  noc: RunningProcess | undefined;
  signer: RunningProcess | undefined;
  gateway: RunningProcess | undefined;

  /** @param stateFolder where the gateway keeps its state; absent = beside everything else */
  constructor(stateFolder?: string) {
    this.stateFolder = stateFolder ?? this.workspace.path("gateway");
  }

  async start(options: { readonly confirmWindowMs: number; readonly flows?: boolean }): Promise<void> {
    this.brokerPort = await freeTcpPort();
    this.nocPort = await freeTcpPort();
    this.workspace.write(
      "mosquitto.conf",
      [`listener ${this.brokerPort} 127.0.0.1`, "allow_anonymous true", "persistence false", ""].join("\n"),
    );
    await this.startBroker();
    const signer = gatehouse([
      "noc",
      "signer",
      "serve",
      "--keys",
      this.workspace.path("signer"),
      "--socket",
      this.workspace.path("sign.sock"),
    ]);
    this.signer = signer;
    await signer.until("the signer is ready", () => signer.lines.some((line) => line.includes("the signer is ready")));
    const noc = gatehouse([
      ...["noc", "serve", "--broker", `mqtt://127.0.0.1:${this.brokerPort}`, "--dir", this.workspace.path("noc"), "--tenant", "acme"],
      ...["--listen", `127.0.0.1:${this.nocPort}`, "--signer", this.workspace.path("sign.sock")],
    ]);
    this.noc = noc;
    await noc.until("the NOC answers", () =>
      fetch(this.url("/")).then(
        (response) => response.status < 500,
        () => false,
      ),
    );
    this.token = readFileSync(this.workspace.path("noc", "token"), "utf8").trim();
    this.workspace.write(
      "gatehouse.yaml",
      [
        `gateway: { id: ${gatewayId}, tenant: acme, site: field }`,
        `flows: { enabled: ${options.flows === true} }`,
        `uplink: { url: "mqtt://127.0.0.1:${this.brokerPort}", retryMaxMs: 1000 }`,
        `authority: { root: { $file: signer/root.pub.jwk }, confirmWindowMs: ${options.confirmWindowMs} }`,
        "equipment:",
        "  - { id: loop-1, address: 127.0.0.1, driver: loopback, pollIntervalMs: 1000 }",
        "traps: { enabled: false }",
        "syslog: { enabled: false }",
        "console: { enabled: false }",
        "clock: { source: host }",
        "buffer: { budgetBytes: 16777216, durabilityWindowMs: 500 }",
        "",
      ].join("\n"),
    );
    this.startGateway();
    await this.connected();
  }

  async startBroker(): Promise<void> {
    const broker = new RunningProcess(peer("mosquitto").path, ["-c", this.workspace.path("mosquitto.conf")]);
    this.broker = broker;
    await broker.until("mosquitto listens", () => broker.lines.some((line) => line.includes("running")));
  }

  startGateway(): void {
    this.gateway = gatehouse(["run", "--config", this.workspace.path("gatehouse.yaml"), "--state", this.stateFolder]);
  }

  async connected(limitMs = 60_000): Promise<void> {
    await until(
      "the gateway follows orders",
      async () => (await this.status())?.uplink.state === "connected",
      limitMs,
      () => this.gateway?.lines.slice(-12).join("\n") ?? "",
    );
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.nocPort}${path}`;
  }

  async ask<T>(method: "GET" | "POST" | "PUT", path: string, body?: unknown, token = this.token): Promise<T> {
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) };
    const response = await fetch(this.url(path), { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return (await response.json()) as T;
  }

  /** Orders and waits for the end. */
  async order(op: string, more: object = {}): Promise<CommandView> {
    const row = await this.ask<CommandView>("POST", `/api/gateways/${gatewayId}/commands`, { op, ...more });
    return this.ended(row);
  }

  async ended(row: CommandView): Promise<CommandView> {
    let last = row;
    await until(
      `${row.id} ends`,
      async () => {
        last = await this.ask<CommandView>("GET", `/api/commands/${row.id}?waitMs=1000&after=${last.version}`);
        return !last.open;
      },
      40_000,
      () => JSON.stringify(last),
    );
    return last;
  }

  want(content: unknown): Promise<{ readonly gen: number }> {
    return this.ask("PUT", `/api/gateways/${gatewayId}/desired`, { documents: [{ kind: "config", id: "config", content }] });
  }

  desired(): Promise<DesiredView> {
    return this.ask("GET", `/api/gateways/${gatewayId}/desired`);
  }

  /** Until the NOC knows how a generation ended. */
  async outcome(gen: number, limitMs = 60_000): Promise<DesiredView> {
    let view: DesiredView | undefined;
    await until(
      `generation ${gen} ends`,
      async () => {
        view = await this.desired();
        return view.reported?.gen === gen && ["ok", "failed", "rolled_back"].includes(view.reported.phase);
      },
      limitMs,
      () => `${JSON.stringify(view)}\n${this.gateway?.lines.slice(-12).join("\n")}`,
    );
    if (view === undefined) throw new Error("no view");
    return view;
  }

  async control(operation: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    try {
      return await requestControl({
        folder: this.stateFolder,
        operation,
        arguments: args,
        clock: this.#clock,
        timeoutMs: 5_000,
      });
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefined;
    }
  }

  async status(): Promise<FieldStatus | undefined> {
    return (await this.control("status")) as FieldStatus | undefined;
  }

  /** Poll interval in force; undefined while nobody answers. */
  async interval(): Promise<number | undefined> {
    return (await this.status())?.equipment.find((one) => one.id === "loop-1")?.pollIntervalMs;
  }

  async end(): Promise<void> {
    for (const one of [this.gateway, this.noc, this.signer, this.broker]) await one?.end("SIGKILL");
    this.workspace.remove();
  }
}

/** An overlay that changes one live setting. */
export function overlay(pollIntervalMs: number, more: object = {}): object {
  return { equipment: [{ id: "loop-1", pollIntervalMs }], ...more };
}
