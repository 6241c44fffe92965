import type { Command } from "commander";
import type { CommandContext } from "../../runtime/cli/context.ts";
import { exitCodes } from "../../runtime/cli/exit-codes.ts";

/** Takes the place of `noc` in the appliance's binary. */
export function register(program: Command, context: CommandContext): void {
  elsewhere(program, context, "noc");
}

/** A command that this artefact does not have: says where it is. */
export function elsewhere(program: Command, context: CommandContext, name: string): void {
  program
    .command(name, { hidden: true })
    .argument("[words...]")
    .allowUnknownOption()
    .helpOption(false)
    .description("not in this program")
    .action(() => {
      context.say(`gatehouse: "${name}" is not in the appliance's program; it is in gatehouse-noc.\n`);
      context.finish(exitCodes.usage);
    });
}
