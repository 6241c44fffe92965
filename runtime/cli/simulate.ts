import { type Command, InvalidArgumentError } from "commander";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

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
  const { createSite } = await import("../../drivers/simulated/site.ts");
  const { print, ...platform } = host;
  const site = createSite({ ...options, seed: options.seed ?? 1, ...platform });
  const announced = site.listening.then(
    (listening) => print(JSON.stringify({ listening })),
    () => undefined, // run throws the same
  );
  await site.run(signal);
  await announced;
}

/** `gatehouse simulate`: the simulated site as a process of its own. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("simulate")
    .option("--base-port <port>", "UDP port of the first device; 0 = any free ones", parsePort, 16_100)
    .option("--host <address>", "address the devices listen on", "127.0.0.1")
    .option("--control-port <port>", "TCP port of the control interface on 127.0.0.1; 0 = any free one; left out: none", parsePort)
    .option("--traps <host:port>", "where the devices send their traps", parseTarget)
    .option("--seed <number>", "which site", (text) => Number.parseInt(text, 10), 1)
    .description("a site of simulated equipment that speaks real SNMP")
    .addHelpText("after", examples("simulate", "simulate --control-port 16090 --traps 127.0.0.1:1162"))
    .action(async (options: SimulateOptions) => {
      const logger = await context.logger();
      const print = (line: string) => context.print(`${line}\n`);
      await simulate(options, { clock: context.clock, entropy: context.entropy, logger, print }, context.stopSignal());
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  return port;
}

function parseTarget(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(":");
  if (colon < 1) throw new InvalidArgumentError("Expected HOST:PORT.");
  return { host: text.slice(0, colon), port: parsePort(text.slice(colon + 1)) };
}
