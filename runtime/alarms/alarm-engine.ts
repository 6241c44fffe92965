import type { EquipmentId } from "#model/equipment.ts";
import type { Observation } from "#model/observation.ts";
import type { Verdict } from "#model/verdict.ts";
import type { AlarmLog } from "#ports/alarm-log.ts";
import type { AlarmMatch, Alarms, MaintenanceWindow } from "#ports/alarms.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { History } from "#ports/history.ts";
import type { HostNetwork, HostNetworkReading } from "#ports/host-network.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import type { State } from "#ports/state.ts";
import type { SiteTopology } from "#ports/topology.ts";
import type { Unit } from "#ports/unit.ts";
import { AlarmList } from "./alarm-list.ts";
import { AlarmMemory } from "./alarm-memory.ts";
import { AlarmUnit } from "./alarm-unit.ts";
import { type Condition, isHistoryCondition, type StateMeanings, type TableCondition } from "./conditions/definition.ts";
import { HistoryConditions } from "./conditions/history-conditions.ts";
import { TableConditions } from "./conditions/table-conditions.ts";
import { InstanceIds, matches } from "./identity.ts";
import { Marks } from "./marks.ts";
import { RootFinder } from "./roots.ts";
import { isWayOut, siteFacts } from "./verdict/gather-facts.ts";
import type { UplinkFact } from "./verdict/site-facts.ts";
import { domainAlarms, VerdictKeeper } from "./verdict/verdict-keeper.ts";
import { CheckWatch } from "./watch/check-watch.ts";
import { EquipmentFacts, type MonitoredEquipment } from "./watch/equipment-facts.ts";
import { LastingNotes } from "./watch/lasting-notes.ts";
import { type NotificationRule, NotificationRules } from "./watch/notification-rules.ts";
import { OwnWatch, type ReceiverState } from "./watch/own-watch.ts";
import { type ChosenPorts, PortWatch } from "./watch/port-watch.ts";
import { ReachabilityWatch } from "./watch/reachability-watch.ts";
import { RestartWatch } from "./watch/restart-watch.ts";
import type { WatchParts } from "./watch/watch-parts.ts";

/** What the assembly hands in. */
export interface AlarmEngineParts {
  readonly gateway: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly state: State;
  readonly log?: AlarmLog;
  readonly history?: History;
  readonly network?: HostNetwork;
  readonly topology: SiteTopology;
  /** Asked again and again. */
  readonly equipment: () => readonly MonitoredEquipment[];
  readonly conditions: readonly Condition[];
  readonly genericStates: boolean;
  readonly rules: readonly NotificationRule[];
  readonly ports: readonly ChosenPorts[];
  /** Windows of the configuration, as they fall around this time. */
  readonly maintenance: (nowMs: number) => readonly MaintenanceWindow[];
  readonly unreachableAfterMs: number;
  readonly meanings: StateMeanings;
  readonly uplink: () => UplinkFact;
  /** Share of the state's file system that is used, 0 to 1; undefined = not known. */
  readonly diskUsed?: () => number | undefined;
  /** Passive receivers that the configuration asks for. */
  readonly receivers?: () => readonly ReceiverState[];
  /** Host of the uplink's URL. */
  readonly nocHost?: string;
}

/** Alarms that a verdict on reachability says something about; toner is nobody's outage. */
const ofOutages: ReadonlySet<string> = new Set([
  ...["equipmentUnreachable", "linkDown", "checkFailed", "upsOnBattery", "upsBatteryLow"],
  ...Object.values(domainAlarms).map(({ type }) => type),
]);
const maxLoggedFailures = 5;
const lookEveryMs = 5_000;

