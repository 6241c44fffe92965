import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { NocShelf, OperatorState } from "../store/alarms.ts";
import type { GatewayRow } from "../store/rows.ts";
import type { NocStore } from "../store/store.ts";

/** How a gateway is told what operators decided; handed in by whoever can sign commands. Resolves when it was handed over, not when it was done. */
export type OrderOutlet = (
  gateway: Pick<GatewayRow, "tenant" | "id">,
  operation: string,
  args: Readonly<Record<string, unknown>>,
) => Promise<void>;

const maxDays = 366;
const dayMs = 86_400_000;

/** What operators do with alarms. The resource's state stays the gateway's; this is the operators' (RFC 8632 operator-state-change). */
export class AlarmDesk {
  readonly #store: NocStore;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #orders: OrderOutlet | undefined;

  constructor(parts: { readonly store: NocStore; readonly clock: Clock; readonly entropy: Entropy; readonly orders?: OrderOutlet }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#entropy = parts.entropy;
    this.#orders = parts.orders;
  }

  async acknowledge(gateway: GatewayRow, key: string, by: string): Promise<void> {
    await this.#change(gateway, key, "alarm.acknowledged", by, (state) => ({ ...state, ackBy: by, ackMs: this.#nowMs() }));
  }

  async unacknowledge(gateway: GatewayRow, key: string, by: string): Promise<void> {
    await this.#change(gateway, key, "alarm.unacknowledged", by, (state) => ({ ...state, ackBy: undefined, ackMs: undefined }));
  }

  /** Hidden from now on; a gateway that still has it is asked to look again, and shows it as a new instance if it is still true. */
  async close(gateway: GatewayRow, key: string, by: string): Promise<void> {
    await this.#change(gateway, key, "alarm.closed", by, (state, severity) => ({
      ...{ ...state, closedBy: by, closedMs: this.#nowMs(), closedSeverity: severity },
    }));
    await this.#orders?.(gateway, "alarm.close", { key, by });
  }

  async comment(gateway: GatewayRow, key: string, by: string, text: string): Promise<void> {
    const atMs = this.#nowMs();
    await this.#store.transaction(async (tx) => {
      const alarm = await tx.alarm(gateway.ref, key);
      if (alarm === undefined) throw unknownAlarm();
      await tx.alarms.addComment(gateway.ref, { key, instance: alarm.instance, atMs, by, text });
    });
  }

  /** @throws GatewayError noc.invalid */
  async shelve(shelf: Omit<NocShelf, "id" | "createdMs">, gateways: readonly GatewayRow[]): Promise<NocShelf> {
    const nowMs = this.#nowMs();
    if (Object.values(shelf.match).every((value) => value === undefined))
      throw new GatewayError("noc.invalid", { message: "name a key, an equipment, a type or a path" });
    if (!(shelf.untilMs > nowMs && shelf.untilMs <= nowMs + maxDays * dayMs))
      throw new GatewayError("noc.invalid", { message: `until must lie within the next ${maxDays} days` });
    const id = `shelf-${Array.from(this.#entropy.bytes(8), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    const made: NocShelf = { ...shelf, id, createdMs: nowMs };
    await this.#store.transaction((tx) => tx.alarms.putShelf(made));
    const { match, untilMs, reason, by } = made;
    for (const gateway of gateways) await this.#orders?.(gateway, "alarm.shelve", { match, untilMs, reason, by });
    return made;
  }

  async unshelve(id: string): Promise<boolean> {
    const shelf = (await this.#store.read.alarmDesk.shelves()).find((one) => one.id === id);
    const removed = await this.#store.transaction((tx) => tx.alarms.removeShelf(id));
    if (shelf?.gateway !== undefined)
      await this.#orders?.({ tenant: shelf.tenant, id: shelf.gateway }, "alarm.unshelve", { match: shelf.match });
    return removed;
  }

  async #change(
    gateway: GatewayRow,
    key: string,
    kind: string,
    by: string,
    change: (state: OperatorState, severity: string) => OperatorState,
  ): Promise<void> {
    await this.#store.transaction(async (tx) => {
      const alarm = await tx.alarm(gateway.ref, key);
      if (alarm === undefined) throw unknownAlarm();
      const known = await tx.alarms.operator(gateway.ref, key);
      const none = { ackBy: undefined, ackMs: undefined, closedBy: undefined, closedMs: undefined, closedSeverity: undefined };
      const before = known?.instance === alarm.instance ? known : { gatewayRef: gateway.ref, key, instance: alarm.instance, ...none };
      await tx.alarms.putOperator(change(before, alarm.severity));
      const place = { gatewayRef: gateway.ref, streamId: "", seq: 0, index: 0, atMs: this.#nowMs(), undated: undefined };
      const { equipment, severity, text, instance } = alarm;
      await tx.addEvent({ ...place, kind, equipment, severity, text: `${by}: ${text}`, body: { key, id: instance, by } });
    });
  }

  #nowMs(): number {
    return this.#clock.now().wallMs;
  }
}

function unknownAlarm(): GatewayError {
  return new GatewayError("noc.invalid", { message: "no such alarm" });
}
