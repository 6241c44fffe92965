import { readFileSync } from "node:fs";
import { requestControl } from "../../runtime/host/control-client.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { isGatewayError } from "../../runtime/model/errors.ts";
import { peer } from "../peers.ts";
import { freeTcpPort, freeUdpPort, gatehouse, RunningProcess, until, Workspace } from "./processes.ts";

const gatewayId = "gw-field-01";

export interface NocLedger {
  readonly delivered: number;
  readonly chunks: number;
  readonly duplicates: number;
  readonly missing: number;
  readonly gaps: { readonly records: number };
  readonly streams: readonly {
    readonly stream: string;
    readonly class: string;
    readonly contiguousTo: number;
    readonly highest: number;
    readonly missing: number;
  }[];
  readonly recount?: { readonly chunks: number; readonly samples: number; readonly unreadable: number };
}

export interface GatewayStatus {
  readonly uptimeS: number;
  readonly uplink: { readonly state: string };
  readonly ledger: {
    readonly polled: number;
    readonly delivered: number;
    readonly buffered: number;
    readonly dropped: number;
    readonly restarts: number;
    readonly balances: boolean;
  };
  readonly buffer: { readonly streams: readonly { readonly stream: string; readonly firstSeq: number; readonly nextSeq: number }[] };
  readonly equipment: readonly {
    readonly id: string;
    readonly polls: number;
    readonly missedSlots: number;
    readonly samples: number;
    readonly reachability: string;
  }[];
}

export interface FieldOptions {
  readonly pollIntervalMs: number;
  readonly durabilityWindowMs: number;
}

/** A whole field of real parts: Debian's snmpd (v2c and v3), mosquitto, the NOC's end and the gateway, each a process of its own. */
export class Field {
  readonly workspace = new Workspace();
  readonly #options: FieldOptions;
  readonly #clock = new SystemClock(() => true);
  #brokerPort = 0;
  #snmpPort = 0;
  #nocPort = 0;
  #token = "";
  readonly #others: RunningProcess[] = [];
  broker: RunningProcess | undefined;
  gateway: RunningProcess | undefined;

  constructor(options: FieldOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#brokerPort = await freeTcpPort();
    this.#snmpPort = await freeUdpPort();
    this.#nocPort = await freeTcpPort();
    this.workspace.write(
      "mosquitto.conf",
      [`listener ${this.#brokerPort} 127.0.0.1`, "allow_anonymous true", "persistence false", "max_inflight_messages 200", ""].join("\n"),
    );
    await this.#startAgent();
    await this.startBroker();
    await this.#startNoc();
    this.#writeConfiguration();
  }

  async startBroker(): Promise<void> {
    this.broker = new RunningProcess(peer("mosquitto").path, ["-c", this.workspace.path("mosquitto.conf")]);
    await this.broker.until("mosquitto listens", () => this.broker?.lines.some((line) => line.includes("running")) === true);
  }

  startGateway(): void {
    const args = ["run", "--config", this.workspace.path("gatehouse.yaml"), "--state", this.workspace.path("gateway")];
    this.gateway = gatehouse(args, { FIELD_COMMUNITY: "public", FIELD_AUTH: "authpass-0001", FIELD_PRIV: "privpass-0001" });
  }

