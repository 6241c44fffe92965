import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Unit } from "#ports/unit.ts";
import type { AlarmRow, GatewayRow } from "../store/rows.ts";
import type { NocStore } from "../store/store.ts";
import { nocKeyPrefix } from "./alarm-list.ts";

export const offlineKey = `${nocKeyPrefix}gateway-offline`;
const lookEveryMs = 10_000;
/** The broker's will comes a minute after the line broke; a gateway that reconnects at once is no outage. */
const graceMs = 120_000;
/** A gateway that said that it restarts or is updated is expected back. */
const announcedGraceMs = 900_000;

/** Raises an alarm for each gateway that is gone, and clears it when it is back. What the site's alarms say meanwhile is old, not wrong. */
export class OfflineWatch implements Unit {
  readonly name = "offline-watch";
  readonly #parts: { readonly store: NocStore; readonly clock: Clock; readonly onChanged: (gateways: readonly string[]) => void };

  constructor(parts: { readonly store: NocStore; readonly clock: Clock; readonly onChanged: (gateways: readonly string[]) => void }) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.clock.sleep(lookEveryMs, signal);
      try {
        await this.look();
      } catch (error) {
        // Ingest meets the same store and says so.
        if (!isGatewayError(error) || !error.retryable) throw error;
      }
    }
  }

  /** One look at all gateways. */
  async look(): Promise<void> {
    const { store, clock, onChanged } = this.#parts;
    const nowMs = clock.now().wallMs;
    const changed: string[] = [];
    const gateways = await store.read.gateways();
    const open = new Set(
      (await store.read.alarmDesk.alarms({ key: offlineKey, state: "active", limit: 20_000 })).map((row) => row.gatewayRef),
    );
    for (const gateway of gateways) {
      const isOpen = open.has(gateway.ref);
      const isGone = !gateway.online && nowMs - gateway.presenceSinceMs >= graceOf(gateway);
      if (isGone === isOpen || (isOpen && !gateway.online)) continue;
      await this.#put(gateway, isGone, nowMs);
      changed.push(`${gateway.tenant}/${gateway.id}`);
    }
    if (changed.length > 0) onChanged(changed);
  }

  async #put(gateway: GatewayRow, isGone: boolean, nowMs: number): Promise<void> {
    await this.#parts.store.transaction(async (tx) => {
      const known = await tx.alarm(gateway.ref, offlineKey);
      const goesOn = known !== undefined && !known.cleared;
      if (goesOn === isGone) return;
      const instance = isGone || known === undefined ? `noc-${Math.round(nowMs)}` : known.instance;
      const revision = isGone ? 1 : (known?.revision ?? 1) + 1;
      const raisedMs = isGone ? gateway.presenceSinceMs : (known?.raisedMs ?? nowMs);
      const text = isGone
        ? `gateway ${gateway.id} is offline${gateway.presenceWhy === "" ? "" : ` (${gateway.presenceWhy})`}: nothing is known of its site`
        : `gateway ${gateway.id} is back`;
      const body = {
        ...{ k: "alarm", id: instance, key: offlineKey, rev: revision, op: isGone ? "raise" : "clear", type: "gatewayOffline", tq: "" },
        ...{
          res: { path: "" },
          sev: "critical",
          clr: !isGone,
          text,
          t0: raisedMs,
          tr: raisedMs,
          tc: nowMs,
          n: revision,
          src: { kind: "noc" },
        },
      };
      const row: AlarmRow = {
        ...{
          gatewayRef: gateway.ref,
          key: offlineKey,
          instance,
          revision,
          severity: "critical",
          cleared: !isGone,
          equipment: "",
          path: "",
        },
        ...{ type: "gatewayOffline", text, raisedMs, changedMs: nowMs, undated: undefined, body },
      };
      await tx.putAlarm(row);
      const place = { gatewayRef: gateway.ref, streamId: "", seq: 0, index: 0, atMs: nowMs, undated: undefined, equipment: "" };
      await tx.addEvent({ ...place, kind: isGone ? "alarm.raise" : "alarm.clear", severity: "critical", text, body });
    });
  }
}

function graceOf({ presenceWhy }: GatewayRow): number {
  return presenceWhy === "reboot" || presenceWhy === "update" ? announcedGraceMs : graceMs;
}
