import { gapReason } from "#model/report.ts";
import type { EquipmentRow, GatewayRow, JsonObject } from "../store/rows.ts";
import type { StoreQueries } from "../store/store.ts";

/** One gateway as people see it in a list. Times are Unix ms; absent = not known. */
export interface GatewayView {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly site: string;
  readonly online: boolean;
  readonly sinceMs: number;
  readonly why: string;
  readonly seenMs: number;
  readonly version: string;
  readonly clock: string;
  /** Time of the newest value the NOC has. */
  readonly newestMs: number | null;
  /** What the gateway said it still held when it last said hello. */
  readonly buffered: { readonly bytes: number | null; readonly samples: number | null; readonly oldestMs: number | null };
  readonly equipment: number;
  readonly silentEquipment: number;
  readonly alarms: Readonly<Record<string, number>>;
  readonly refusedMessages: number;
}

export interface EquipmentView {
  readonly id: string;
  /**
   * `answering`; `silent`: its polls fail; `stale`: the gateway is online and says nothing of it for several intervals; `unknown` while the
   * gateway is offline or nothing was polled yet.
   */
  readonly status: "answering" | "silent" | "stale" | "unknown";
  readonly lastPollMs: number | null;
  readonly lastMissMs: number | null;
  readonly missReason: string;
  readonly intervalMs: number;
  readonly vendor: string;
  readonly model: string;
  readonly deviceClass: string;
  readonly name: string;
  readonly firmware: string;
}

/** Beside five intervals: what collecting and sending a chunk may take. */
const staleMs = 120_000;

const reasonNames = new Map<number, string>(Object.entries(gapReason).map(([name, number]) => [number, name]));

export function reasonName(reason: number): string {
  return reasonNames.get(reason) ?? "unknown";
}

/** What is counted over all gateways at once. */
interface Counts {
  readonly alarms: ReadonlyMap<number, Readonly<Record<string, number>>>;
  readonly equipment: ReadonlyMap<number, { readonly count: number; readonly silent: number }>;
}

async function countAll(read: StoreQueries): Promise<Counts> {
  const alarms = new Map<number, Record<string, number>>();
  for (const { gatewayRef, severity, count } of await read.alarmCounts()) {
    alarms.set(gatewayRef, { ...alarms.get(gatewayRef), [severity]: count });
  }
  const equipment = new Map((await read.equipmentCounts()).map(({ gatewayRef, count, silent }) => [gatewayRef, { count, silent }]));
  return { alarms, equipment };
}

export async function viewGateways(read: StoreQueries): Promise<readonly GatewayView[]> {
  const counts = await countAll(read);
  return Promise.all((await read.gateways()).map((row) => viewOf(read, row, counts)));
}

export async function viewGateway(read: StoreQueries, row: GatewayRow): Promise<GatewayView> {
  return viewOf(read, row, await countAll(read));
}

async function viewOf(read: StoreQueries, row: GatewayRow, counts: Counts): Promise<GatewayView> {
  const equipment = counts.equipment.get(row.ref) ?? { count: 0, silent: 0 };
  const hello = row.hello ?? {};
  const outbox = object(hello["outbox"]);
  return {
    tenant: row.tenant,
    id: row.id,
    name: text(hello["name"]) || row.id,
    site: text(hello["site"]),
    online: row.online,
    sinceMs: row.presenceSinceMs,
    why: row.presenceWhy,
    seenMs: row.seenMs,
    version: text(hello["agent"]),
    clock: text(object(hello["clock"])["quality"]),
    newestMs: (await read.newestMs(row.ref)) ?? null,
    buffered: { bytes: number(outbox["bytes"]), samples: number(outbox["samples"]), oldestMs: number(outbox["oldest"]) },
    equipment: equipment.count,
    silentEquipment: row.online ? equipment.silent : 0,
    alarms: counts.alarms.get(row.ref) ?? {},
    refusedMessages: row.refusedMessages,
  };
}

export async function viewEquipment(read: StoreQueries, gateway: GatewayRow, nowMs: number): Promise<readonly EquipmentView[]> {
  // Checks report under names of their own (`check:ID`) and have a list of their own.
  const rows = (await read.equipment(gateway.ref)).filter((row) => !row.id.startsWith("check:"));
  return rows.map((row) => {
    const identity = object(row.inventory?.["identity"]);
    return {
      id: row.id,
      status: statusOf(row, gateway.online, nowMs),
      lastPollMs: row.lastPollMs === 0 ? null : row.lastPollMs,
      lastMissMs: row.lastMissMs === 0 ? null : row.lastMissMs,
      missReason: row.missReason === 0 ? "" : reasonName(row.missReason),
      intervalMs: row.intervalMs,
      vendor: text(identity["vendor"]),
      model: text(identity["model"]),
      deviceClass: text(identity["deviceClass"]),
      name: text(identity["sysName"]),
      firmware: text(identity["firmware"]),
    };
  });
}

function statusOf(row: EquipmentRow, gatewayOnline: boolean, nowMs: number): EquipmentView["status"] {
  if (!gatewayOnline || (row.lastPollMs === 0 && row.lastMissMs === 0)) return "unknown";
  if (nowMs - Math.max(row.lastPollMs, row.lastMissMs) > row.intervalMs * 5 + staleMs) return "stale";
  return isSilent(row) ? "silent" : "answering";
}

/** A failed table of a poll that otherwise succeeded is no silence: only a miss well after the last answer is. */
function isSilent(row: EquipmentRow): boolean {
  return row.lastMissMs > row.lastPollMs + row.intervalMs / 2;
}

function object(value: unknown): JsonObject {
  return typeof value === "object" && value !== null ? (value as JsonObject) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 256) : "";
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
