import type { GatewayError } from "#model/errors.ts";
import type { Exchange } from "./exchange.ts";
import type { PolledTable } from "./polled-table.ts";
import { tellSetAside } from "./table-notices.ts";

/** A table that failed this many times running is set aside for a while, so that it does not cost the others their poll. */
const failuresUntilSetAside = 3;

/** Mostly there are none: one for all equipment. */
const noFailures = new Map<PolledTable, number>();

const noTables: readonly PolledTable[] = Object.freeze([]);

/** Learning rows may take longer than a poll: no failure while it goes on. */
function isBeingLearnt({ mustLearn, survey }: PolledTable): boolean {
  return mustLearn && survey !== undefined;
}

/** The tables of one equipment that could not be read of late. */
export class TableTroubles {
  #failures = noFailures;

  get areNone(): boolean {
    return this.#failures.size === 0;
  }

  /** Tables that failed lately come last, so that they cost nobody else the poll. */
  last(tables: readonly PolledTable[]): readonly PolledTable[] {
    if (this.areNone) return tables;
    return [...tables].sort((left, right) => (this.#failures.get(left) ?? 0) - (this.#failures.get(right) ?? 0));
  }

  /** Live ones that are left alone in this poll: what they would have said is missing, which is never silent. */
  setAside(tables: readonly PolledTable[], nowMs: number): readonly PolledTable[] {
    if (this.areNone) return noTables;
    return tables.filter(({ isLive, setAsideUntilMs }) => isLive && setAsideUntilMs > nowMs);
  }

  /** Other tables are gone: their troubles are nobody's any more. */
  keepOnly(tables: readonly PolledTable[]): void {
    if (this.areNone) return;
    for (const table of [...this.#failures.keys()]) if (!tables.includes(table)) this.succeeded(table);
  }

  succeeded(table: PolledTable): void {
    if (this.#failures.delete(table) && this.areNone) this.#failures = noFailures;
  }

  failed(table: PolledTable, error: GatewayError, exchange: Exchange): void {
    const most = isBeingLearnt(table) ? failuresUntilSetAside - 1 : Number.POSITIVE_INFINITY;
    const failures = Math.min((this.#failures.get(table) ?? 0) + 1, most);
    if (this.#failures === noFailures) this.#failures = new Map();
    this.#failures.set(table, failures);
    if (failures < failuresUntilSetAside) return;
    const nowMs = exchange.clock.monotonicMs();
    const pauseMs = Math.min(table.intervalMs * 2 ** Math.min(failures - failuresUntilSetAside + 1, 16), exchange.settings.rareIntervalMs);
    table.setAsideUntilMs = nowMs + pauseMs;
    tellSetAside(table.definition, failures, error, exchange);
  }
}
