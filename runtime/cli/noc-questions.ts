import type { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import type { LastValueView } from "../../cloud-bridge/noc/registry/last-values.ts";
import type { GatewayLedger } from "../../cloud-bridge/noc/registry/ledger.ts";
import type { EquipmentView, GatewayView } from "../../cloud-bridge/noc/registry/overview.ts";
import type { Recount } from "../../cloud-bridge/noc/registry/recount.ts";
import type { EventRow } from "../../cloud-bridge/noc/store/rows.ts";
import type { CommandContext } from "./context.ts";
import type { Asked } from "./noc-asked.ts";
import { renderTable } from "./render.ts";

async function gatewaysOf(client: NocClient, options: Asked, signal: AbortSignal) {
  const { gateways } = await client.get<{ readonly gateways: readonly GatewayView[] }>("/api/gateways", {}, signal);
  return gateways.filter((gateway) => options.gateway === undefined || gateway.id === options.gateway);
}

function pathOf(gateway: GatewayView, rest: string): string {
  return `/api/gateways/${encodeURIComponent(gateway.id)}/${rest}`;
}

function isoOf(ms: number | null): string {
  return ms === null ? "-" : new Date(ms).toISOString();
}

/** `noc devices` */
export async function printDevices(client: NocClient, options: Asked, context: CommandContext): Promise<void> {
  const signal = context.stopSignal();
  const all = [];
  for (const gateway of await gatewaysOf(client, options, signal)) {
    const { equipment } = await client.get<{ readonly equipment: readonly EquipmentView[] }>(
      pathOf(gateway, "equipment"),
      { tenant: gateway.tenant },
      signal,
    );
    all.push({ ...gateway, equipment });
  }
  if (options.json === true) {
    context.print(`${JSON.stringify(all, null, 2)}\n`);
    return;
  }
  if (all.length === 0) context.print("no gateway has reported yet\n");
  for (const gateway of all) {
    const presence = `${gateway.online ? "online" : "offline"} since ${isoOf(gateway.sinceMs)}`;
    context.print(
      `${gateway.tenant}/${gateway.id}  ${presence}  version ${gateway.version || "-"}  newest value ${isoOf(gateway.newestMs)}\n`,
    );
    const rows = gateway.equipment.map((one) => ({
      equipment: one.id,
      status: one.status,
      lastPoll: isoOf(one.lastPollMs),
      reason: one.status === "silent" ? one.missReason : "",
      model: `${one.vendor} ${one.model}`.trim(),
    }));
    context.print(rows.length === 0 ? "  no equipment yet\n" : renderTable(rows, "  "));
  }
}

/** `noc ledger` */
export async function printLedger(client: NocClient, options: Asked, context: CommandContext): Promise<void> {
  const signal = context.stopSignal();
  const ledgers: (GatewayLedger & { readonly recount?: Recount })[] = [];
  for (const gateway of await gatewaysOf(client, options, signal)) {
    ledgers.push(await client.get(pathOf(gateway, "ledger"), { tenant: gateway.tenant, recount: options.recount }, signal));
  }
  if (options.json === true) {
    context.print(`${JSON.stringify(ledgers, null, 2)}\n`);
    return;
  }
  const rows = ledgers.map((ledger) => ({
    gateway: `${ledger.tenant}/${ledger.gateway}`,
    delivered: ledger.delivered,
    ...(ledger.recount === undefined ? {} : { recounted: ledger.recount.samples }),
    chunks: ledger.chunks,
    duplicates: ledger.duplicates,
    missingSeqs: ledger.missing,
    gapRecords: ledger.gaps.records,
    lostSamples: ledger.gaps.samples,
    waiting: ledger.waiting.pending + ledger.waiting.parked,
    deadLetters: ledger.deadLetters,
  }));
  context.print(rows.length === 0 ? "no gateway has reported yet\n" : renderTable(rows));
}

/** Values one look may bring; the search narrows them. */
const tailValues = 5_000;
const tailEvents = 200;

/** `noc tail`: follows until stopped, reconnecting as long as the server is there. */
export async function tail(client: NocClient, options: Asked, context: CommandContext): Promise<void> {
  const signal = context.stopSignal();
  const follower = new Follower(client, options, context);
  try {
    while (!signal.aborted) {
      for await (const names of client.changes(signal)) await follower.look(names, signal);
      await context.clock.sleep(1_000, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Prints what is new since the last look. */
class Follower {
  readonly #client: NocClient;
  readonly #options: Asked;
  readonly #context: CommandContext;
  /** By gateway: time of the newest value and event printed. */
  readonly #seen = new Map<string, { valueMs: number; eventMs: number }>();

  constructor(client: NocClient, options: Asked, context: CommandContext) {
    this.#client = client;
    this.#options = options;
    this.#context = context;
  }

  async look(names: readonly string[], signal: AbortSignal): Promise<void> {
    for (const gateway of await gatewaysOf(this.#client, this.#options, signal)) {
      const name = `${gateway.tenant}/${gateway.id}`;
      if (!names.includes("*") && !names.includes(name)) continue;
      const seen = this.#seen.get(name) ?? { valueMs: 0, eventMs: 0 };
      this.#seen.set(name, seen);
      await this.#lookAtEvents(gateway, seen, signal);
      if (this.#options.events !== true) await this.#lookAtValues(gateway, seen, signal);
    }
  }

  async #lookAtEvents(gateway: GatewayView, seen: { eventMs: number }, signal: AbortSignal): Promise<void> {
    const parameters = { tenant: gateway.tenant, limit: tailEvents };
    const { events } = await this.#client.get<{ readonly events: readonly EventRow[] }>(pathOf(gateway, "events"), parameters, signal);
    for (const event of events.filter((one) => one.atMs > seen.eventMs).toReversed()) {
      seen.eventMs = Math.max(seen.eventMs, event.atMs);
      const { kind, equipment, severity, text } = event;
      this.#print({ gateway: gateway.id, at: isoOf(event.atMs), kind, equipment, severity, text });
    }
  }

  async #lookAtValues(gateway: GatewayView, seen: { valueMs: number }, signal: AbortSignal): Promise<void> {
    const parameters = { tenant: gateway.tenant, limit: tailValues, search: this.#options.search };
    const { values } = await this.#client.get<{ readonly values: readonly LastValueView[] }>(pathOf(gateway, "values"), parameters, signal);
    const before = seen.valueMs;
    for (const value of values) {
      if (value.atMs === null || value.atMs <= before) continue;
      seen.valueMs = Math.max(seen.valueMs, value.atMs);
      const { equipment, table, rowKey, metric } = value;
      // For people a state has its name; a program gets the number and the name.
      const isJson = this.#options.json === true;
      const shown = isJson ? value.value : (value.text ?? value.value);
      const unit = value.kind === "c" ? `${value.unit}/s` : value.unit;
      this.#print({
        gateway: gateway.id,
        at: isoOf(value.atMs),
        equipment,
        table,
        row: rowKey,
        metric,
        value: shown,
        unit,
        ...(isJson && value.text !== undefined ? { text: value.text } : {}),
      });
    }
  }

  #print(line: Readonly<Record<string, string | number | null>>): void {
    if (this.#options.json === true) this.#context.print(`${JSON.stringify(line)}\n`);
    else
      this.#context.print(
        `${Object.values(line)
          .filter((part) => part !== "")
          .join("  ")
          .replaceAll(/[\p{Cc}\p{Cf}]/gu, " ")}\n`,
      );
  }
}
