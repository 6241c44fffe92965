import { once } from "node:events";
import type { Server } from "node:http";
import type { SnmpCredential } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { createControlServer } from "./control.ts";
import type { AnsweredRequest, CountsView } from "./counts.ts";
import type { Device, SimulatedKind } from "./device.ts";
import { applyFault, type FaultOrder } from "./faults.ts";
import { createOffice, type Office } from "./office.ts";
import { type SimulatedAccess, SimulatedAgent } from "./simulated-agent.ts";

/** Made up and public: they open nothing but the simulated site. */
export const simulatedAccess = {
  v2c: { version: "2c", community: "public", writeCommunity: "private" },
  v3: { version: "3", user: "noc", authKey: "simulated-auth-key", privKey: "simulated-priv-key" },
} as const satisfies Record<string, SimulatedAccess>;

/** The device that speaks v3 authPriv (SHA-256, AES-128). */
const v3Device = "fw-1";
const tickMs = 1_000;
/** At most one authenticationFailure trap per device in this time. */
const unauthorisedTrapMs = 10_000;

export interface SiteOptions {
  /** Same seed and same clock: same site, same values. */
  readonly seed: number;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** UDP port of the first device, the others follow; 0 = any free ones. Default 16100. */
  readonly basePort?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** TCP port of the control interface on 127.0.0.1; 0 = any free one; absent = none. */
  readonly controlPort?: number;
  /** Where traps go; absent = nowhere. */
  readonly traps?: { readonly host: string; readonly port: number };
}

/** What a poller needs to know of one device. */
export interface SimulatedDeviceView {
  readonly id: string;
  readonly kind: SimulatedKind;
  readonly address: string;
  readonly port: number;
  readonly credential: SnmpCredential;
  readonly serial: string;
  readonly model: string;
  readonly sysUpTimeTicks: number;
  /** false: no power, or hanging. */
  readonly alive: boolean;
  readonly objects: number;
}

export interface ListeningSite {
  readonly devices: readonly SimulatedDeviceView[];
  /** 0 = no control interface. */
  readonly controlPort: number;
}

