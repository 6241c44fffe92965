import { type Command, InvalidArgumentError } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

/** `gatehouse demo [--for 60s]`, and the hidden role of its broker. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("demo")
    .option("--for <time>", "end by itself after this time (30s, 5m, 2h) and print the ledger", parseTime)
    .option("--state <folder>", "where everything is kept", "./gatehouse-state")
    .option("--seed <number>", "which simulated site", parseSeed, 1)
    .description("the whole story on this machine: a simulated site, a broker, the NOC's end and a gateway")
    .addHelpText("after", examples("demo", "demo --for 60s", "demo --state /tmp/try"))
    .action(async (options: { for?: number; state: string; seed: number }) => {
      const { Demo } = await import("../demo/story.ts");
      const { spawnSelf } = await import("../host/spawn-role.ts");
      await new Demo({ stateDir: options.state, forMs: options.for, seed: options.seed }, context, spawnSelf).run();
    });
  program
    .command("demo-broker", { hidden: true })
    .requiredOption("--port <port>", "TCP port on 127.0.0.1")
    .description("the demo's MQTT 5 broker: in memory, no sign-in, loopback only")
    .action(async (options: { port: string }) => {
      const { runDemoBroker } = await import("../demo/broker.ts");
      const port = Number(options.port);
      await runDemoBroker("127.0.0.1", port, context.stopSignal(), () => context.print(`${JSON.stringify({ listening: { port } })}\n`));
    });
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function parseTime(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const unit = unitMs[match?.[2] ?? ""];
  if (match === null || unit === undefined) throw new InvalidArgumentError("Expected a number and a unit, like 60s, 5m or 2h.");
  return Number(match[1]) * unit;
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new InvalidArgumentError("Expected a whole number from 0 on.");
  return seed;
}
