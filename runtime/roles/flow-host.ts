import { join } from "node:path";
import { runFlowHost } from "../../flows/host/main.ts";
import { SystemClock } from "../host/system-clock.ts";

/** The flow host: started by `gatehouse run` with an inherited pipe, never by a person. */
export function runFlowHostRole(): void {
  // Whether the clock is disciplined is the telemetry process's to know.
  runFlowHost({ clock: new SystemClock(() => false), nodesDir: join(import.meta.dirname, "../../flows/nodes") });
}
