import { type Command, Option } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { defaultStateDir, run } from "./plain-run.ts";

/** `gatehouse run --config FILE [--state DIR]`: the appliance's telemetry role. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("run")
    .requiredOption("--config <file>", "configuration (gatehouse.yaml)")
    .option("--state <folder>", "state folder; made if it is missing", defaultStateDir)
    .addOption(new Option("--beat <file>", "rewritten while the gateway is healthy; for a watchdog").hideHelp())
    .description("run the gateway: poll, keep, deliver; until SIGTERM or Ctrl-C")
    .addHelpText("after", examples("run --config /etc/gatehouse/gatehouse.yaml --state /var/lib/gatehouse"))
    .action(({ config, state, beat }: { config: string; state: string; beat?: string }) =>
      run({ file: config, stateDir: state, ...(beat === undefined ? {} : { beat }) }, context),
    );
}