/** Everything that makes alarms of observations, as one unit: looks at each observation on its way through the intake. */
export class AlarmEngine implements Unit {
  readonly name = "alarms";
  readonly #parts: AlarmEngineParts;
  readonly list: AlarmList;
  readonly facts: EquipmentFacts;
  readonly reachability: ReachabilityWatch;
  readonly checks: CheckWatch;
  readonly conditions: TableConditions;
  readonly history: HistoryConditions;
  readonly #ports: PortWatch;
  readonly #restarts: RestartWatch;
  readonly #rules: NotificationRules;
  readonly #own: OwnWatch;
  readonly #verdict: VerdictKeeper;
  readonly #memory: AlarmMemory;
  readonly #notes: LastingNotes;
  #unit: AlarmUnit | undefined;
  #intake: Intake | undefined;
  #failures = 0;
  #routerAddress: string | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: AlarmEngineParts) {
    this.#parts = parts;
    const { gateway, clock, entropy, state, log, topology } = parts;
    const ids = new InstanceIds(entropy);
    const newId = () => ids.next(clock.now().wallMs);
    const marks = new Marks({ state, newId, configured: parts.maintenance });
    this.#notes = new LastingNotes(state, parts.logger);
    this.#memory = new AlarmMemory(state, this.#notes);
    this.list = new AlarmList({
      ...{ gateway, clock, entropy, marks, log, memory: this.#memory },
      onPending: () => this.#unit?.pending(),
    });
    this.facts = new EquipmentFacts(state, this.#notes, parts.equipment);
    const watch: WatchParts = { list: this.list, clock, notes: this.#notes, topology, facts: this.facts };
    this.#ports = new PortWatch(watch, parts.ports);
    this.reachability = new ReachabilityWatch(watch, parts.unreachableAfterMs);
    this.#restarts = new RestartWatch(watch);
    this.checks = new CheckWatch(watch, () => this.#awaitsCause());
    this.#rules = new NotificationRules(watch, parts.rules);
    this.#own = new OwnWatch(watch, parts);
    this.conditions = new TableConditions({
      conditions: parts.conditions.filter((one): one is TableCondition => !isHistoryCondition(one)),
      ...{ genericStates: parts.genericStates, meanings: parts.meanings, sink: this.list, active: () => this.list.instances.values() },
      deviceClassOf: (equipment) => this.facts.classOf(equipment),
      portIsUp: (equipment, row) => this.#ports.isUp(equipment, row),
    });
    const { history } = parts;
    this.history = new HistoryConditions({ conditions: parts.conditions.filter(isHistoryCondition), sink: this.list, history, clock });
    this.#verdict = new VerdictKeeper({
      list: this.list,
      clock,
      network: parts.network,
      facts: (host) => this.#siteFacts(host),
      nocHost: parts.nocHost,
    });
  }

  get alarms(): Alarms {
    return this.list;
  }

  /** Whose fault it is now. */
  verdict(): Verdict {
    return this.#verdict.current;
  }

  /** Ends alarms by a person's word; what is still wrong comes back as a new one. @returns how many */
  closeByPerson(match: AlarmMatch, by: string): number {
    return this.list.closeAll(({ identity, key }) => matches(match, { ...identity, key }), `closed by ${by}`);
  }

  /** Looks at everything that goes through the intake, before it is encoded. */
  feeds(intake: Intake): this {
    this.#intake = intake;
    intake.tap((observation) => this.observe(observation));
    return this;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, log, uplink } = this.#parts;
    const intake = this.#intake;
    if (intake === undefined) throw new Error("the alarm engine feeds no intake");
    this.facts.refresh();
    this.#closeOrphans();
    const unit = new AlarmUnit({
      ...{ list: this.list, memory: this.#memory, log, clock, logger },
      accept: (observation) => intake.accept(observation),
      correlate: () => this.correlate(),
      isConnected: () => uplink().state === "connected",
      onTick: (nowMs) => this.tick(nowMs),
    });
    this.#unit = unit;
    try {
      await unit.run(signal);
    } finally {
      this.#notes.flush();
    }
  }

  /** Never throws: what goes wrong in here is a bug that must cost neither the measurement nor the alarms that follow. */
  observe(observation: Observation): void {
    try {
      this.#observe(observation);
    } catch (error) {
      this.#failures += 1;
      if (this.#failures <= maxLoggedFailures)
        this.#parts.logger.error(
          { error: error instanceof Error ? error.stack : String(error), failures: this.#failures },
          "an observation could not be judged",
        );
    }
  }

  /** Called once a second: holds that ran out, expectations that were not met. */
  tick(nowMs: number): void {
    this.#verdict.tick(nowMs);
    this.#notes.tick(nowMs);
    if (nowMs - this.#lookedMs < lookEveryMs) return;
    this.#lookedMs = nowMs;
    if (this.facts.refresh()) this.#closeOrphans();
    this.reachability.tick(nowMs);
    this.checks.tick(nowMs);
    this.#ports.tick(nowMs, this.#parts.clock.now().wallMs);
    this.#restarts.tick(nowMs);
    this.#rules.tick(nowMs);
    this.conditions.tick(nowMs);
    this.history.tick(nowMs);
    this.#own.tick(nowMs);
  }

  #observe(observation: Observation): void {
    switch (observation.kind) {
      case "report":
        this.reachability.observe(observation);
        this.#ports.observe(observation);
        this.conditions.observe(observation);
        this.history.observe(observation);
        break;
      case "event":
        this.#ports.observeEvent(observation);
        this.#restarts.observeEvent(observation);
        this.#rules.observe(observation);
        this.#own.observeEvent(observation);
        break;
      case "inventory": {
        const before = this.facts.classOf(observation.equipment);
        this.#restarts.observeInventory(observation);
        if (before !== this.facts.classOf(observation.equipment)) this.conditions.reconsider(observation.equipment);
        break;
      }
      case "check":
        this.checks.observe(observation);
        break;
      default:
    }
  }

  /** Looks for the reason of everything that is active, and puts the verdict on what begins. */
  correlate(): void {
    const { list } = this;
    const { clock, topology } = this.#parts;
    this.#verdict.tick(clock.monotonicMs());
    const finder = new RootFinder([...list.recent, ...list.instances.values()], {
      ...{ topology, router: this.#router() },
      isWayOut: (identity) => isWayOut(identity, this.facts, topology),
    });
    const verdict = this.#verdict.attribute();
    for (const instance of [...list.instances.values()]) {
      const root = finder.rootOf(instance) ?? keptRoot(instance.root, instance.identity.type);
      const isJudged = verdict !== undefined && ofOutages.has(instance.identity.type) && instance.verdict?.domain !== verdict.domain;
      list.annotate(instance.key, { root, ...(isJudged ? { verdict } : {}) });
    }
  }

  /** The monitored equipment that is this machine's default gateway. */
  #router(): EquipmentId | undefined {
    const address = this.#verdict.host?.defaultRoute?.gateway ?? this.#routerAddress;
    // Without a link there is no route; the router is the same.
    this.#routerAddress = address;
    if (address === undefined) return undefined;
    return [...this.facts.all.values()].find((one) => one.address === address)?.id;
  }

  /** Alarms that an outage explains wait until the outage has its own: what follows is told after what it follows from. */
  #awaitsCause(): boolean {
    const { domain, subject } = this.#verdict.current;
    const alarm = domainAlarms[domain];
    if (alarm !== undefined && domain !== "noc") return this.list.find({ path: "", type: alarm.type, qualifier: "" }) === undefined;
    const router = this.#router();
    // Whoever refuses polls passes on what others send all the same.
    if (domain !== "device" || router === undefined || subject !== router || this.reachability.isHeard(router)) return false;
    return this.list.find({ equipment: router, path: "", type: "equipmentUnreachable", qualifier: "" }) === undefined;
  }

  #siteFacts(host: HostNetworkReading | undefined) {
    const { list, reachability, checks, facts } = this;
    const { topology, uplink, nocHost } = this.#parts;
    return siteFacts({ list, reachability, checks, facts, topology, uplink: uplink(), host, nocHost });
  }

  /** What an earlier run raised and nobody here will ever clear: equipment or conditions that are no longer configured. */
  #closeOrphans(): void {
    const conditions = new Set(this.#parts.conditions.map(({ name }) => name));
    const fixed = new Set(["reachability", "ports", "restarts"]);
    this.list.closeAll(({ identity, condition }) => {
      const { kind, ref = "" } = condition.source;
      if (identity.equipment !== undefined && !this.facts.all.has(identity.equipment) && !/^(check:|_)/.test(identity.equipment))
        return true;
      if (kind !== "poll" || fixed.has(ref)) return false;
      return ref.startsWith("state.") ? !this.#parts.genericStates : !conditions.has(ref);
    }, "no longer watched");
  }
}

/** Facts without an end of their own, and other words for the same outage, keep the reason they had when it is long over. */
const keepsRoot: ReadonlySet<string> = new Set(["unexpectedRestart", "deviceSwapped", "gatewayIsolated", "lanDown"]);

function keptRoot(root: string | undefined, type: string): string | undefined {
  return keepsRoot.has(type) ? root : undefined;
}
