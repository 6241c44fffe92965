import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { ChildSpawner } from "#ports/child.ts";
import type { CommandContext } from "../cli/context.ts";
import { exitCodes } from "../cli/exit-codes.ts";
import { requestControl } from "../host/control-client.ts";
import { freePort } from "../host/free-port.ts";
import { type DemoDevice, type DemoPorts, demoSecrets, gatewayFile } from "./gateway-file.ts";
import { type DemoCount, ledgerReport } from "./ledger-report.ts";
import { type DemoLedger, NocClient, pollsAtAgents } from "./noc-client.ts";
import { Progress } from "./progress.ts";
import { DemoRole } from "./role.ts";

export interface DemoOptions {
  readonly stateDir: string;
  /** Ends by itself after this time; undefined = until Ctrl-C. */
  readonly forMs: number | undefined;
  readonly seed: number;
}

const gatewayId = "gw-demo-01";
const recountedMetric = "sysUpTime";
const wanted: DemoPorts = { site: 16_100, broker: 18_830, noc: 8_440, traps: 1_162, syslog: 5_514, console: 8_480 };
const siteDevices = 8;

/** What stands once everything has started. */
interface Stage {
  readonly noc: NocClient;
  readonly gateway: DemoRole;
  /** The gateway's state folder. */
  readonly folder: string;
  readonly before: DemoLedger | undefined;
  readonly controlPort: number;
}

/**
 * The whole story on one machine: a simulated site, a broker, the NOC's end and a gateway, four processes that meet only over UDP, TCP and
 * HTTP. Ends with the ledger, recounted from outside. Sets exit code 1 when it does not balance.
 */
export class Demo {
  readonly #options: DemoOptions;
  readonly #context: CommandContext;
  readonly #spawner: ChildSpawner;
  readonly #progress: Progress;
  readonly #roles: DemoRole[] = [];

  constructor(options: DemoOptions, context: CommandContext, spawner: ChildSpawner) {
    this.#options = options;
    this.#context = context;
    this.#spawner = spawner;
    this.#progress = new Progress(context);
  }

