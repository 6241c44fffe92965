import type { FaultOrder } from "../../../drivers/simulated/faults.ts";
import { SiteTrial } from "./trial.ts";

/** Something that happens on an ordinary day and is nobody's alarm. */
interface Happening {
  /** Share of the day. */
  readonly at: number;
  readonly what: string;
  readonly act: (trial: SiteTrial) => Promise<void> | void;
}

const minute = 60_000;
const second = 1_000;
const officePorts = [2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 17, 18, 20];

/** On, and off again after `forMs`. */
async function brief(trial: SiteTrial, order: FaultOrder, forMs: number): Promise<void> {
  trial.world.order(order);
  await trial.world.advance(forMs);
  trial.world.order({ ...order, on: false });
}

function announce(trial: SiteTrial, equipment: string, forMs: number, reason: string): void {
  const { gateway } = trial.world;
  const fromMs = gateway?.clock.now().wallMs ?? 0;
  gateway?.alarms.alarms.startMaintenance({ match: { equipment }, fromMs, toMs: fromMs + forMs, reason, by: "technician" });
}

function traffic(trial: SiteTrial, boost: number): void {
  const { office } = trial.world;
  office.model.change(() => {
    for (const { flow } of office.model.flows) flow.boost = boost;
  });
}

function desks(trial: SiteTrial, on: boolean): void {
  for (const port of officePorts) trial.world.order({ device: "sw-1", fault: "port-down", port, on: !on });
}

/** In the order of the day, which begins at seven. */
const happenings: readonly Happening[] = [
  {
    at: 0.03,
    what: "a switch is restarted in a maintenance window",
    act: async (trial) => {
      announce(trial, "sw-2", 30 * minute, "new rack");
      await brief(trial, { device: "sw-2", fault: "power-off" }, 100 * second);
    },
  },
  { at: 0.1, what: "uptime wraps after 497 days", act: ({ world }) => world.order({ device: "sw-1", fault: "uptime-wrap" }) },
  {
    at: 0.14,
    what: "the certificate of a service is renewed three weeks before its end",
    act: ({ world }) => {
      world.network.provider.saas.certificateDays = 90;
    },
  },
  {
    at: 0.17,
    what: "the line is congested for an hour",
    act: ({ world }) => {
      world.network.provider.lossPercent = 2;
      world.network.provider.extraDelayMs = 70;
    },
  },
  { at: 0.17, what: "everybody downloads", act: (trial) => traffic(trial, 10) },
  {
    at: 0.22,
    what: "the line is free again",
    act: (trial) => {
      trial.world.network.provider.lossPercent = 0;
      trial.world.network.provider.extraDelayMs = 0;
      traffic(trial, 1);
    },
  },
  { at: 0.26, what: "a plug is moved", act: (trial) => brief(trial, { device: "sw-1", fault: "port-down", port: 11 }, 12 * second) },
  { at: 0.3, what: "paper jam, taken out at once", act: (trial) => brief(trial, { device: "printer-1", fault: "jam" }, 3 * minute) },
  { at: 0.33, what: "the UPS tests itself", act: (trial) => brief(trial, { device: "ups-1", fault: "on-battery" }, 8 * second) },
  {
    at: 0.36,
    what: "counters of a port are cleared",
    act: ({ world }) => world.order({ device: "sw-1", fault: "counter-reset", port: 5 }),
  },
  {
    at: 0.39,
    what: "new firmware, ordered",
    act: (trial) => {
      announce(trial, "ap-1", 30 * minute, "firmware");
      trial.world.order({ device: "ap-1", fault: "firmware", text: "6.6.0" });
    },
  },
  { at: 0.43, what: "the line blinks", act: (trial) => brief(trial, { device: "fw-1", fault: "wan-down" }, 15 * second) },
  {
    at: 0.45,
    what: "one slow answer of the service",
    act: async ({ world }) => {
      world.network.provider.saas.delayMs = 5_000;
      await world.advance(50 * second);
      world.network.provider.saas.delayMs = 80;
    },
  },
  { at: 0.47, what: "a warm afternoon", act: ({ world }) => world.order({ device: "nas-1", fault: "hot", percent: 9 }) },
  {
    at: 0.48,
    what: "the gateway gets another address",
    act: ({ world }) => {
      world.network.gatewayAddress = "192.0.2.29";
    },
  },
  { at: 0.5, what: "people go home and switch off", act: (trial) => desks(trial, false) },
  { at: 0.52, what: "a printer sleeps", act: ({ world }) => world.order({ device: "printer-1", fault: "slow", delayMs: 1_500 }) },
  {
    at: 0.55,
    what: "the camera loses packets",
    act: (trial) => brief(trial, { device: "cam-1", fault: "loss", percent: 25 }, 10 * minute),
  },
  { at: 0.6, what: "the clock is 400 ms off until the next synchronisation", act: ({ world }) => world.gateway?.clock.step(400) },
  { at: 0.64, what: "the clock is right again", act: ({ world }) => world.gateway?.clock.step(-400) },
  { at: 0.7, what: "the nightly backup", act: (trial) => traffic(trial, 6) },
  { at: 0.8, what: "the backup is done", act: (trial) => traffic(trial, 1) },
  { at: 0.85, what: "it cools down", act: ({ world }) => world.order({ device: "nas-1", fault: "hot", on: false }) },
  { at: 0.93, what: "people come and switch on", act: (trial) => desks(trial, true) },
  { at: 0.94, what: "the printer wakes", act: ({ world }) => world.order({ device: "printer-1", fault: "slow", on: false }) },
  {
    at: 0.96,
    what: "the gateway is restarted",
    act: async (trial) => {
      await trial.restartGateway();
    },
  },
];

export interface QuietReport {
  readonly hours: number;
  readonly happenings: number;
  /** Alarms nobody needed: neither announced nor consequences of what was. Target 0. */
  readonly falseAlarms: readonly string[];
  /** Alarms that were marked as announced. */
  readonly announced: number;
}

/** Ordinary life of a day, in `hours` (the same happenings, closer together when there are fewer). */
export async function liveQuietly(seed: number, hours: number): Promise<QuietReport> {
  const trial = new SiteTrial(seed);
  trial.world.network.provider.saas.certificateDays = 25;
  try {
    await trial.begin();
    const startMs = trial.world.clock.monotonicMs();
    const dayMs = hours * 60 * minute;
    for (const { at, act } of happenings) {
      const waitMs = startMs + at * dayMs - trial.world.clock.monotonicMs();
      if (waitMs > 0) await trial.world.advance(waitMs);
      await act(trial);
    }
    const leftMs = startMs + dayMs - trial.world.clock.monotonicMs();
    if (leftMs > 0) await trial.world.advance(leftMs);
    return { hours, happenings: happenings.length, falseAlarms: trial.incidents, announced: trial.announced };
  } finally {
    await trial.world.close();
  }
}
