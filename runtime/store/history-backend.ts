import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { HistorySeries } from "#ports/history.ts";
import type { Logger } from "#ports/logger.ts";
import { type DatabaseOptions, openOrQuarantine, openOwnDatabase, quarantine } from "./database.ts";
import type { Disk } from "./disk.ts";
import { atDisk } from "./disk-error.ts";
import { defaultHistorySettings, HistoryCore, type HistorySettings } from "./history-core.ts";
import { HeldTable } from "./history-held.ts";
import type { HistoryAnswer, HistoryQuery } from "./history-query.ts";
import { historyFile, historyMigrations, historyTables } from "./history-schema.ts";

/** Where the recorder puts rows: the same thread or another. `table` numbers are the recorder's. */
export interface HistoryBackend {
  openTable(table: number, series: readonly HistorySeries[]): void;
  /** One value per series of the table; NaN = none. They are copied: the array is the caller's again. */
  row(table: number, atMs: number, values: Float64Array): void;
  closeTable(table: number): void;
  series(equipment: string | undefined): Promise<readonly HistorySeries[]>;
  read(query: HistoryQuery): Promise<HistoryAnswer>;
  bytes(): Promise<number>;
  close(): Promise<void>;
}

export interface LocalHistoryParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings?: Partial<HistorySettings>;
}

/** The history in this thread. A file that cannot be opened leaves the gateway without a history, not without its measurements. */
export function openLocalHistory(parts: LocalHistoryParts): HistoryBackend {
  const { disk, clock, logger: log } = parts;
  const settings = { ...defaultHistorySettings, ...parts.settings };
  const options = { migrations: historyMigrations, tables: historyTables, maxBytes: settings.maxBytes, cacheKiB: 2048, check: false };
  try {
    const { database, setAside, code } = openReadable(disk, options, clock.now().wallMs);
    if (setAside !== undefined) log.error({ code, setAside }, "the history is damaged, or a newer version's, and was set aside");
    return new LocalHistory(new HistoryCore(database, { clock, log, settings }), clock, log);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    log.error({ code: error.code, ...error.fields }, "the history cannot be opened, the site's plots stay empty");
    return absentHistory;
  }
}

/** Forgets series without a value; a file that does not even bear that is damaged behind its first rows. */
function openReadable(disk: Disk, options: DatabaseOptions, wallMs: number): ReturnType<typeof openOrQuarantine> {
  const opened = openOrQuarantine(disk, historyFile, options, wallMs);
  try {
    atDisk({ file: historyFile }, () =>
      opened.database.exec("DELETE FROM series WHERE equipment NOT IN (SELECT DISTINCT equipment FROM block)"),
    );
    return opened;
  } catch (error) {
    opened.database.close();
    if (!isGatewayError(error) || error.code !== "buffer.corrupt") throw error;
    const setAside = quarantine(disk, historyFile, wallMs);
    return { database: openOwnDatabase(disk, historyFile, options), setAside, code: "buffer.corrupt" };
  }
}

class LocalHistory implements HistoryBackend {
  readonly #core: HistoryCore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #ticking: Promise<void>;
  readonly #tables = new Map<number, HeldTable>();
  /** Tables whose series could not be looked up: tried again at each flush, and told once for all of them. */
  readonly #unnumbered = new Map<number, readonly HistorySeries[]>();

  constructor(core: HistoryCore, clock: Clock, log: Logger) {
    this.#core = core;
    this.#clock = clock;
    this.#log = log;
    this.#ticking = this.#tick();
  }

  openTable(table: number, series: readonly HistorySeries[]): void {
    try {
      this.#tables.set(table, new HeldTable(series[0]?.equipment ?? "", this.#core.seriesIds(series)));
      this.#unnumbered.delete(table);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (this.#unnumbered.size === 0)
        this.#log.warn({ code: error.code, ...error.fields }, "series of the history cannot be looked up, their values are not kept");
      this.#unnumbered.set(table, series);
    }
  }

  row(table: number, atMs: number, values: Float64Array): void {
    const known = this.#tables.get(table);
    if (known !== undefined) this.#core.add(known, atMs, values);
  }

  closeTable(table: number): void {
    this.#tables.delete(table);
    this.#unnumbered.delete(table);
  }

  async series(equipment: string | undefined): Promise<readonly HistorySeries[]> {
    return this.#core.series(equipment);
  }

  async read(query: HistoryQuery): Promise<HistoryAnswer> {
    return this.#core.read(query);
  }

  async bytes(): Promise<number> {
    return this.#core.bytes;
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error("closed"));
    await this.#ticking;
    this.#core.close();
  }

  async #tick(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#clock.sleep(Math.max(0, Math.min(this.#core.dueAtMs - this.#clock.monotonicMs(), 60_000)), this.#stop.signal);
      } catch (reason) {
        if (!this.#stop.signal.aborted) throw reason;
        return;
      }
      if (this.#core.dueAtMs > this.#clock.monotonicMs()) continue;
      this.#core.tick();
      this.#lookAgain();
    }
  }

  #lookAgain(): void {
    if (this.#unnumbered.size === 0) return;
    for (const [table, series] of [...this.#unnumbered]) this.openTable(table, series);
    if (this.#unnumbered.size === 0) this.#log.info({}, "all series of the history are kept again");
  }
}

const absentHistory: HistoryBackend = {
  openTable: () => undefined,
  row: () => undefined,
  closeTable: () => undefined,
  series: async () => [],
  read: async () => ({ resolutionMs: 0, points: [] }),
  bytes: async () => 0,
  close: async () => undefined,
};
