import type { Command } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

interface Asked {
  readonly state: string;
  readonly json?: boolean;
}

/** `gatehouse proposals [accept|refuse ID] [topology]`: what discovery found on the running gateway, and what a person makes of it. */
export function register(program: Command, context: CommandContext): void {
  const proposals = program
    .command("proposals")
    .description("what discovery found: proposals to accept or refuse, and how things hang together")
    .addHelpText("after", examples("proposals list", "proposals accept p3", "proposals topology --json"));
  const ask = (name: string, operation: string, description: string) =>
    proposals
      .command(name)
      .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
      .option("--json", "as JSON")
      .description(description)
      .addHelpText("after", examples(`proposals ${name}`))
      .action((...given: unknown[]) => run(operation, given, context));
  ask("list", "discovery-proposals", "proposals that wait for a decision");
  ask("topology", "discovery-topology", "links between equipment, with how each is known");
  ask("accept <id>", "discovery-accept", "poll it from now on");
  ask("refuse <id>", "discovery-refuse", "do not propose it again");
}

async function run(operation: string, given: readonly unknown[], context: CommandContext): Promise<void> {
  const id = typeof given[0] === "string" ? given[0] : undefined;
  const options = given.find((one): one is Asked => typeof one === "object" && one !== null && "state" in one);
  if (options === undefined) throw new Error("commander gave no options");
  const { requestControl } = await import("../host/control-client.ts");
  const call = { folder: options.state, operation, clock: context.clock, timeoutMs: 10_000 };
  const answer = await requestControl(id === undefined ? call : { ...call, arguments: { id } });
  const { renderTree } = await import("./render.ts");
  context.print(options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : renderTree(answer));
}
