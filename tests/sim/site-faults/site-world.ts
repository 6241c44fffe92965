import { existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Acker } from "../../../cloud-bridge/noc/ingest/acker.ts";
import { BatchWriter } from "../../../cloud-bridge/noc/ingest/batch.ts";
import { Ingest } from "../../../cloud-bridge/noc/ingest/ingest.ts";
import { defaultGrants, defaultIngestLimits } from "../../../cloud-bridge/noc/ingest/limits.ts";
import { Telemetry } from "../../../cloud-bridge/noc/ingest/telemetry.ts";
import { SqliteStore } from "../../../cloud-bridge/noc/store/sqlite/sqlite-store.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { applyFault, type FaultOrder } from "../../../drivers/simulated/faults.ts";
import { createOffice, type Office } from "../../../drivers/simulated/office.ts";
import type { Disturbance } from "../../../drivers/simulated/simulated-agent.ts";
import type { Entropy } from "../../../runtime/ports/entropy.ts";
import { CollectingLogger } from "../collecting-logger.ts";
import { seededEntropy } from "../seeded-entropy.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { SimBroker } from "../world/sim-broker.ts";
import { SimDisk } from "../world/sim-disk.ts";
import { type GatewayUnderTest, startGateway } from "./gateway-under-test.ts";
import { RamFolder, siteConfiguration } from "./site-file.ts";
import { SiteNetwork } from "./site-network.ts";

const tenant = "acme";
const gatewayId = "gw-sim-01";
/** A working day begins. */
const startWallMs = Date.UTC(2026, 10, 23, 7);
const lookMs = 1_000;

export interface SiteWorldOptions {
  readonly seed: number;
  /** Where the second path leads; absent = there is none. */
  readonly receiver?: { readonly url: string; readonly secret: string };
}

/**
 * A whole site on virtual time: the office's devices and its line, one real gateway with poller, checks, alarms and verdict, a broker and the
 * NOC's real ingest. Doubled are the ports to the world: clock, dice, disk, SNMP's and the checks' packets, the kernel's network and MQTT.
 */
export class SiteWorld {
  readonly clock = new VirtualClock(startWallMs, true);
  readonly logger = new CollectingLogger();
  readonly office: Office;
  readonly network: SiteNetwork;
  readonly disk: SimDisk;
  readonly broker: SimBroker;
  readonly store: SqliteStore;
  readonly #options: SiteWorldOptions;
  readonly #entropy: Entropy;
  readonly #folder = new RamFolder(existsSync("/dev/shm") ? "/dev/shm" : tmpdir());
  readonly #disturbances = new Map<string, Disturbance>();
  readonly #life = new AbortController();
  #boots = 0;
  #ended: Promise<unknown> = Promise.resolve();
  gateway: GatewayUnderTest | undefined;

  constructor(options: SiteWorldOptions) {
    this.#options = options;
    this.#entropy = seededEntropy(options.seed);
    const { clock } = this;
    this.office = createOffice(options.seed, () => clock.monotonicMs(), startWallMs, { annex: true });
    this.network = new SiteNetwork(this.office, () => this.#entropy.random());
    this.disk = new SimDisk(seededEntropy(options.seed ^ 0x5eed));
    for (const { identity } of this.office.model.devices)
      this.#disturbances.set(identity.id, { delayMs: 0, loss: 0, wrongCommunity: false });
    mkdirSync(join(this.#folder.path, "noc"));
    this.store = new SqliteStore(join(this.#folder.path, "noc"));
    let offer: Ingest["offer"] | undefined;
    this.broker = new SimBroker({
      ...{ clock, tenant, gateway: gatewayId, entropy: seededEntropy(options.seed ^ 0xb10c) },
      noc: () => (offer === undefined ? undefined : (delivery) => offer?.(delivery) ?? false),
    });
    const ingest = this.#startNoc();
    offer = (delivery) => ingest.offer(delivery);
  }

  trueWallMs(): number {
    return startWallMs + this.clock.monotonicMs();
  }

  /** Boots the gateway, as after power on. */
  start(): GatewayUnderTest {
    this.#boots += 1;
    this.gateway = startGateway({
      world: this,
      configuration: siteConfiguration(this.office, this.#folder.path, this.#options.receiver),
      folder: this.#folder.path,
      entropy: seededEntropy(this.#options.seed * 1_000 + this.#boots),
      bootNumber: this.#boots,
      disturbanceOf: (device) => this.#disturbance(device.identity.id),
    });
    return this.gateway;
  }

  async restart(): Promise<void> {
    await this.stopGateway();
    this.start();
  }

  async stopGateway(): Promise<void> {
    const { gateway } = this;
    this.gateway = undefined;
    gateway?.stop.abort(new Error("stop"));
    let ended = false;
    void gateway?.ended.then(() => {
      ended = true;
    });
    if (gateway !== undefined) await this.clock.until(() => ended, 60_000, 50);
  }

  /** An order to the site's equipment. */
  order(order: FaultOrder): void {
    const agents = new Map([...this.#disturbances].map(([id, disturbance]) => [id, { disturbance }]));
    applyFault(this.office, agents, order);
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  async close(): Promise<void> {
    await this.stopGateway();
    this.#life.abort(new Error("over"));
    await this.clock.advance(10);
    await this.#ended;
    await this.store.close();
    this.#folder.remove();
  }

  #disturbance(id: string): Disturbance {
    const found = this.#disturbances.get(id);
    if (found === undefined) throw new Error(`no device ${id}`);
    return found;
  }

  #startNoc(): Ingest {
    const decoder = createChunkDecoder();
    const telemetry = new Telemetry(decoder, defaultIngestLimits);
    const acker = new Acker(this.clock, defaultGrants, (_tenant, _gateway, payload) => {
      void this.broker.sendAck(payload);
      return true;
    });
    const ingest = new Ingest({
      ...{ store: this.store, clock: this.clock, entropy: this.#entropy, logger: this.logger, telemetry },
      limits: defaultIngestLimits,
      writer: new BatchWriter(decoder, telemetry, defaultIngestLimits),
      onCommitted: (news) => {
        for (const one of news) acker.note(one);
      },
    });
    const { signal } = this.#life;
    this.#ended = Promise.allSettled([ingest.run(signal), acker.run(signal), this.#watchLine(signal)]);
    this.broker.nocReturned();
    this.broker.announceNoc(true);
    return ingest;
  }

  /** The line to the broker is the site's own line. */
  async #watchLine(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isThere = this.network.reachesNoc();
      if (this.broker.reachable && !isThere) this.broker.cut();
      this.broker.reachable = isThere;
      await this.clock.sleep(lookMs, signal).catch(() => undefined);
    }
  }
}
