import type { Command } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

/** `gatehouse status [--state DIR] [--json]` */
export function register(program: Command, context: CommandContext): void {
  program
    .command("status")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .option("--json", "as JSON")
    .description("ask the running gateway how it is: equipment, buffer, uplink, costs")
    .addHelpText("after", examples("status", "status --state /var/lib/gatehouse --json"))
    .action(async (options: { state: string; json?: boolean }) => {
      const { requestControl } = await import("../host/control-client.ts");
      const { clock } = context;
      const status = await requestControl({ folder: options.state, operation: "status", clock, timeoutMs: 10_000 });
      const { renderTree } = await import("./render.ts");
      context.print(options.json === true ? `${JSON.stringify(status, null, 2)}\n` : renderTree(status));
    });
}