  /** undefined while the gateway cannot answer. */
  async status(): Promise<GatewayStatus | undefined> {
    try {
      const call = { folder: this.workspace.path("gateway"), operation: "status", clock: this.#clock, timeoutMs: 5_000 };
      return (await requestControl(call)) as GatewayStatus;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefined;
    }
  }

  async ledger(recount = false): Promise<NocLedger | undefined> {
    const response = await fetch(`http://127.0.0.1:${this.#nocPort}/api/gateways/${gatewayId}/ledger${recount ? "?recount=true" : ""}`, {
      headers: { authorization: `Bearer ${this.#token}` },
    });
    return response.ok ? ((await response.json()) as NocLedger) : undefined;
  }

  /** Until everything the gateway holds is at the NOC. */
  async drained(limitMs = 60_000): Promise<GatewayStatus> {
    let last: GatewayStatus | undefined;
    await until(
      "the buffer is empty",
      async () => {
        last = await this.status();
        return (
          last !== undefined &&
          last.ledger.delivered > 0 &&
          last.ledger.buffered < last.ledger.polled / 2 &&
          last.uplink.state === "connected"
        );
      },
      limitMs,
      () => `${JSON.stringify(last?.ledger)}\n${this.gateway?.lines.slice(-15).join("\n")}`,
    );
    if (last === undefined) throw new Error("no status");
    return last;
  }

  async end(): Promise<void> {
    for (const one of [this.gateway, ...this.#others, this.broker]) await one?.end("SIGKILL");
    this.workspace.remove();
  }

  async #startAgent(): Promise<void> {
    const state = this.workspace.path("snmpd");
    this.workspace.write(
      "snmpd.conf",
      [
        `agentaddress udp:127.0.0.1:${this.#snmpPort}`,
        "rocommunity public 127.0.0.1",
        'createUser noc SHA-256 "authpass-0001" AES "privpass-0001"',
        "rouser noc priv",
        "sysName field-agent",
        "",
      ].join("\n"),
    );
    const agent = new RunningProcess(
      peer("snmpd").path,
      ["-f", "-Lo", "-C", "-c", this.workspace.path("snmpd.conf"), "-I", "-smux,-agentx"],
      {
        SNMP_PERSISTENT_DIR: state,
        SNMPCONFPATH: this.workspace.folder,
      },
    );
    this.#others.push(agent);
    await agent.until("snmpd answers", async () => {
      const asked = gatehouse(["snmp", "get", "127.0.0.1", "--port", String(this.#snmpPort), "--community", "public", "1.3.6.1.2.1.1.3.0"]);
      return (await asked.exited) === 0;
    });
  }

  async #startNoc(): Promise<void> {
    const args = [
      "--broker",
      `mqtt://127.0.0.1:${this.#brokerPort}`,
      "--dir",
      this.workspace.path("noc"),
      "--listen",
      `127.0.0.1:${this.#nocPort}`,
    ];
    const noc = gatehouse(["noc", "serve", ...args, "--tenant", "acme"]);
    this.#others.push(noc);
    await noc.until("the NOC answers", () =>
      fetch(`http://127.0.0.1:${this.#nocPort}/`).then(
        (response) => response.status < 500,
        () => false,
      ),
    );
    this.#token = readFileSync(this.workspace.path("noc", "token"), "utf8").trim();
  }

  #writeConfiguration(): void {
    const { pollIntervalMs, durabilityWindowMs } = this.#options;
    const equipment = (id: string, credential: string) =>
      `  - { id: ${id}, address: 127.0.0.1, port: ${this.#snmpPort}, driver: snmp, credential: ${credential}, pollIntervalMs: ${pollIntervalMs} }`;
    this.workspace.write(
      "gatehouse.yaml",
      [
        `gateway: { id: ${gatewayId}, tenant: acme, site: field }`,
        "flows: { enabled: false }",
        `uplink: { url: "mqtt://127.0.0.1:${this.#brokerPort}", retryMaxMs: 5000 }`,
        "credentials:",
        "  v2: { snmp: { version: 2c, community: { $env: FIELD_COMMUNITY } } }",
        "  v3: { snmp: { version: 3, user: noc, auth: { sha256: { $env: FIELD_AUTH } }, priv: { aes: { $env: FIELD_PRIV } } } }",
        "equipment:",
        equipment("host-v2c", "v2"),
        equipment("host-v3", "v3"),
        "traps: { enabled: false }",
        "syslog: { enabled: false }",
        "console: { enabled: false }",
        "clock: { source: host }",
        `buffer: { budgetBytes: 67108864, durabilityWindowMs: ${durabilityWindowMs} }`,
        "",
      ].join("\n"),
    );
  }
}
