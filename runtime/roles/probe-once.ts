import type { CheckResult } from "#model/observation.ts";
import type { AdHocCheck, CheckTraffic } from "#ports/checks.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import { createProber } from "../../drivers/probe/prober.ts";
import { adHocDefinition } from "../southbound/checks/ad-hoc.ts";
import { resultOf } from "../southbound/checks/scheduled-check.ts";

/**
 * One check by hand, without a gateway and without its budgets: the person who asked is at the line.
 * @throws GatewayError command.refused for a definition that makes no sense, driver.unsupported
 */
export async function probeOnce(
  check: AdHocCheck,
  world: { readonly clock: Clock; readonly entropy: Entropy },
  signal: AbortSignal,
): Promise<{ readonly result: CheckResult; readonly traffic: CheckTraffic }> {
  const prober = createProber({
    ...world,
    credential: (name) => ({ name }),
  });
  const definition = adHocDefinition(check, prober.rules);
  const outcome = await prober.run(definition, signal);
  return { result: resultOf(definition, outcome, world.clock), traffic: outcome.traffic };
}
