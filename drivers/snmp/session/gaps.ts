import type { GatewayError } from "#model/errors.ts";
import type { GapReason } from "#model/report.ts";
import type { Exchange } from "./exchange.ts";

/** The gap's reason for what went wrong. */
export function gapReasonOf(error: GatewayError): GapReason {
  switch (error.code) {
    case "driver.timeout":
      return "timeout";
    case "driver.auth":
      return "auth";
    case "driver.unreachable":
      return "notReachable";
    case "driver.limit":
      return "partial";
    case "driver.refused":
      return "noSuchName";
    default:
      return "badAnswer";
  }
}

/** Says which columns of a table are left out for a while, and why. */
export function noteQuarantine(table: string, columns: readonly string[], exchange: Exchange): void {
  exchange.notices.add({
    type: "column.quarantined",
    severity: "warning",
    text: `${table}: OIDs go in circles in ${columns.length} of its columns; they are left out and tried again later`,
    observedAt: exchange.clock.now(),
    attributes: { table, columns: columns.slice(0, 20) },
  });
}
