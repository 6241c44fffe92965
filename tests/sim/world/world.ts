import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Acker } from "../../../cloud-bridge/noc/ingest/acker.ts";
import { BatchWriter } from "../../../cloud-bridge/noc/ingest/batch.ts";
import { Ingest } from "../../../cloud-bridge/noc/ingest/ingest.ts";
import { defaultGrants, defaultIngestLimits } from "../../../cloud-bridge/noc/ingest/limits.ts";
import { Telemetry } from "../../../cloud-bridge/noc/ingest/telemetry.ts";
import { SqliteStore } from "../../../cloud-bridge/noc/store/sqlite/sqlite-store.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { parseAck } from "../../../cloud-bridge/protocol/messages/ack.ts";
import { parseNocState } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { Gateway } from "../../../runtime/gateway.ts";
import type { Equipment, EquipmentId } from "../../../runtime/model/equipment.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import { Link } from "../../../runtime/northbound/link.ts";
import { helloBody } from "../../../runtime/parts-hello.ts";
import type { Buffer } from "../../../runtime/ports/buffer.ts";
import type { Entropy } from "../../../runtime/ports/entropy.ts";
import { openBufferInline } from "../../../runtime/store/buffer-inline.ts";
import { openState } from "../../../runtime/store/state.ts";
import { CollectingLogger } from "../collecting-logger.ts";
import { seededEntropy } from "../seeded-entropy.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { type BootTime, NodeClock } from "./node-clock.ts";
import type { Scenario } from "./scenario.ts";
import { calm, SimBroker, type SimSession } from "./sim-broker.ts";
import { SimDisk } from "./sim-disk.ts";
import { SimDriver, SimSite } from "./sim-driver.ts";

const tenant = "acme";
const gatewayId = "gw-sim-01";
const returnWatchMs = 10_000;
const maxReturns = 10_000;

export interface WorldOptions extends Scenario {
  readonly seed: number;
  readonly equipment: number;
  readonly pollIntervalMs: number;
}

interface RunningGateway {
  readonly clock: NodeClock;
  readonly gateway: Gateway;
  readonly buffer: Buffer;
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
  failure: unknown;
}

interface RunningNoc {
  readonly ingest: Ingest;
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
}

/**
 * One gateway with its site, a line, a broker and the NOC's ingest: all of it the real code, on virtual time. What is doubled are the five
 * ports to the world: clock, entropy, disk, SNMP and network.
 */
export class World {
  readonly clock: VirtualClock;
  readonly entropy: Entropy;
  readonly site: SimSite;
  readonly disk: SimDisk;
  readonly broker: SimBroker;
  readonly store: SqliteStore;
  readonly logger = new CollectingLogger();
  readonly options: WorldOptions;
  gateway: RunningGateway | undefined;
  noc: RunningNoc | undefined;
  /** The NOC's database refuses transactions. */
  nocStoreBusy = false;
  boots = 0;
  /** Connections after an outage during which nothing else was wrong: the newest values must be at the NOC soon. */
  readonly calmReturns: { readonly atMs: number }[] = [];
  readonly #folder = mkdtempSync(join(ramFolder(), "gatehouse-sim-"));
  readonly #startWallMs = Date.UTC(2026, 10, 21, 6);

