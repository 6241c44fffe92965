import type { Command } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

/** `gatehouse lock|unlock`: the switch at the site. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("lock")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .option("--reason <text>", "shown to whoever is refused")
    .option("--by <name>", "who locks")
    .description("let nobody change anything from afar: orders are refused, new configuration waits; reading goes on")
    .addHelpText("after", examples("lock --reason 'cabinet open, Maria'", "unlock"))
    .action((options: { state: string; reason?: string; by?: string }) => ask("lock", options, context));
  program
    .command("unlock")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .description("take the local lock off")
    .addHelpText("after", examples("unlock"))
    .action((options: { state: string }) => ask("unlock", options, context));
}

async function ask(
  operation: "lock" | "unlock",
  options: { state: string; reason?: string; by?: string },
  context: CommandContext,
): Promise<void> {
  const { requestControl } = await import("../host/control-client.ts");
  const { renderTree } = await import("./render.ts");
  const { state: folder, ...rest } = options;
  context.print(renderTree(await requestControl({ folder, operation, arguments: rest, clock: context.clock, timeoutMs: 10_000 })));
}