/** A site of simulated equipment that speaks real SNMP over UDP, one port each. */
export class SimulatedSite implements Unit {
  readonly name = "simulated-site";
  readonly options: SiteOptions;
  readonly office: Office;
  /** Resolves when all agents listen; rejects if they cannot. */
  readonly listening: Promise<ListeningSite>;
  readonly #agents = new Map<string, SimulatedAgent>();
  #announce: (site: ListeningSite) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(options: SiteOptions) {
    this.options = options;
    const startMs = options.clock.monotonicMs();
    this.office = createOffice(options.seed, () => options.clock.monotonicMs() - startMs, options.clock.now().wallMs);
    this.listening = new Promise((resolve, reject) => {
      this.#announce = resolve;
      this.#fail = reject;
    });
    this.listening.catch(() => undefined); // also thrown by run
    for (const device of this.office.model.devices) this.#agents.set(device.identity.id, this.#agentOf(device));
  }

  /** @throws GatewayError host.port-in-use | host.denied */
  async run(signal: AbortSignal): Promise<void> {
    let control: Server | undefined;
    try {
      for (const agent of this.#agents.values()) await agent.open(signal);
      control = await this.#openControl(signal);
      const address = control?.address();
      const controlPort = typeof address === "object" && address !== null ? address.port : 0;
      this.#announce({ devices: this.devices(), controlPort });
      for (const device of this.office.model.devices) device.emitTrap({ oid: "1.3.6.1.6.3.1.1.5.1", varbinds: [] });
      while (!signal.aborted) {
        await pause(this.options.clock, tickMs, signal);
        this.office.model.settle();
      }
    } catch (error) {
      this.#fail(error);
      if (!signal.aborted) throw error;
    } finally {
      for (const agent of this.#agents.values()) agent.close();
      control?.close();
      control?.closeAllConnections();
    }
  }

  devices(): readonly SimulatedDeviceView[] {
    this.office.model.settle();
    return this.office.model.devices.map((device) => ({
      id: device.identity.id,
      kind: device.identity.kind,
      address: this.options.host ?? "127.0.0.1",
      port: this.#agents.get(device.identity.id)?.port ?? 0,
      credential: credentialOf(accessOf(device)),
      serial: device.serial,
      model: device.identity.model,
      sysUpTimeTicks: device.upTimeTicks,
      alive: !this.office.model.isDark(device),
      objects: device.tree.size,
    }));
  }

  /** What each agent answered since the start: the outside recount of a poller's ledger. */
  counts(): Readonly<Record<string, CountsView>> {
    return Object.fromEntries([...this.#agents].map(([id, agent]) => [id, agent.counts.view]));
  }

  /** The last 2,048 answered requests of one device, oldest first. @throws GatewayError command.refused */
  requests(deviceId: string): readonly AnsweredRequest[] {
    const agent = this.#agents.get(deviceId);
    if (agent === undefined)
      throw new GatewayError("command.refused", { message: `no such device; there are ${[...this.#agents.keys()].join(", ")}` });
    return agent.counts.log;
  }

  /** @throws GatewayError command.refused for what does not exist */
  applyFault(order: FaultOrder): void {
    applyFault(this.office, this.#agents, order);
    this.options.logger.info({ device: order.device, fault: order.fault, on: order.on ?? true }, "fault at the simulated site");
  }

  #agentOf(device: Device): SimulatedAgent {
    const { clock, entropy, traps, host = "127.0.0.1", basePort = 16_100 } = this.options;
    const { model } = this.office;
    let lastTrapMs = Number.NEGATIVE_INFINITY;
    const agent = new SimulatedAgent({
      host,
      port: basePort === 0 ? 0 : basePort + device.identity.number,
      access: accessOf(device),
      tree: device.tree,
      engineId: () => device.engineId,
      engineBoots: () => device.engineBoots,
      engineTimeS: () => device.upTimeS,
      clock,
      random: () => entropy.random(),
      isDark: () => {
        model.settle();
        return model.isDark(device);
      },
      onUnauthorised: () => {
        const nowMs = clock.monotonicMs();
        if (nowMs - lastTrapMs < unauthorisedTrapMs) return;
        lastTrapMs = nowMs;
        device.emitTrap({ oid: "1.3.6.1.6.3.1.1.5.5", varbinds: [] });
      },
    });
    device.emitTrap = (trap) => {
      if (traps !== undefined && !model.isDark(device)) agent.sendTrap(traps, { ...trap, upTimeTicks: device.upTimeTicks });
    };
    return agent;
  }

  async #openControl(signal: AbortSignal): Promise<Server | undefined> {
    const { controlPort } = this.options;
    if (controlPort === undefined) return undefined;
    const server = createControlServer(this);
    server.listen(controlPort, "127.0.0.1");
    try {
      await once(server, "listening", { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw new GatewayError("host.port-in-use", { message: `control interface cannot listen on 127.0.0.1:${controlPort}`, cause: error });
    }
    return server;
  }
}

/** The site of the demo and of the tests: a switch, a UPS, a printer, a NAS, an access point, a firewall, a camera. */
export function createSite(options: SiteOptions): SimulatedSite {
  return new SimulatedSite(options);
}

function accessOf(device: Device): SimulatedAccess {
  return device.identity.id === v3Device ? simulatedAccess.v3 : simulatedAccess.v2c;
}

function credentialOf(access: SimulatedAccess): SnmpCredential {
  if (access.version === "2c") return { version: "2c", community: access.community };
  return {
    version: "3",
    user: access.user,
    auth: { protocol: "sha256", key: access.authKey },
    priv: { protocol: "aes128", key: access.privKey },
  };
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch((reason: unknown) => {
    if (!signal.aborted) throw reason;
  });
}
