import type { Equipment } from "#model/equipment.ts";
import type { Buffer, Ledger } from "#ports/buffer.ts";
import type { Checks } from "#ports/checks.ts";
import type { Clock } from "#ports/clock.ts";
import type { FrameEncoder } from "#ports/codec.ts";
import type { Driver, DriverContext } from "#ports/driver.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { History } from "#ports/history.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import type { Updater } from "#ports/updater.ts";
import { ClockWatch } from "./clock-watch.ts";
import { GapReporter } from "./gap-reporter.ts";
import { HealthWatch } from "./health.ts";
import { BufferedIntake } from "./intake.ts";
import { type MachineFacts, type SelfFacts, SelfMetrics } from "./self-metrics.ts";
import type { PolledEquipment } from "./southbound/polled-equipment.ts";
import { Poller } from "./southbound/poller.ts";
import { gatewayStatus } from "./status.ts";
import { Supervisor, type UnitHealth } from "./supervise/supervisor.ts";

/** The gateway's connection to the NOC as a unit, with what it says of itself. */
export interface LinkUnit extends Unit {
  status(): { readonly state: string };
}

/** Everything concrete, chosen by the bill of materials (parts-appliance.ts) or by the simulation. */
export interface GatewayParts {
  readonly identity: { readonly id: string; readonly tenant: string; readonly site: string; readonly version: string };
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly driverContext: DriverContext;
  readonly equipment: readonly Equipment[];
  readonly maxConcurrentPolls: number;
  readonly encoder: FrameEncoder;
  readonly buffer: Buffer;
  readonly history?: History;
  readonly state: State;
  readonly link?: LinkUnit;
  /** Whoever wants a check run now asks here; they run on their grid as one of the feeders. */
  readonly checks?: Checks;
  /** Passive receivers (traps, syslog), checks and whatever else feeds the intake. */
  readonly feeders: (intake: Intake) => readonly Unit[];
  /** Resident memory of this process; absent = this gateway does not report on itself. */
  readonly residentBytes?: () => number;
  /** Absent when this gateway is not updated by itself. */
  readonly updater?: Updater | undefined;
  /** Readings of the machine, for the gateway's own metrics. */
  readonly machine?: () => MachineFacts;
  /** Further parts that have something to say of themselves, by their name in `gatehouse status`. */
  readonly sections?: Readonly<Record<string, () => unknown>>;
  /** What looks at the gateway and outlives its southbound half: control socket, console. */
  readonly services?: (gateway: Gateway) => readonly Unit[];
}

/** Reason of an abort after which the same process goes on with another run of the gateway. */
export class Restart extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "Restart";
  }
}

/** How long a stopping gateway tries to hand over what it still holds while the NOC is reachable. The rest keeps: it is on flash. */
const handOverMs = 5_000;
const handOverLookMs = 100;
/** After a start the first values travel at once, not when their interval ends: somebody is waiting to see them. */
const firstSealMs = 2_000;

/**
 * Wires the units of one gateway and runs them. Southbound stops first, then what was measured is sealed and handed over, then the uplink
 * says goodbye: a stop loses nothing and the NOC is not left waiting for an interval that was never finished.
 */
export class Gateway {
  readonly poller: Poller;
  readonly intake: Intake;
  readonly health: HealthWatch;
  readonly #parts: GatewayParts;
  readonly #southUnits: readonly Unit[];
  readonly #northUnits: readonly Unit[];
  readonly #south: Supervisor;
  readonly #north: Supervisor;
  readonly #startedAtMs: number;
  #finalLedger: Omit<Ledger, "drops"> = { polled: 0, delivered: 0, buffered: 0, dropped: 0, sinceMs: 0, restarts: 0 };

