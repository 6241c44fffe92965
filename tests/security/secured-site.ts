import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import { requestControl } from "../../runtime/host/control-client.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { isGatewayError } from "../../runtime/model/errors.ts";
import { freeTcpPort, freeUdpPort, gatehouse, RunningProcess, until, Workspace } from "../integration/processes.ts";
import { peer } from "../peers.ts";

export interface SecuredSiteOptions {
  /** Community that snmpd believes. */
  readonly community?: string;
  /** Lines of gatehouse.yaml besides who the gateway is and where its uplink goes. */
  readonly configuration?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * A site as it is meant to be: an authority and enrolment by label, mosquitto with client certificates and the files the product writes for it,
 * the NOC's end with its own keys, snmpd, and a gateway. Each part is a process; everything goes over real TLS.
 */
export class SecuredSite {
  readonly gatewayId = "gw-secure-01";
  readonly serial = "GH-SECURE-01";
  readonly workspace = new Workspace();
  readonly clock = new SystemClock(() => true);
  readonly #options: SecuredSiteOptions;
  readonly others: RunningProcess[] = [];
  readonly gateways: RunningProcess[] = [];
  mtlsPort = 0;
  nocBrokerPort = 0;
  nocPort = 0;
  snmpPort = 0;
  consolePort = 0;
  enrolmentUrl = "";
  label = "";
  token = "";

  constructor(options: SecuredSiteOptions = {}) {
    this.#options = options;
  }

  path(...parts: readonly string[]): string {
    return this.workspace.path(...parts);
  }

  /** Runs a command to its end. @returns what it printed @throws when it fails */
  async done(args: readonly string[], stdin?: string): Promise<string> {
    const child = gatehouse(args, this.#options.environment, stdin);
    const code = await child.exited;
    await until("its output is read", () => child.isRead);
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${child.lines.join("\n")}`);
    return child.lines.join("\n");
  }

  async start(): Promise<void> {
    this.mtlsPort = await freeTcpPort();
    this.nocBrokerPort = await freeTcpPort();
    this.nocPort = await freeTcpPort();
    this.consolePort = await freeTcpPort();
    this.snmpPort = await freeUdpPort();
    const enrolment = this.path("enrolment");
    await this.done(["noc", "enrolment", "init", "--dir", enrolment]);
    const broker = this.path("broker");
    mkdirSync(broker);
    await this.done(["noc", "enrolment", "server-certificate", "127.0.0.1", "--dir", enrolment, "--out", broker]);
    await this.done(["noc", "enrolment", "broker-files", broker, "--dir", enrolment, "--port", String(this.mtlsPort)]);
    await this.startBroker();
    await this.#startNoc();
    await this.#startAgent();
    await this.#startEnrolment();
    await this.enrol(this.path("gateway"));
    this.configure(this.#options.configuration ?? []);
  }

  async startBroker(): Promise<void> {
    const own = [`listener ${this.nocBrokerPort} 127.0.0.1`, "allow_anonymous true"];
    const pid = `pid_file ${this.path("broker.pid")}`;
    this.workspace.write(
      "broker.conf",
      ["user root", pid, readFileSync(this.path("broker", "mosquitto-gateways.conf"), "utf8"), ...own, ""].join("\n"),
    );
    const running = new RunningProcess(peer("mosquitto").path, ["-c", this.path("broker.conf")]);
    this.others.push(running);
    await running.until("mosquitto listens", () => running.lines.some((line) => line.includes("running")));
  }

  async #startNoc(): Promise<void> {
    const noc = gatehouse([
      ...["noc", "serve", "--broker", `mqtt://127.0.0.1:${this.nocBrokerPort}`, "--dir", this.path("noc"), "--tenant", "acme"],
      ...["--listen", `127.0.0.1:${this.nocPort}`],
    ]);
    this.others.push(noc);
    await noc.until("the NOC answers", () =>
      fetch(this.nocUrl("/")).then(
        ({ status }) => status < 500,
        () => false,
      ),
    );
    this.token = readFileSync(this.path("noc", "token"), "utf8").trim();
  }

