import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Exchange } from "./exchange.ts";
import { LongTask, type SessionLife, shareOfRest } from "./long-task.ts";
import type { PolledTable } from "./polled-table.ts";
import type { WireTypes } from "./read-groups.ts";
import { type Survey, surveyTable } from "./survey.ts";
import type { TableTroubles } from "./table-troubles.ts";

/** What the equipment's tables have in common while the rows of one are learnt. */
export interface Learning {
  readonly types: WireTypes;
  /** The table whose rows these are. */
  readonly base: PolledTable | undefined;
  /** When the agent says that its tables changed. */
  readonly changedAtMs: number;
  readonly life: SessionLife;
  readonly troubles: TableTroubles;
}

/**
 * Learns the rows of a table, as far as the poll has time for it, and goes on with it in the next. @returns what came of it: `cut` are rows that are more than
 * may be, which says nothing about a change; undefined: nothing yet, and the values may be read as they are
 * @throws GatewayError driver.* when they may not be read before the rows are known
 */
export async function learnTable(table: PolledTable, of: Learning, exchange: Exchange): Promise<"changed" | "same" | "cut" | undefined> {
  const survey = await survive(table, of, exchange, () => joinSurvey(table, of, exchange));
  if (survey !== undefined) {
    const changed = table.apply(survey.value, of.types, exchange, of.changedAtMs);
    const { rowsMax } = survey.value;
    of.troubles.surveyed(table, rowsMax, exchange);
    if (rowsMax !== undefined) return "cut";
    return changed ? "changed" : "same";
  }
  if (!table.mustLearn) return undefined;
  throw new GatewayError("driver.limit", { message: "still learning the rows", fields: { table: table.definition.table } });
}

async function joinSurvey(
  table: PolledTable,
  { types, base, life }: Learning,
  exchange: Exchange,
): Promise<{ readonly value: Survey } | undefined> {
  const untilMs = table.mustLearn ? exchange.deadlineMs : shareOfRest(exchange);
  table.survey ??= new LongTask(life, "rows");
  const task = table.survey;
  try {
    return await task.join(exchange, untilMs, (within) => surveyTable(table.definition, types, base, within));
  } finally {
    if (!task.isRunning) table.survey = undefined;
  }
}

/** A routine survey that failed is put off: the values can still be read. */
async function survive<T>(
  table: PolledTable,
  { troubles }: Learning,
  exchange: Exchange,
  join: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    return await join();
  } catch (error) {
    if (!isGatewayError(error) || table.mustLearn || exchange.outer.aborted) throw error;
    troubles.surveyFailed(table, error, exchange);
    return undefined;
  }
}
