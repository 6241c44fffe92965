import { hostResources, processes, ucdSnmp } from "./hosts.ts";
import { ethernet, interfaces } from "./interfaces.ts";
import type { MetricSet } from "./metric-set.ts";

/** Every set that ships with the gateway. Which of them an equipment has is found by probing. */
export const builtInSets: readonly MetricSet[] = [interfaces, ethernet, hostResources, processes, ucdSnmp];
