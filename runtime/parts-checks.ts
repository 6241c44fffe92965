import type { CheckRules } from "#ports/checks.ts";
import type { Clock } from "#ports/clock.ts";
import type { DriverContext } from "#ports/driver.ts";
import type { Intake } from "#ports/intake.ts";
import type { Unit } from "#ports/unit.ts";
import { createProber } from "../drivers/probe/prober.ts";
import { probeRules } from "../drivers/probe/rules.ts";
import type { DriverDescription } from "./config/driver-settings.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import { CheckDesk } from "./southbound/checks/check-desk.ts";
import { CheckSchedule } from "./southbound/checks/check-schedule.ts";

/** What `config check` needs to know of checks. */
export function describeChecks(): DriverDescription & { readonly checks: CheckRules } {
  return { name: "probe", settingsSchema: {}, checks: probeRules };
}

/** The site's checks: who runs them on request, and the unit that runs them on their grid. */
export function openChecks(
  { checks, limits }: GatewayConfiguration,
  context: DriverContext,
): { readonly desk: CheckDesk; schedule(intake: Intake, clock: Clock): Unit } {
  const desk = new CheckDesk({
    definitions: checks,
    prober: createProber(context),
    clock: context.clock,
    logger: context.logger,
    limits: {
      bytesPerHour: limits.checkBytesPerHour,
      packetsPerSecond: limits.checkPacketsPerSecond,
      concurrent: limits.concurrentChecks,
      resultEveryMs: limits.checkResultEveryMs,
    },
  });
  return { desk, schedule: (intake, clock) => new CheckSchedule(desk.feeds(intake), clock) };
}
