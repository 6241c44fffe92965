import type { EditorFrameCodec } from "#ports/editor.ts";
import type { FlowGround, FlowMetricEntry, FlowStatus, FlowWing } from "#ports/flow-ground.ts";
import type { Operation } from "#ports/operations.ts";
import type { Unit } from "#ports/unit.ts";
import type { ServiceCatalogue } from "./catalogue.ts";
import { CommandDoor } from "./command-door.ts";
import type { CompileContext } from "./compile/compile-set.ts";
import { allowedTypes } from "./compile/node-types.ts";
import { ContextBook } from "./context-book.ts";
import { Deployer } from "./deployer.ts";
import { EditorDoor } from "./editor-door.ts";
import { Tunnel } from "./editor-tunnel.ts";
import { FailurePolicy } from "./failure-policy.ts";
import { Feed } from "./feed.ts";
import { asFlow, FlowSet } from "./flow-set.ts";
import { type HostHearers, hear } from "./from-host.ts";
import { UnitTracker } from "./health.ts";
import { HostDesk } from "./host-desk.ts";
import { HostKeeper } from "./host-keeper.ts";
import { KnownSecrets } from "./known-secrets.ts";
import { localCapabilities } from "./local-tabs.ts";
import { MetricBook } from "./metric-book.ts";
import { flowOperations } from "./operations.ts";
import { Orders } from "./orders.ts";
import type { FlowNode } from "./protocol.ts";
import { ServiceMetrics } from "./service-metrics.ts";
import { ServiceReports } from "./service-reports.ts";
import { type FlowSettings, standardThresholds } from "./settings.ts";
import { Soak } from "./soak.ts";
import { UnitStore } from "./unit-store.ts";
import { picked, siteOf, wingStatus } from "./wing-status.ts";

const [beatMs, dayMs] = [100, 86_400_000];

export interface FlowWingParts {
  readonly ground: FlowGround;
  readonly settings: FlowSettings;
  readonly gateway: string;
  readonly catalogue: ServiceCatalogue;
  readonly frames: EditorFrameCodec;
  /** Why there can be no flow host (packages missing); undefined = there can. */
  readonly missing: string | undefined;
}

/** Wires the parts of the flow wing on the telemetry side. One per gateway. */
export function createFlowWing(parts: FlowWingParts): FlowWing {
  return new Wing(parts);
}

class Wing implements FlowWing {
  readonly unit: Unit;
  readonly documents: Deployer;
  readonly editor: EditorDoor;
  readonly tunnel: Tunnel;
  readonly operations: readonly Operation[];
  readonly #parts: FlowWingParts;
  readonly #set: FlowSet;
  readonly #store: UnitStore;
  readonly #contexts: ContextBook;
  readonly #tracker = new UnitTracker();
  readonly #secrets: KnownSecrets;
  readonly #unreadable: readonly string[];
  readonly #reports: ServiceReports;
  readonly #feed: Feed;
  readonly #book = new MetricBook();
  readonly #orders: Orders;
  readonly #metrics: ServiceMetrics;
  readonly #keeper: HostKeeper;
  readonly #desk: HostDesk;
  readonly #commands: CommandDoor;
  readonly #policy: FailurePolicy;
  #created = 0;
  #signal = new AbortController().signal;