  async run(): Promise<void> {
    const { clock } = this.#context;
    const stop = this.#context.stopSignal();
    const startedMs = clock.monotonicMs();
    try {
      const stage = await this.#start(stop);
      await this.#live(stage, startedMs, stop);
      await this.#finish(stage);
    } catch (error) {
      if (!stop.aborted || isGatewayError(error)) throw error;
      this.#progress.say("stopped before everything had started");
    } finally {
      for (const role of [...this.#roles].reverse()) await role.stop();
    }
  }

  async #start(stop: AbortSignal): Promise<Stage> {
    const { stateDir } = this.#options;
    const ports = await this.#choosePorts();
    for (const folder of ["noc", "gateway"]) mkdirSync(join(stateDir, folder), { recursive: true, mode: 0o700 });
    this.#progress.say(`State is kept in ${stateDir}; a second start goes on where this one stops.`);
    const site = this.#role("the simulated site", ["simulate", ...siteArguments(ports, this.#options.seed)]);
    const listening = await site.announced(announcement<{ readonly devices: readonly DemoDevice[]; readonly controlPort: number }>, stop);
    this.#progress.say(`Site       ${listening.devices.length} devices answer SNMP on 127.0.0.1, UDP ${ports.site} and following`);
    const broker = this.#role("the broker", ["demo-broker", "--port", String(ports.broker)]);
    await broker.announced(announcement<{ readonly port: number }>, stop);
    this.#progress.say(`Broker     MQTT 5 on 127.0.0.1:${ports.broker}`);
    const nocDir = join(stateDir, "noc");
    const nocRole = this.#role("the NOC's end", [
      "noc",
      "serve",
      ...["--broker", `mqtt://127.0.0.1:${ports.broker}`, "--dir", nocDir, "--listen", `127.0.0.1:${ports.noc}`, "--tenant", "demo"],
    ]);
    const noc = await this.#nocClient(nocRole, nocDir, ports.noc, stop);
    this.#progress.say(`NOC        ${noc.url}`);
    const before = await noc.ledger(gatewayId, recountedMetric);
    const file = join(stateDir, "gatehouse.yaml");
    writeFileSync(file, gatewayFile(listening.devices, ports, resolve(nocDir, "keys", "root.pub.jwk")), { mode: 0o600 });
    const folder = join(stateDir, "gateway");
    const gateway = this.#role("the gateway", ["run", "--config", file, "--state", folder]);
    return { noc, gateway, folder, before, controlPort: listening.controlPort };
  }

  async #choosePorts(): Promise<DemoPorts> {
    const host = "127.0.0.1";
    const ports: DemoPorts = {
      site: await freePort("udp", host, wanted.site, siteDevices),
      broker: await freePort("tcp", host, wanted.broker),
      noc: await freePort("tcp", host, wanted.noc),
      traps: await freePort("udp", host, wanted.traps),
      syslog: await freePort("udp", host, wanted.syslog),
      console: await freePort("tcp", host, wanted.console),
    };
    for (const name of ["site", "broker", "noc", "traps", "syslog", "console"] as const) {
      if (ports[name] !== wanted[name]) this.#progress.say(`Port ${wanted[name]} (${name}) is in use; taking ${ports[name]}.`);
    }
    return ports;
  }

  #role(name: string, command: readonly [string, ...string[]]): DemoRole {
    const { clock } = this.#context;
    const environment = command[0] === "run" ? demoSecrets : {};
    const level = this.#context.logLevel === undefined ? [] : ["--log-level", this.#context.logLevel];
    const [first, ...rest] = [...level, ...command];
    const role = new DemoRole(name, { spawner: this.#spawner, clock, environment }, [first ?? command[0], ...rest]);
    this.#roles.push(role);
    return role;
  }

  async #nocClient(role: DemoRole, dir: string, port: number, stop: AbortSignal): Promise<NocClient> {
    await role.announced((line) => (line.includes(`:${port}`) ? line : undefined), stop);
    const token = readFileSync(join(dir, "token"), "utf8").trim();
    return new NocClient(`http://127.0.0.1:${port}`, token);
  }

  /** Until Ctrl-C, the end of the time, or the end of any role. */
  async #live(stage: Stage, startedMs: number, stop: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const endMs = this.#options.forMs === undefined ? Number.POSITIVE_INFINITY : startedMs + this.#options.forMs;
    const link = await stage.noc.signInLink();
    this.#progress.say(`Open       ${link}\n           (signs one browser in, once; every start prints a new one)`);
    let first = false;
    while (!stop.aborted && clock.monotonicMs() < endMs) {
      const ended = this.#roles.find((role) => role.exit !== undefined && !role.stopping);
      if (ended !== undefined) {
        throw new GatewayError("host.not-running", { message: `${ended.name} ended unexpectedly:\n${ended.lines.slice(-8).join("\n")}` });
      }
      const ledger = await stage.noc.ledger(gatewayId);
      const delivered = (ledger?.delivered ?? 0) - (stage.before?.delivered ?? 0);
      if (delivered > 0 && !first) {
        first = true;
        const seconds = ((clock.monotonicMs() - startedMs) / 1_000).toFixed(1);
        this.#progress.say(`Gateway    first values stored and acknowledged by the NOC after ${seconds} s`);
        await this.#sayConsole(stage.folder);
      }
      const status = await this.#gatewayLedger(stage.folder);
      // Of all runs, as the gateway's own count is.
      this.#progress.update({ delivered: ledger?.delivered ?? 0, status, elapsedMs: clock.monotonicMs() - startedMs });
      await clock.sleep(Math.min(1_000, Math.max(0, endMs - clock.monotonicMs())), stop).catch(() => undefined);
    }
  }

  async #sayConsole(folder: string): Promise<void> {
    try {
      const answer = await requestControl({ folder, operation: "console-code", clock: this.#context.clock, timeoutMs: 5_000 });
      const { link } = answer as { readonly link: string };
      this.#progress.say(
        `Console    ${link}\n           (the page of the technician on site; signs one browser in, once, within 10 minutes)`,
      );
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#progress.say(`Console    not open: ${error.message}`);
    }
  }

  async #gatewayLedger(folder: string): Promise<DemoCount["gateway"] | undefined> {
    try {
      const status = await requestControl({ folder, operation: "status", clock: this.#context.clock, timeoutMs: 5_000 });
      return (status as { readonly ledger: DemoCount["gateway"] }).ledger;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefined; // not up yet
    }
  }

  async #finish(stage: Stage): Promise<void> {
    this.#progress.say("Stopping   the gateway hands over what it holds");
    let gateway: DemoCount["gateway"] | undefined;
    stage.gateway.onLine((line) => {
      gateway = finalLedger(line) ?? gateway;
    });
    const clean = await stage.gateway.stop();
    gateway = stage.gateway.lines.map(finalLedger).findLast((ledger) => ledger !== undefined) ?? gateway;
    const after = await stage.noc.ledger(gatewayId, recountedMetric);
    if (gateway === undefined || !clean) {
      this.#progress.say(`The gateway did not stop cleanly:\n${stage.gateway.lines.slice(-8).join("\n")}`);
      this.#context.finish(exitCodes.failed);
      return;
    }
    const report = ledgerReport({ polledAtAgents: await pollsAtAgents(stage.controlPort), before: stage.before, after, gateway });
    this.#context.print(`${report.lines.join("\n")}\n`);
    if (!report.balances) this.#context.finish(exitCodes.failed);
  }
}

function siteArguments(ports: DemoPorts, seed: number): readonly string[] {
  return ["--base-port", String(ports.site), "--seed", String(seed), "--control-port", "0", "--traps", `127.0.0.1:${ports.traps}`];
}

/** `{"listening":{...}}`, the line by which a role says that it is ready. */
function announcement<T>(line: string): T | undefined {
  if (!line.startsWith('{"listening"')) return undefined;
  return (JSON.parse(line) as { readonly listening: T }).listening;
}

/** The gateway's last words: its log line with the ledger. */
function finalLedger(line: string): DemoCount["gateway"] | undefined {
  if (!line.startsWith("{") || !line.includes('"gateway stopped"')) return undefined;
  const { polledSamples, deliveredSamples, bufferedSamples, droppedSamples } = JSON.parse(line) as Record<string, number>;
  return { polled: polledSamples ?? 0, delivered: deliveredSamples ?? 0, buffered: bufferedSamples ?? 0, dropped: droppedSamples ?? 0 };
}