  async #startAgent(): Promise<void> {
    const { community = "public" } = this.#options;
    const lines = [`agentaddress udp:127.0.0.1:${this.snmpPort}`, `rwcommunity ${community} 127.0.0.1`, "sysName secured-agent", ""];
    this.workspace.write("snmpd.conf", lines.join("\n"));
    const args = ["-f", "-Lo", "-C", "-c", this.path("snmpd.conf"), "-I", "-smux,-agentx"];
    this.others.push(new RunningProcess(peer("snmpd").path, args, { SNMP_PERSISTENT_DIR: this.path("snmpd"), SNMPCONFPATH: this.path() }));
  }

  async #startEnrolment(): Promise<void> {
    const port = await freeTcpPort();
    this.enrolmentUrl = `https://127.0.0.1:${port}`;
    const trust = await this.done([
      "noc",
      "keys",
      "show",
      "--root-only",
      "--url",
      this.nocUrl(""),
      "--token-file",
      this.path("noc", "token"),
    ]);
    this.workspace.write("root.jwk", trust);
    const served = gatehouse([
      ...["noc", "enrolment", "serve", "--dir", this.path("enrolment"), "--broker", `mqtts://127.0.0.1:${this.mtlsPort}`],
      ...["--listen", `127.0.0.1:${port}`, "--trust", this.path("root.jwk"), "--broker-files", this.path("broker")],
      ...["--broker-pid-file", this.path("broker.pid")],
    ]);
    this.others.push(served);
    await served.until("enrolment is open", () => served.lines.some((line) => line.includes("enrolment is open")));
  }

  /** By label, and waits until the broker was told. */
  async enrol(state: string): Promise<void> {
    const ship = ["noc", "enrolment", "ship", this.serial, "--tenant", "acme", "--site", "lab", "--gateway", this.gatewayId];
    this.label = (await this.done([...ship, "--dir", this.path("enrolment")])).trim();
    await this.#enrolBy(state);
  }

  /** By a new label, after `release`. */
  async enrolReleased(state: string): Promise<void> {
    const approve = ["noc", "enrolment", "approve", this.serial, "--tenant", "acme", "--site", "lab", "--gateway", this.gatewayId];
    this.label = (await this.done([...approve, "--dir", this.path("enrolment")])).trim();
    await this.#enrolBy(state);
  }

  async #enrolBy(state: string): Promise<void> {
    const file = this.workspace.write("label.txt", this.label);
    await this.done(["enrol", "--noc", this.enrolmentUrl, "--label-file", file, "--state", state, "--config", this.path("gatehouse.yaml")]);
    await until("the broker's list names the gateway", () =>
      readFileSync(this.path("broker", "gateways.acl"), "utf8").includes(this.gatewayId),
    );
  }

  configure(more: readonly string[]): string {
    const fixed = [
      `gateway: { id: ${this.gatewayId}, tenant: acme, site: lab }`,
      `uplink: { url: "mqtts://127.0.0.1:${this.mtlsPort}", enrolled: true, retryMaxMs: 1000 }`,
      "traps: { enabled: false }",
      "syslog: { enabled: false }",
      "clock: { source: host }",
      "buffer: { budgetBytes: 16777216, durabilityWindowMs: 500 }",
    ];
    const isOwnConsole = more.some((line) => line.startsWith("console:"));
    return this.workspace.write(
      "gatehouse.yaml",
      [...fixed, ...(isOwnConsole ? [] : ["console: { enabled: false }"]), ...more, ""].join("\n"),
    );
  }

  startGateway(state = this.path("gateway"), environment: Readonly<Record<string, string>> = {}): RunningProcess {
    const all = { ...this.#options.environment, ...environment };
    const gateway = gatehouse(["run", "--config", this.path("gatehouse.yaml"), "--state", state], all);
    this.gateways.push(gateway);
    return gateway;
  }

  /** The same identity and the same numbers in a second place. */
  cloneState(to: string): string {
    const folder = this.path(to);
    cpSync(this.path("gateway"), folder, { recursive: true, filter: (source) => !source.endsWith(".sock") });
    return folder;
  }

  async control<T>(operation: string, args: Readonly<Record<string, unknown>> = {}, folder = this.path("gateway")): Promise<T | undefined> {
    try {
      return (await requestControl({ folder, operation, arguments: args, clock: this.clock, timeoutMs: 5_000 })) as T;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefined;
    }
  }

  async connected(folder = this.path("gateway")): Promise<void> {
    const isConnected = async () => (await this.control<Status>("status", {}, folder))?.uplink.state === "connected";
    await until("the gateway is connected", isConnected, 30_000, () => this.gateways.at(-1)?.lines.slice(-10).join("\n") ?? "");
  }

  nocUrl(path: string): string {
    return `http://127.0.0.1:${this.nocPort}${path}`;
  }

  get noc(): NocClient {
    return new NocClient({ url: this.nocUrl(""), token: this.token });
  }

  async end(): Promise<void> {
    for (const one of [...this.gateways, ...this.others]) await one.end("SIGKILL");
    this.workspace.remove();
  }
}

export interface Status {
  readonly uplink: { readonly state: string };
  readonly equipment: readonly { readonly id: string; readonly reachability: string; readonly polls: number; readonly samples: number }[];
}
