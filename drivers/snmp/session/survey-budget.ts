import { GatewayError } from "#model/errors.ts";
import type { SnmpSession } from "#ports/snmp.ts";
import type { Exchange } from "./exchange.ts";

/** Columns of as many rows as a table may have that one survey may walk; and requests, retries included: an agent without GETBULK says one row at a time. */
const columnsMax = 10;
/** For tables of few rows, whose columns take a request or two each. */
const spareRequests = 256;

/**
 * What one survey may take of an agent as a whole, whatever each of its columns may. By the equipment's `maxRowsPerTable`: a table of that many rows is learnt.
 * Packets are those of the session, so that retries count; where something else is asked meanwhile, it counts as well.
 */
export class SurveyBudget {
  readonly #session: SnmpSession;
  readonly #requestsAtFirst: number;
  readonly #requestsMax: number;
  #rowsLeft: number;

  constructor({ session, settings }: Exchange) {
    this.#session = session;
    this.#requestsAtFirst = session.counters().requests;
    this.#rowsLeft = columnsMax * (settings.maxRowsPerTable + 1);
    this.#requestsMax = this.#rowsLeft + spareRequests;
  }

  /** Rows were read. @returns whether there is anything left for more */
  take(rows: number): boolean {
    this.#rowsLeft -= rows;
    return this.#spent === undefined;
  }

  /** @throws GatewayError driver.limit when nothing is left: what has been learnt may lack rows, or names of rows */
  assertLeft(): void {
    const limit = this.#spent;
    if (limit === undefined) return;
    throw new GatewayError("driver.limit", { message: `learning the rows took more ${limit} than a table may`, fields: { limit } });
  }

  get #spent(): "rows" | "requests" | undefined {
    if (this.#rowsLeft < 0) return "rows";
    return this.#session.counters().requests - this.#requestsAtFirst >= this.#requestsMax ? "requests" : undefined;
  }
}