  constructor(parts: GatewayParts) {
    const { clock, logger, buffer, encoder, history } = parts;
    this.#parts = parts;
    this.#startedAtMs = clock.monotonicMs();
    this.intake = new BufferedIntake({ encoder, buffer, logger });
    if (history !== undefined) this.intake.tap((one) => one.kind === "report" && history.record(one));
    this.poller = new Poller({
      equipment: parts.equipment,
      drivers: parts.drivers,
      context: parts.driverContext,
      clock,
      intake: this.intake,
      logger,
      maxConcurrentPolls: parts.maxConcurrentPolls,
    });
    this.health = new HealthWatch({ clock, buffer, poller: this.poller });
    const shared = { clock, logger, intake: this.intake, buffer };
    this.#southUnits = [
      this.poller,
      new ClockWatch({ ...shared, state: parts.state }),
      new GapReporter(shared),
      ...this.#selfMetrics(),
      ...parts.feeders(this.intake),
    ];
    this.#northUnits = [...(parts.link === undefined ? [] : [parts.link]), ...(parts.services?.(this) ?? [])];
    this.#south = new Supervisor(parts);
    this.#north = new Supervisor(parts);
  }

  /** The site's own memory; undefined when it keeps none. */
  get history(): History | undefined {
    return this.#parts.history;
  }

  get checks(): Checks | undefined {
    return this.#parts.checks;
  }

  /** How every unit is. */
  units(): readonly UnitHealth[] {
    return [...this.#south.health(), ...this.#north.health()];
  }

  get updater(): Updater | undefined {
    return this.#parts.updater;
  }

  /** Whether a session with the NOC's broker is up. */
  isNocReached(): boolean {
    return this.#parts.link?.status().state === "connected";
  }

  /** For `gatehouse status` and the console. */
  status(): Promise<Readonly<Record<string, unknown>>> {
    const { identity, clock, buffer, link, sections } = this.#parts;
    return gatewayStatus({
      ...(sections === undefined ? {} : { sections }),
      gateway: identity,
      clock,
      poller: this.poller,
      buffer,
      units: () => this.units(),
      uplink: () => link?.status() ?? { state: "not configured" },
      startedAtMs: this.#startedAtMs,
    });
  }

  /** Runs until the signal aborts. @throws what a unit threw that crashed too often or beyond mending */
  async run(signal: AbortSignal): Promise<void> {
    const stopSouth = new AbortController();
    const stopNorth = new AbortController();
    const abort = () => stopSouth.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    const north = this.#north.run(this.#northUnits, stopNorth.signal).finally(() => stopSouth.abort(new Error("the uplink gave up")));
    north.catch(() => undefined);
    this.#sealFirst(stopSouth.signal).catch(() => undefined);
    try {
      await this.#south.run(this.#southUnits, stopSouth.signal);
      // Who begins again in a moment hands over then: polling must not pause for it.
      if (!(signal.reason instanceof Restart)) await this.#handOver();
    } finally {
      signal.removeEventListener("abort", abort);
      stopNorth.abort(new Error("the gateway stops"));
      await Promise.allSettled([north]);
      await this.#release();
    }
    await north;
  }

  #selfMetrics(): readonly Unit[] {
    const { residentBytes, machine, clock, buffer } = this.#parts;
    if (residentBytes === undefined) return [];
    const facts: SelfFacts = {
      missedSlots: () => this.#sumOver((polled) => polled.statistics.missedSlots),
      unreachable: () => this.#sumOver((polled) => (polled.reachability.state === "down" ? 1 : 0)),
      residentBytes,
      ...(machine === undefined ? {} : { machine }),
    };
    return [new SelfMetrics({ clock, buffer, intake: this.intake, facts })];
  }

  #sumOver(of: (polled: PolledEquipment) => number): number {
    let sum = 0;
    for (const polled of this.poller.equipment.values()) sum += of(polled);
    return sum;
  }

  async #sealFirst(signal: AbortSignal): Promise<void> {
    await this.#parts.clock.sleep(firstSealMs, signal);
    await this.#parts.buffer.sealNow();
  }

  async #handOver(): Promise<void> {
    const { buffer, clock, link, logger } = this.#parts;
    await buffer.sealNow();
    const endMs = clock.monotonicMs() + handOverMs;
    const never = new AbortController().signal;
    while (link?.status().state === "connected" && clock.monotonicMs() < endMs) {
      const { ledger, streams } = await buffer.stats();
      if (ledger.buffered === 0 && streams.every((stream) => stream.firstSeq === stream.nextSeq)) return;
      await clock.sleep(handOverLookMs, never);
    }
    const { ledger } = await buffer.stats();
    if (ledger.buffered > 0) logger.info({ samples: ledger.buffered }, "samples stay in the buffer until the next start");
  }

  /** How the ledger stood when the buffer was closed. */
  get finalLedger(): Omit<Ledger, "drops"> {
    return this.#finalLedger;
  }

  async #release(): Promise<void> {
    const { drivers, buffer, history, state } = this.#parts;
    this.#finalLedger = (await buffer.stats()).ledger;
    await Promise.allSettled([...drivers.values()].map((driver) => driver.close()));
    await history?.close();
    await buffer.close();
    state.close();
  }
}
