import type { GatewayError } from "#model/errors.ts";
import type { GapReason } from "#model/report.ts";

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
