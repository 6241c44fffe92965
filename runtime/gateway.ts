import type { Equipment } from "#model/equipment.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { FrameEncoder } from "#ports/codec.ts";
import type { Driver, DriverContext } from "#ports/driver.ts";
import type { History } from "#ports/history.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { ClockWatch } from "./clock-watch.ts";
import { GapReporter } from "./gap-reporter.ts";
import { BufferedIntake } from "./intake.ts";
import { Poller } from "./southbound/poller.ts";
import { gatewayStatus } from "./status.ts";
import { Supervisor } from "./supervise/supervisor.ts";

/** The gateway's connection to the NOC as a unit, with what it says of itself. */
export interface LinkUnit extends Unit {
  status(): { readonly connected: boolean };
}

/** Everything concrete, chosen by the bill of materials (parts-appliance.ts) or by the simulation. */
export interface GatewayParts {
  readonly identity: { readonly id: string; readonly tenant: string; readonly site: string; readonly version: string };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly driverContext: DriverContext;
  readonly equipment: readonly Equipment[];
  readonly maxConcurrentPolls: number;
  readonly encoder: FrameEncoder;
  readonly buffer: Buffer;
  readonly history?: History;
  readonly link?: LinkUnit;
  /** Passive receivers (traps, syslog), checks and whatever else feeds the intake. */
  readonly feeders: (intake: Intake) => readonly Unit[];
}

/** How long a stopping gateway tries to hand over what it still holds while the NOC is reachable. The rest keeps: it is on flash. */
const handOverMs = 5_000;
const handOverLookMs = 100;

/**
 * Wires the units of one gateway and runs them. Southbound stops first, then what was measured is sealed and handed over, then the uplink
 * says goodbye: a stop loses nothing and the NOC is not left waiting for an interval that was never finished.
 */
export class Gateway {
  readonly poller: Poller;
  readonly intake: Intake;
  readonly #parts: GatewayParts;
  readonly #south: Supervisor;
  readonly #north: Supervisor;
  readonly #startedAtMs: number;

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
    const shared = { clock, logger, intake: this.intake, buffer };
    const south = [this.poller, new ClockWatch(shared), new GapReporter(shared), ...parts.feeders(this.intake)];
    this.#south = new Supervisor({ units: south, clock, logger });
    this.#north = new Supervisor({ units: parts.link === undefined ? [] : [parts.link], clock, logger });
  }

  /** For `gatehouse status` and the console. */
  status(): Promise<Readonly<Record<string, unknown>>> {
    const { identity, clock, buffer, link } = this.#parts;
    return gatewayStatus({
      gateway: identity,
      clock,
      poller: this.poller,
      buffer,
      units: () => [...this.#south.status(), ...this.#north.status()],
      uplink: () => link?.status() ?? { connected: false, configured: false },
      startedAtMs: this.#startedAtMs,
    });
  }

  /** Runs until the signal aborts. @throws GivenUp when a unit keeps crashing */
  async run(signal: AbortSignal): Promise<void> {
    const stopSouth = new AbortController();
    const stopNorth = new AbortController();
    const abort = () => stopSouth.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    const north = this.#north.run(stopNorth.signal).finally(() => stopSouth.abort(new Error("the uplink gave up")));
    north.catch(() => undefined);
    try {
      await this.#south.run(stopSouth.signal);
      await this.#handOver();
    } finally {
      signal.removeEventListener("abort", abort);
      stopNorth.abort(new Error("the gateway stops"));
      await Promise.allSettled([north]);
      await this.#release();
    }
    await north;
  }

  async #handOver(): Promise<void> {
    const { buffer, clock, link, logger } = this.#parts;
    await buffer.sealNow();
    const endMs = clock.monotonicMs() + handOverMs;
    const never = new AbortController().signal;
    while (link?.status().connected === true && clock.monotonicMs() < endMs) {
      const { ledger, streams } = await buffer.stats();
      if (ledger.buffered === 0 && streams.every((stream) => stream.firstSeq === stream.nextSeq)) return;
      await clock.sleep(handOverLookMs, never);
    }
    const { ledger } = await buffer.stats();
    if (ledger.buffered > 0) logger.info({ samples: ledger.buffered }, "samples stay in the buffer until the next start");
  }

  async #release(): Promise<void> {
    const { drivers, buffer, history } = this.#parts;
    await Promise.allSettled([...drivers.values()].map((driver) => driver.close()));
    await history?.close();
    await buffer.close();
  }
}
