import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import { createSite } from "../../drivers/simulated/site.ts";

export interface SimulateOptions {
  /** Same seed and same clock: same site. Default 1. */
  readonly seed?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** UDP port of the first device; 0 = any free ones. Default 16100. */
  readonly basePort?: number;
  /** TCP port of the control interface on 127.0.0.1; 0 = any free one, absent = none. */
  readonly controlPort?: number;
  /** Where the devices send their traps; absent = nowhere. */
  readonly traps?: { readonly host: string; readonly port: number };
}

export interface SimulateHost {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** One line of standard output. */
  readonly print: (line: string) => void;
}

/**
 * `gatehouse simulate`, and the role of that name in the demo: a site of simulated equipment. Prints one JSON line
 * `{"listening":{"devices":[...],"controlPort":N}}` when all agents answer. @throws GatewayError host.port-in-use | host.denied
 */
export async function simulate(options: SimulateOptions, host: SimulateHost, signal: AbortSignal): Promise<void> {
  const { print, ...platform } = host;
  const site = createSite({ ...options, seed: options.seed ?? 1, ...platform });
  const announced = site.listening.then(
    (listening) => print(JSON.stringify({ listening })),
    () => undefined, // run throws the same
  );
  await site.run(signal);
  await announced;
}
