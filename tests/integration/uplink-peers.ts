import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { formatAck } from "../../cloud-bridge/protocol/messages/ack.ts";
import { parseTopic } from "../../cloud-bridge/protocol/topics.ts";
import type { StreamId } from "../../runtime/model/chunk.ts";
import { peer } from "../peers.ts";
import { NocStub } from "../sim/uplink/noc-stub.ts";
import { freePort, until } from "./noc-peers.ts";

/** A real mosquitto with a configuration of the test's own. */
export class ConfiguredMosquitto {
  readonly port: number;
  readonly dir = mkdtempSync(join(tmpdir(), "uplink-broker-"));
  #process: ChildProcess | undefined;
  #config: readonly string[];

  private constructor(port: number, config: readonly string[]) {
    this.port = port;
    this.#config = config;
  }

  /** @param config further lines; the listener and its port stand already. */
  static async start(config: readonly string[] = ["allow_anonymous true"]): Promise<ConfiguredMosquitto> {
    const broker = new ConfiguredMosquitto(await freePort(), config);
    await broker.start();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Takes effect with the next start. */
  configure(config: readonly string[]): void {
    this.#config = config;
  }

  async start(): Promise<void> {
    const file = join(this.dir, "broker.conf");
    writeFileSync(file, [`listener ${this.port} 127.0.0.1`, "user root", "max_queued_messages 100000", ...this.#config, ""].join("\n"));
    this.#process = spawn(peer("mosquitto").path, ["-c", file], { stdio: "ignore" });
    await until("mosquitto listens", () => isListening(this.port));
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** The NOC's end in miniature over a real broker: stores what `identify` recognises, acknowledges every `ackEveryMs`. Comes back by itself. */
export class RemoteNoc {
  readonly noc = new NocStub();
  readonly presence: unknown[] = [];
  readonly #client: MqttClient;
  readonly #timer: ReturnType<typeof setInterval>;
  acknowledges = true;
  /** Its subscription stands: what is published now arrives. */
  isListening = false;

  private constructor(
    client: MqttClient,
    gateway: string,
    identify: (payload: Uint8Array) => { stream: StreamId; seq: number } | undefined,
  ) {
    this.#client = client;
    client.on("error", () => undefined);
    client.on("connect", () => {
      client.subscribeAsync(`gh/1/acme/g/${gateway}/#`, { qos: 1 }).then(
        () => {
          this.isListening = true;
        },
        () => undefined,
      );
    });
    client.on("close", () => {
      this.isListening = false;
    });
    client.on("message", (topic, payload) => {
      const parsed = parseTopic(topic);
      if (parsed?.kind !== "gateway" || parsed.leaf === "ack") return;
      const { leaf } = parsed;
      if (leaf === "state") this.presence.push(JSON.parse(payload.toString()));
      const chunk = identify(payload);
      if (
        chunk !== undefined &&
        leaf !== "state" &&
        leaf !== "hello" &&
        leaf !== "des" &&
        leaf !== "cmd" &&
        leaf !== "blob" &&
        leaf !== "edq"
      )
        this.noc.store(chunk.stream, chunk.seq, leaf, performance.now());
    });
    this.#timer = setInterval(() => this.#acknowledge(gateway), 100);
  }

  static connect(
    url: string,
    gateway: string,
    identify: (payload: Uint8Array) => { stream: StreamId; seq: number } | undefined,
  ): RemoteNoc {
    const client = mqtt.connect(url, { protocolVersion: 5, clientId: "noc", reconnectPeriod: 100, clean: true });
    return new RemoteNoc(client, gateway, identify);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#client.endAsync(true);
  }

  #acknowledge(gateway: string): void {
    if (!this.#client.connected || !this.acknowledges) return;
    const ack = this.noc.acknowledgement();
    if (ack !== undefined) this.#client.publish(`gh/1/acme/g/${gateway}/ack`, Buffer.from(formatAck(ack)), { qos: 0 });
  }
}

/** A real mosquitto whose configuration, listeners included, is wholly the caller's. */
export class ListenerlessMosquitto {
  readonly #process: ChildProcess;
  #reloads = 0;

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#reloads += text.split("Reloading config.").length - 1;
    });
  }

  static async start(dir: string, config: string, port: number): Promise<ListenerlessMosquitto> {
    const file = join(dir, "broker.conf");
    writeFileSync(file, `user root\n${config}`);
    const child = spawn(peer("mosquitto").path, ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    const broker = new ListenerlessMosquitto(child);
    await until("mosquitto listens", () => isListening(port));
    return broker;
  }

  /**
   * Reads ACL, certificates and revocation list again. It says so before it does it, so the work is done when it says so a second time; a
   * signal that comes while it works is lost, so it is asked until it has.
   */
  async reload(): Promise<void> {
    const before = this.#reloads;
    await until("mosquitto has read its files again", () => {
      if (this.#reloads >= before + 2) return true;
      this.#process.kill("SIGHUP");
      return false;
    });
  }

  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await gone;
  }
}