  constructor(options: WorldOptions) {
    this.options = options;
    this.clock = new VirtualClock(this.#startWallMs, true);
    this.entropy = seededEntropy(options.seed);
    const ids = Array.from({ length: options.equipment }, (_, index) => `dev-${index}`);
    this.site = new SimSite(ids, options.padChars, () => this.trueWallMs());
    this.disk = new SimDisk(seededEntropy(options.seed ^ 0x5eed));
    this.store = new SqliteStore(this.#folder);
    this.broker = new SimBroker({
      clock: this.clock,
      entropy: seededEntropy(options.seed ^ 0xb10c),
      tenant,
      gateway: gatewayId,
      noc: () => {
        const { noc } = this;
        return noc === undefined ? undefined : (delivery) => noc.ingest.offer(delivery);
      },
      onReturn: (session) => void this.#watchReturn(session),
    });
  }

  get isCalm(): boolean {
    const { broker, disk } = this;
    const isLineCalm =
      broker.reachable &&
      Object.entries(calm).every(([name, value]) => name === "bytesPerSecond" || broker.faults[name as keyof typeof calm] === value);
    return isLineCalm && this.noc !== undefined && !this.nocStoreBusy && !disk.faults.full && disk.faults.syncFails === 0;
  }

  async #watchReturn(session: SimSession): Promise<void> {
    const { gateway } = this;
    const atMs = this.trueWallMs();
    if (!this.isCalm) return;
    await this.clock.sleep(returnWatchMs, new AbortController().signal);
    if (this.isCalm && this.broker.session === session && this.gateway === gateway && this.calmReturns.length < maxReturns)
      this.calmReturns.push({ atMs });
  }

  /** What a perfect clock would show. */
  trueWallMs(): number {
    return this.#startWallMs + this.clock.monotonicMs();
  }

  startNoc(): void {
    const decoder = createChunkDecoder();
    const telemetry = new Telemetry(decoder, defaultIngestLimits);
    const acker = new Acker(this.clock, defaultGrants, (_tenant, _gateway, payload) => {
      void this.broker.sendAck(payload);
      return true;
    });
    const store = this.store;
    const guarded = Object.create(store, {
      transaction: {
        value: (work: Parameters<SqliteStore["transaction"]>[0]) =>
          this.nocStoreBusy ? Promise.reject(new GatewayError("noc.store-busy")) : store.transaction(work),
      },
      read: { value: store.read },
    }) as SqliteStore;
    const ingest = new Ingest({
      store: guarded,
      clock: this.clock,
      entropy: this.entropy,
      logger: this.logger,
      limits: defaultIngestLimits,
      telemetry,
      writer: new BatchWriter(decoder, telemetry, defaultIngestLimits),
      onCommitted: (news) => {
        for (const one of news) acker.note(one);
      },
    });
    const stop = new AbortController();
    const ended = Promise.allSettled([ingest.run(stop.signal), acker.run(stop.signal)]);
    this.noc = { ingest, stop, ended };
    this.broker.nocReturned();
    this.broker.announceNoc(true);
  }

  /** The worker's process dies: what it had in memory is gone, what it committed is not. */
  async killNoc(): Promise<void> {
    const { noc } = this;
    this.noc = undefined;
    noc?.stop.abort(new Error("noc killed"));
    await noc?.ended;
  }

  /** The NOC says that it goes, and goes. */
  async stopNoc(): Promise<void> {
    this.broker.announceNoc(false);
    await this.killNoc();
  }

  /** Boots a gateway from what is on the disk. */
  startGateway(boot: Omit<BootTime, "bootId">): void {
    this.boots += 1;
    const clock = new NodeClock(this.clock, () => this.trueWallMs(), { ...boot, bootId: this.boots.toString(16).padStart(8, "0") });
    const entropy = seededEntropy(this.options.seed * 1_000 + this.boots);
    const { logger, disk } = this;
    disk.powerOn();
    const platform = { clock, entropy, logger };
    const state = openState(".", { disk, wallMs: clock.now().wallMs });
    const encoder = createFrameEncoder({ entropy, streamSalt: gatewayId });
    const buffer = openBufferInline({ disk, ...platform, assembler: createChunkAssembler(), settings: this.#settings() });
    const identity = { id: gatewayId, tenant, site: "sim" };
    const link = new Link({
      uplink: this.broker,
      buffer,
      encoder,
      messages: { parseAck, parseNocState },
      ...platform,
      hello: (connection, limits) =>
        helloBody({
          gateway: identity,
          version: "0.0.0",
          devices: this.site.agents.size,
          connection,
          limits,
          buffer,
          encoder,
          clock,
          entropy,
        }),
    });
    const driver = new SimDriver(this.site, clock, entropy);
    const gateway = new Gateway({
      identity: { ...identity, version: "0.0.0" },
      ...platform,
      drivers: new Map([["sim", driver]]),
      driverContext: { ...platform, credential: (name) => ({ name }) },
      equipment: this.#equipment(),
      maxConcurrentPolls: 64,
      encoder,
      buffer,
      state,
      link,
      feeders: () => [],
    });
    const stop = new AbortController();
    const running: RunningGateway = { clock, gateway, buffer, stop, ended: Promise.resolve(), failure: undefined };
    const ended = gateway.run(stop.signal).catch((error: unknown) => {
      running.failure = error;
    });
    this.gateway = Object.assign(running, { ended });
  }

  /** Mains off: nothing of the process runs on, unsynced sectors are gone or not. */
  powerCut(): void {
    const { gateway } = this;
    if (gateway === undefined) return;
    gateway.clock.die();
    this.disk.powerCut();
    this.broker.session?.close({ reason: "gateway gone", brokerInitiated: false });
    this.gateway = undefined;
  }

  /** SIGTERM, and the wait for the end. */
  async stopGateway(): Promise<void> {
    const { gateway } = this;
    if (gateway === undefined) return;
    gateway.stop.abort(new Error("stop"));
    let ended = false;
    void gateway.ended.then(() => {
      ended = true;
    });
    await this.clock.until(() => ended, 60_000, 50);
    this.gateway = undefined;
    if (gateway.failure !== undefined) throw gateway.failure;
  }

  async close(): Promise<void> {
    await this.killNoc();
    await this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #settings() {
    const { journalBytes, budgetBytes } = this.options;
    return { durabilityWindowMs: 10_000, journalBytes, ballastBytes: 65_536, budgetBytes };
  }

  #equipment(): readonly Equipment[] {
    return [...this.site.agents.keys()].map((id) => ({
      id: id as EquipmentId,
      address: "192.0.2.1",
      port: 161,
      driver: "sim",
      pollIntervalMs: this.options.pollIntervalMs,
    }));
  }
}

/** The NOC's SQLite syncs for real; in memory that costs nothing. */
function ramFolder(): string {
  return existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
}
