/** Requests kept with their time, per device; older ones fall out. */
const maxLoggedRequests = 2_048;
/** sysUpTime: read once per poll by a careful manager, and so a count of polls begun. */
const sysUpTimeColumn = "1.3.6.1.2.1.1.3";

export interface AnsweredRequest {
  /** Unix ms. */
  readonly atMs: number;
  readonly operation: string;
  readonly firstOid: string;
  /** Varbinds with a value; exceptions are not counted. */
  readonly values: number;
}

export interface CountsView {
  /** Answered, by operation. */
  readonly requests: Readonly<Record<string, number>>;
  /** Answered varbinds that carry a value. */
  readonly values: number;
  /** The same by column (or scalar without `.0`): sum the polled ones to recount what a manager read. */
  readonly valuesByColumn: Readonly<Record<string, number>>;
  /** Answered GETs that began with sysUpTime.0, and GETBULKs that began right before it, as polls do. Surveys that run over it are none. */
  readonly upTimeReads: number;
  /** Requests that a fault swallowed. */
  readonly ignored: number;
  /** Wrong community, user or digest, or not understood. */
  readonly refused: number;
  readonly reports: number;
  readonly traps: number;
  readonly sendErrors: number;
}

/** What one agent answered, counted where it is sent: the demo recounts the gateway's ledger from it. */
export class AgentCounts {
  ignored = 0;
  refused = 0;
  reports = 0;
  traps = 0;
  sendErrors = 0;
  readonly #wallMs: () => number;
  readonly #requests = new Map<string, number>();
  readonly #columns = new Map<string, number>();
  readonly #log: AnsweredRequest[] = [];
  #values = 0;
  #upTimeReads = 0;

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
  }

  /** @param columns one entry per varbind with a value; bounded by the agent's own tree */
  answered(operation: string, firstOid: string, columns: readonly string[]): void {
    this.#requests.set(operation, (this.#requests.get(operation) ?? 0) + 1);
    this.#values += columns.length;
    for (const column of columns) {
      this.#columns.set(column, (this.#columns.get(column) ?? 0) + 1);
    }
    const beginsWith = operation === "get" ? `${sysUpTimeColumn}.0` : operation === "get-bulk" ? sysUpTimeColumn : undefined;
    if (firstOid === beginsWith) this.#upTimeReads += 1;
    if (this.#log.length >= maxLoggedRequests) this.#log.splice(0, maxLoggedRequests / 4);
    this.#log.push({ atMs: this.#wallMs(), operation, firstOid: firstOid.slice(0, 128), values: columns.length });
  }

  get view(): CountsView {
    return {
      requests: Object.fromEntries(this.#requests),
      values: this.#values,
      valuesByColumn: Object.fromEntries(this.#columns),
      upTimeReads: this.#upTimeReads,
      ignored: this.ignored,
      refused: this.refused,
      reports: this.reports,
      traps: this.traps,
      sendErrors: this.sendErrors,
    };
  }

  /** Oldest first, at most 2,048. */
  get log(): readonly AnsweredRequest[] {
    return this.#log;
  }
}
