import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { History, HistorySeries } from "#ports/history.ts";
import type { ControlHandler } from "../host/control-server.ts";
import { undatedReports } from "../undated-reports.ts";

const maxPointsLimit = 2_000;

/** What the control socket answers about the site's own memory: which series there are, and the points of one; `undated` says what is missing there. */
export function historyHandlers(
  history: () => History | undefined,
  clock: Pick<Clock, "now">,
): Readonly<Record<"history-series" | "history-read", ControlHandler>> {
  const kept = () => {
    const found = history();
    if (found === undefined)
      throw new GatewayError("command.refused", { message: "this gateway keeps no history (history.enabled is false)" });
    return found;
  };
  return {
    "history-series": async ({ equipment }) => {
      const series = await kept().series(typeof equipment === "string" ? equipment : undefined);
      return { series, undated: await undatedReports(kept(), clock, series.length === 0) };
    },
    "history-read": async (args) => {
      const { fromMs, toMs } = args;
      if (typeof fromMs !== "number" || typeof toMs !== "number" || fromMs >= toMs)
        throw new GatewayError("command.refused", { message: "fromMs must lie before toMs" });
      const series = await find(kept(), args);
      const found = await kept().read({ series, fromMs, toMs, maxPoints: maxPointsLimit });
      return { series, ...found, undated: await undatedReports(kept(), clock, found.points.length === 0) };
    },
  };
}

async function find(history: History, wanted: Readonly<Record<string, unknown>>): Promise<HistorySeries> {
  const all = await history.series(typeof wanted.equipment === "string" ? wanted.equipment : undefined);
  const found = all.filter(
    (one) =>
      one.metric === wanted.metric &&
      (wanted.table === undefined || one.table === wanted.table) &&
      (wanted.row === undefined || one.rowKey === wanted.row),
  );
  const [first] = found;
  if (first === undefined) throw new GatewayError("command.refused", { message: "no such series; `gatehouse history` lists them" });
  if (found.length > 1)
    throw new GatewayError("command.refused", { message: `${found.length} series fit; name the table and the row too` });
  return first;
}
