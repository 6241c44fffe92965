import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { peer } from "../peers.ts";
import { ReleaseKit } from "../update/release-kit.ts";
import { freeTcpPort, gatehouse, RunningProcess, until, Workspace } from "./processes.ts";

const root = join(import.meta.dirname, "../..");

export interface RolloutView {
  readonly state: string;
  readonly reason: string;
  readonly wave: number;
  readonly gateways: readonly { readonly gateway: string; readonly state: string; readonly detail: string }[];
}

/** The checkout's program under another version, as a script: `patch` is what it does before it starts `run`. */
export function programOfCheckout(folder: string, version: string, patch = ""): string {
  const hook = join(folder, `version-${version}.mjs`);
  writeFileSync(
    hook,
    `import { registerHooks } from "node:module";
registerHooks({ load(url, context, next) {
  const loaded = next(url, context);
  if (!url.endsWith("/package.json") || url.includes("node_modules")) return loaded;
  return { ...loaded, source: String(loaded.source).replace(/"version": "[^"]*"/, '"version": "${version}"') };
} });\n`,
  );
  const file = join(folder, `gatehouse-${version}`);
  const start = `exec "${process.execPath}" --import "${pathToFileURL(hook)}" "${join(root, "runtime/main.ts")}" "$@"`;
  writeFileSync(file, `#!/bin/sh\nif [ "$1" = run ]; then :; ${patch}\nfi\n${start}\n`, { mode: 0o755 });
  return file;
}

/** A gateway as init would keep it: the launcher, started again whenever it ends. */
export class KeptGateway {
  readonly id: string;
  readonly lines: string[] = [];
  readonly #field: RolloutField;
  #process: RunningProcess | undefined;
  #isWanted = false;
  #life: Promise<void> = Promise.resolve();

  constructor(field: RolloutField, id: string) {
    this.#field = field;
    this.id = id;
  }

  start(): void {
    this.#isWanted = true;
    this.#life = this.#keep();
  }

  async #keep(): Promise<void> {
    while (this.#isWanted) {
      const { workspace, factory, hangS } = this.#field;
      const environment = {
        GATEHOUSE_STATE: workspace.path(this.id),
        GATEHOUSE_CONFIG: workspace.path(`${this.id}.yaml`),
        GATEHOUSE_FACTORY: factory,
        ...{ GATEHOUSE_LOOK_S: "0.2", GATEHOUSE_HANG_S: String(hangS), GATEHOUSE_PROBATION_S: "120" },
      };
      const one = new RunningProcess("sh", [join(root, "build/systemd/launch")], environment);
      this.#process = one;
      await one.exited;
      this.lines.push(...one.lines.slice(-30));
    }
  }

  /** The newest lines of all its lives. */
  said(): string {
    return [...this.lines, ...(this.#process?.lines ?? [])].slice(-40).join("\n");
  }

  async stop(): Promise<void> {
    this.#isWanted = false;
    await this.#process?.end("SIGTERM");
    await this.#life;
  }
}

/** mosquitto, the NOC's end with releases of its own, and gateways under the launcher; each a process. */
export class RolloutField {
  readonly workspace = new Workspace();
  readonly kit = new ReleaseKit();
  readonly gateways = new Map<string, KeptGateway>();
  /** When the launcher ends what gives no sign of life; a start on a loaded machine takes many seconds. */
  readonly hangS: number;
  factory = "";
  nocPort = 0;
  #broker: RunningProcess | undefined;
  #noc: RunningProcess | undefined;
  #brokerPort = 0;

  constructor(options: { readonly hangS?: number } = {}) {
    this.hangS = options.hangS ?? 120;
  }

  async start(factory: string): Promise<void> {
    this.factory = factory;
    this.#brokerPort = await freeTcpPort();
    this.nocPort = await freeTcpPort();
    const lines = [`listener ${this.#brokerPort} 127.0.0.1`, "allow_anonymous true", "persistence false", ""];
    this.workspace.write("mosquitto.conf", lines.join("\n"));
    this.#broker = new RunningProcess(peer("mosquitto").path, ["-c", this.workspace.path("mosquitto.conf")]);
    await this.#broker.until("mosquitto listens", () => this.#broker?.lines.some((line) => line.includes("running")) ?? false);
    this.#noc = gatehouse([
      ...["noc", "serve", "--broker", `mqtt://127.0.0.1:${this.#brokerPort}`, "--dir", this.workspace.path("noc"), "--tenant", "acme"],
      ...["--listen", `127.0.0.1:${this.nocPort}`, "--releases", this.kit.path("repository")],
    ]);
    await this.#noc.until("the NOC answers", () =>
      fetch(`http://127.0.0.1:${this.nocPort}/`).then(
        (response) => response.status < 500,
        () => false,
      ),
    );
  }

  gateway(id: string): KeptGateway {
    const rootFile = this.kit.path("repository/metadata/1.root.json");
    this.workspace.write(
      `${id}.yaml`,
      [
        `gateway: { id: ${id}, tenant: acme, site: field }`,
        "flows: { enabled: false }",
        `uplink: { url: "mqtt://127.0.0.1:${this.#brokerPort}", retryMaxMs: 1000 }`,
        "authority: { root: { $file: noc/keys/root.pub.jwk } }",
        `update: { url: "http://127.0.0.1:${this.nocPort}/releases", rootFile: "${rootFile}", probationMs: 5000 }`,
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
    const made = new KeptGateway(this, id);
    this.gateways.set(id, made);
    made.start();
    return made;
  }

  async ask<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
    // Connections that were closed while this process packed a program are noticed before one of them is used.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    const token = readFileSync(this.workspace.path("noc", "token"), "utf8").trim();
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    return (await (await fetch(`http://127.0.0.1:${this.nocPort}${path}`, init)).json()) as T;
  }

  async online(id: string): Promise<void> {
    const isOnline = async () => {
      const answer = await this.ask<{ gateways: readonly { id: string; online: boolean }[] }>("GET", "/api/gateways");
      return answer.gateways.some((one) => one.id === id && one.online);
    };
    await until(`${id} is online`, isOnline, 240_000, () => this.gateways.get(id)?.said() ?? "");
  }

  /** Until the newest rollout is as wanted. */
  async rollout(what: string, is: (view: RolloutView) => boolean, limitMs = 240_000): Promise<RolloutView> {
    let view: RolloutView | undefined;
    const look = async () => {
      view = (await this.ask<{ rollouts: readonly RolloutView[] }>("GET", "/api/rollouts")).rollouts[0];
      return view !== undefined && is(view);
    };
    const explain = () => `${JSON.stringify(view)}\n${[...this.gateways.values()].map((one) => one.said()).join("\n\n")}`;
    await until(what, look, limitMs, explain);
    if (view === undefined) throw new Error("no rollout");
    return view;
  }

  async end(): Promise<void> {
    for (const one of this.gateways.values()) await one.stop();
    for (const one of [this.#noc, this.#broker]) await one?.end("SIGKILL");
    await this.kit.end();
    this.workspace.remove();
  }
}
