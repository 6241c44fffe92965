import type { Command } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";

/** `gatehouse health [--state DIR] [--json]`: exit code 0 when the running gateway does its work. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("health")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .option("--json", "as JSON")
    .description("whether the running gateway does its work: polls finish, commits succeed; exit code 0 or not")
    .addHelpText("after", examples("health", "health --state /var/lib/gatehouse --json"))
    .action(async (options: { state: string; json?: boolean }) => {
      const { requestControl } = await import("../host/control-client.ts");
      const { clock } = context;
      const answer = await requestControl({ folder: options.state, operation: "health", clock, timeoutMs: 20_000 });
      const { healthy, problems } = answer as { readonly healthy: boolean; readonly problems: readonly string[] };
      context.print(options.json === true ? `${JSON.stringify(answer)}\n` : `${healthy ? "healthy" : problems.join("\n")}\n`);
      if (!healthy) context.finish(exitCodes.failed);
    });
}