  constructor(parts: FlowWingParts) {
    const { ground, settings } = parts;
    const { clock, logger } = ground;
    this.#parts = parts;
    this.#store = new UnitStore(ground.state, ground.atRest);
    this.#unreadable = this.#store.sealAll();
    this.#set = new FlowSet(this.#store, ground.secrets);
    this.#secrets = new KnownSecrets(ground.secrets);
    this.#contexts = new ContextBook(this.#store, ground);
    this.#reports = new ServiceReports(ground);
    this.#metrics = new ServiceMetrics(ground);
    this.#feed = new Feed((deliveries) => this.#keeper.link?.offer(deliveries));
    const thresholds = { ...standardThresholds, ...settings.thresholds };
    this.#policy = new FailurePolicy({
      clock,
      set: this.#set,
      reports: this.#reports,
      tracker: this.#tracker,
      alarms: ground.alarms,
      thresholds,
    });
    this.#orders = new Orders({
      ground,
      metrics: this.#metrics,
      unit: (id) => this.#set.unit(id),
      localCapabilities: localCapabilities(settings),
      onReport: (service, what) => this.#tracker.reported(service, what),
    });
    this.#keeper = this.#makeKeeper(parts, thresholds.stormS);
    const running = (signal: AbortSignal) => this.#keeper.running(signal);
    this.editor = new EditorDoor({
      clock,
      entropy: ground.entropy,
      idleMs: settings.editorIdleMs,
      running,
      link: () => (this.#keeper.state === "running" ? this.#keeper.link : undefined),
      unavailable: () => parts.missing,
    });
    this.tunnel = new Tunnel({ clock, door: this.editor, frames: parts.frames });
    this.documents = new Deployer({
      ...{ clock, logger, set: this.#set, tracker: this.#tracker, reports: this.#reports },
      context: () => this.#context(),
      ...{ running, unavailable: () => parts.missing },
      soak: this.#makeSoak(parts),
      onSubscriptionsGone: (unit) => {
        this.#orders.clearAlarms(unit);
        this.#contexts.forget(unit);
      },
    });
    this.#desk = new HostDesk({
      ...{ logger, settings, set: this.#set, store: this.#store, orders: this.#orders },
      ...{ door: this.editor, deployer: this.documents, reports: this.#reports, contexts: this.#contexts, secrets: this.#secrets },
      onCredentials: (kept) => this.#secrets.ofCredentials(kept, this.#credentialSecret()),
      registry: () => this.#keeper.types,
      pickers: (what, equipment) => picked(what, equipment, parts.ground, this.#book),
    });
    this.#commands = new CommandDoor({ clock, link: () => this.#keeper.link });
    this.operations = flowOperations({
      ...{ set: this.#set, commands: this.#commands, tunnel: this.tunnel },
      ...{ status: () => this.status(), restart: () => this.#restart(), release: (unit: string) => this.#release(unit) },
      retire: (nodes) => this.documents.exclusively(async () => this.#retire(nodes)),
    });
    this.unit = { name: "flows", run: (signal) => this.#run(signal) };
  }

  #makeSoak({ ground }: FlowWingParts): Soak {
    return new Soak({
      ...{ clock: ground.clock, set: this.#set, tracker: this.#tracker },
      life: { ping: () => this.#keeper.ping(), lastSignMs: () => this.#keeper.lastPongMs },
      openOrders: (unit) => this.#orders.open(unit),
      pollIntervalMs: (equipment) => ground.equipment().find(({ id }) => id === equipment)?.pollIntervalMs,
    });
  }

  #makeKeeper({ ground, settings, gateway }: FlowWingParts, stormS: number): HostKeeper {
    const { clock, logger, spawner } = ground;
    let made: HostHearers | undefined;
    const hearers = () => {
      made ??= this.#hearers();
      return made;
    };
    return new HostKeeper({
      ...{ clock, logger, spawner, settings, gateway, secrets: this.#secrets },
      handlers: {
        startSet: () => this.#startSet(),
        onMessage: (message, link) => hear(message, link, hearers(), this.#signal),
        onEditor: (connection, bytes) => this.editor.connections.fromHost(connection, bytes),
        onRunning: () => this.#policy.running(),
        isUnit: (unit) => this.#set.isUnit(unit),
        storming: () => this.#tracker.storming(stormS),
        onFailure: (failure) => this.#policy.failed(failure),
        onGone: () => this.#gone(),
      },
    });
  }

  status(): FlowStatus {
    const { missing } = this.#parts;
    const keeper = this.#keeper;
    const dropped = {
      ...(keeper.link?.dropped ?? {}),
      ...this.#orders.refused,
      ordersLost: this.#desk.lost,
      contextsTooLarge: this.#contexts.refused,
    };
    const { unattributed } = this.#policy;
    const editor = this.editor.state().state;
    return wingStatus({ missing, keeper, set: this.#set, tracker: this.#tracker, unattributed, created: this.#created, dropped, editor });
  }

  metrics(equipment?: string): readonly FlowMetricEntry[] {
    return this.#book.entries(equipment);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { ground } = this.#parts;
    this.#signal = signal;
    const untap = ground.intake.tap((observation) => {
      this.#book.observed(observation);
      this.#feed.observed(observation);
    });
    if (this.#unreadable.length > 0) this.#reports.unreadable(this.#unreadable);
    try {
      if (this.#set.interrupted.length > 0) {
        this.#reports.interrupted(this.#set.interrupted);
        this.#store.commit({ upsert: [], remove: [], isFinal: true });
      }
      if (this.#parts.missing !== undefined) {
        ground.logger.info({ reason: this.#parts.missing }, "flows are off");
        // Rejects with the abort: there is nothing else to wait for.
        for (; !signal.aborted; ) await ground.clock.sleep(dayMs, signal).catch(() => undefined);
        return;
      }
      await Promise.all([this.#keeper.run(signal), this.#metrics.run(signal), this.#beat(signal)]);
      this.#contexts.save();
    } finally {
      untap();
    }
  }

  /** Flushes what waits for the child, looks after the editor, and once a day says what is in use. */
  async #beat(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.ground;
    let usageAtMs = clock.monotonicMs() + dayMs;
    while (!signal.aborted) {
      // Rejects only with the abort, which the loop's condition sees.
      await clock.sleep(beatMs, signal).catch(() => undefined);
      this.#keeper.link?.flush();
      this.editor.look();
      this.#contexts.look();
      if (clock.monotonicMs() < usageAtMs) continue;
      usageAtMs += dayMs;
      for (const { unit, activatedAtMs } of this.#set.committed.values()) this.#reports.usage(unit, activatedAtMs, undefined, "daily");
    }
  }

  #usable(nodes: readonly FlowNode[]): boolean {
    const types = this.#keeper.types ?? allowedTypes;
    const isKnown = ({ type }: FlowNode) =>
      type === "tab" || type === "group" || type === "subflow" || type.startsWith("subflow:") || types.has(type);
    return nodes.every(isKnown);
  }

  #credentialSecret(): string {
    return this.#store.credentialSecret(() => this.#parts.ground.entropy.bytes(32));
  }

  #startSet() {
    this.#tracker.hostRestarted();
    // What went wrong may lie in what it remembers: it begins anew when it is released.
    for (const unit of this.#set.bans.keys()) this.#contexts.forget(unit);
    const [credentials, credentialSecret] = [this.#store.json("credentials"), this.#credentialSecret()];
    this.#secrets.ofNodes(this.#set.local);
    this.#secrets.ofCredentials(credentials, credentialSecret);
    return {
      units: this.#set.startUnits((nodes) => this.#usable(nodes)),
      ...{ credentials, credentialSecret },
      settings: this.#store.json("settings"),
      contexts: this.#contexts.all(),
      safe: this.#set.safe !== undefined,
    };
  }

  #hearers(): HostHearers {
    return {
      ...{ logger: this.#parts.ground.logger, set: this.#set, feed: this.#feed, desk: this.#desk },
      ...{ tracker: this.#tracker, commands: this.#commands, editor: this.editor },
      onCreated: (nodes) => {
        this.#created = nodes;
      },
    };
  }

  #gone(): void {
    this.#feed.clear();
    this.editor.hostGone();
    this.#commands.hostGone();
  }

  #restart(): void {
    this.#set.safe = undefined;
    this.#policy.forgive();
    this.#keeper.restart();
  }

  #release(unit: string): boolean {
    const released = this.#set.release(unit);
    const link = this.#keeper.link;
    if (!released || link === undefined) return released;
    const back = this.#set.committed.get(unit)?.unit;
    const flow = back === undefined ? this.#set.localFlow((nodes) => this.#usable(nodes)) : asFlow(back);
    // Should it end the child again, the keeper says so; nobody waits for it here.
    this.documents.exclusively(() => link.deploy([flow], [])).catch(() => undefined);
    return released;
  }

  async #retire(nodes: readonly FlowNode[]): Promise<void> {
    const { link, state } = this.#keeper;
    await (link !== undefined && state === "running" ? this.#desk.deployLocal(nodes, link) : this.#desk.keepLocal(nodes));
  }

  #context(): CompileContext {
    const { ground, gateway, catalogue } = this.#parts;
    return { ...{ gateway, catalogue, registry: this.#keeper.types }, site: siteOf(ground) };
  }
}
