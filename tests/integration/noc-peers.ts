import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import type { Chunk } from "#model/chunk.ts";
import type { UplinkLeaf } from "#ports/uplink.ts";
import { type Acknowledgement, parseAck } from "../../cloud-bridge/protocol/messages/ack.ts";

/** Whether a program is there to be started. */
export function hasProgram(name: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${name}`], { env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` } }).status === 0;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Polls until the probe gives something; the deadline is a failure, never a pass. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 60_000,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A real mosquitto on a port of its own. */
export class Mosquitto {
  readonly port: number;
  readonly #dir = mkdtempSync(join(tmpdir(), "noc-broker-"));
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<Mosquitto> {
    const broker = new Mosquitto(await freePort());
    await broker.start();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const config = join(this.#dir, "broker.conf");
    writeFileSync(config, `listener ${this.port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 100000\n`);
    this.#process = spawn("mosquitto", ["-c", config], {
      stdio: "ignore",
      env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` },
    });
    await until("mosquitto accepts connections", async () => {
      const client = mqtt.connect(this.url, { reconnectPeriod: 0, protocolVersion: 5 });
      const connected = await new Promise<boolean>((resolve) => {
        client.on("connect", () => resolve(true));
        client.on("error", () => resolve(false));
        client.on("close", () => resolve(false));
      });
      client.end(true);
      return connected;
    });
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    this.#process = undefined;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Publishes like a gateway and listens to its acks. */
export class Publisher {
  readonly acks: Acknowledgement[] = [];
  readonly #client: MqttClient;
  readonly #topic: string;

  private constructor(client: MqttClient, topic: string) {
    this.#client = client;
    this.#topic = topic;
    client.on("message", (_topic, payload) => this.acks.push(parseAck(payload)));
  }

  static async connect(url: string, gateway: string, tenant = "acme"): Promise<Publisher> {
    const client = await mqtt.connectAsync(url, { protocolVersion: 5, clientId: gateway, reconnectPeriod: 0 });
    const publisher = new Publisher(client, `gh/1/${tenant}/g/${gateway}`);
    await client.subscribeAsync(`gh/1/${tenant}/g/${gateway}/ack`, { qos: 0 });
    return publisher;
  }

  /** Resolves on PUBACK of the broker. */
  async publish(leaf: UplinkLeaf, payload: Uint8Array | string, retain = false): Promise<void> {
    await this.#client.publishAsync(`${this.#topic}/${leaf}`, Buffer.from(payload), { qos: 1, retain });
  }

  async send(chunks: readonly Chunk[], leaf?: UplinkLeaf): Promise<void> {
    const leaves = { T: "tm", E: "ev", C: "chk", I: "inv", S: "sla" } as const;
    await Promise.all(chunks.map((chunk) => this.publish(leaf ?? leaves[chunk.streamClass], chunk.bytes)));
  }

  /** Newest word of the NOC on a stream. */
  acked(stream: string): { readonly upTo: number; readonly ranges: readonly (readonly [number, number])[] } | undefined {
    return this.acks.flatMap((ack) => ack.streams.filter((one) => one.stream === stream)).at(-1);
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
