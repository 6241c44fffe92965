import type { Buffer } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { TableTrouble } from "#ports/driver.ts";
import type { PolledEquipment } from "./southbound/polled-equipment.ts";
import type { Poller } from "./southbound/poller.ts";
import type { UnitHealth } from "./supervise/supervisor.ts";

const shownDrops = 50;

/** What `gatehouse status --json` prints: numbers with their unit in the key, times as Unix ms. */
export async function gatewayStatus(parts: {
  readonly gateway: { readonly id: string; readonly tenant: string; readonly site: string; readonly version: string };
  readonly clock: Clock;
  readonly poller: Poller;
  readonly buffer: Buffer;
  readonly units: () => readonly UnitHealth[];
  readonly uplink: () => unknown;
  readonly startedAtMs: number;
  readonly sections?: Readonly<Record<string, () => unknown>>;
}): Promise<Readonly<Record<string, unknown>>> {
  const { gateway, clock, poller, buffer, units, uplink, startedAtMs } = parts;
  const now = clock.now();
  const { ledger, streams, ...stats } = await buffer.stats();
  return {
    gateway,
    clock: { wallMs: now.wallMs, quality: now.quality, bootId: now.bootId, anchors: clock.anchors().length },
    uptimeS: Math.round((clock.monotonicMs() - startedAtMs) / 1_000),
    units: units(),
    uplink: uplink(),
    ...Object.fromEntries(Object.entries(parts.sections ?? {}).map(([name, read]) => [name, read()])),
    ledger: {
      ...ledger,
      balances: ledger.polled === ledger.delivered + ledger.buffered + ledger.dropped,
      dropsTotal: ledger.drops.length,
      drops: ledger.drops.slice(-shownDrops),
    },
    buffer: { ...stats, streams },
    equipment: [...poller.equipment.values()].map((polled) => equipmentStatus(polled, clock.monotonicMs())),
  };
}

/** One equipment. What there is none of (upkeep, troubles) is left out. @param nowMs monotonic */
export function equipmentStatus(polled: PolledEquipment, nowMs: number): Readonly<Record<string, unknown>> {
  const { equipment, reachability, statistics, lastPoll } = polled;
  const { upkeep, troubles } = polled.account();
  return {
    id: equipment.id,
    name: equipment.name ?? equipment.id,
    address: `${equipment.address}:${equipment.port}`,
    driver: equipment.driver,
    pollIntervalMs: equipment.pollIntervalMs,
    reachability: reachability.state,
    sinceS: Math.round((nowMs - reachability.sinceMs) / 1_000),
    lastError: reachability.lastCode,
    lastErrorText: reachability.lastMessage,
    lastPollMs: lastPoll?.wallMs,
    tables: lastPoll?.tables ?? 0,
    polls: statistics.polls,
    failures: statistics.failures,
    missedSlots: statistics.missedSlots,
    heldBackSlots: statistics.heldBackSlots,
    slowSlots: statistics.slowSlots,
    unreachableSlots: statistics.unreachableSlots,
    samples: statistics.samples,
    latenessMsP99: statistics.lateness.quantileMs(0.99),
    latenessMsMax: statistics.lateness.maxMs,
    cost: {
      requests: statistics.requests,
      retries: statistics.retries,
      bytesOut: statistics.bytesOut,
      bytesIn: statistics.bytesIn,
      cpuMs: statistics.cpuMs,
      pollMsMean: statistics.polls === 0 ? 0 : statistics.durationMs / statistics.polls,
      pollMsMax: statistics.durationMsMax,
      tables: statistics.tables.shown(),
      ...(upkeep.length > 0 && { upkeep }),
    },
    ...(troubles.length > 0 && { troubles: troubles.map((trouble) => troubleStatus(trouble, nowMs)) }),
  };
}

/** The reason last: it is a sentence. */
function troubleStatus(trouble: TableTrouble, nowMs: number): Readonly<Record<string, unknown>> {
  const { table, state, sinceMs, againAtMs, times, code, reason } = trouble;
  const sinceS = Math.max(0, Math.round((nowMs - sinceMs) / 1_000));
  const againInS = Math.max(0, Math.round((againAtMs - nowMs) / 1_000));
  return { table, state, sinceS, againInS, times, code, reason };
}
