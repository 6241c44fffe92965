import type { Clock } from "#ports/clock.ts";
import type { History, UndatedReports } from "#ports/history.ts";

/**
 * What plots lack for want of a date, as the command line and the console's page say it; undefined = there is nothing to say.
 * @param isEmpty nothing was found of what was asked for: then what is missing from before the clock was set is said as well
 */
export async function undatedReports(
  history: Pick<History, "stats">,
  clock: Pick<Clock, "now">,
  isEmpty: boolean,
): Promise<UndatedReports | undefined> {
  const isSet = clock.now().quality !== "unanchored";
  if (isSet && !isEmpty) return undefined;
  const { undatedReports: reports } = await history.stats();
  if (isSet && reports === 0) return undefined;
  const [have, are] = reports === 1 ? ["report so far has", "is"] : ["reports so far have", "are"];
  if (isSet) {
    const left = `${reports} ${reports === 1 ? "report" : "reports"} ${are} not in the plots`;
    return { reports, text: `${left}: the gateway's clock was not set yet when they came. They are kept for the NOC, which dates them.` };
  }
  const left = `${reports} ${have} no date and ${are} not in the plots; what is measured is kept for the NOC, which dates it later`;
  const advice = "Let the gateway reach an NTP server, or connect it to the NOC; `gatehouse doctor` says how the clock is";
  return { reports, text: `The gateway's clock is not set: ${left}. ${advice}.` };
}
