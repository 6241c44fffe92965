import type { Command } from "commander";
import type { CommandContext } from "../../runtime/cli/context.ts";
import { elsewhere } from "./elsewhere-noc.ts";

/** Takes the place of `demo` in the appliance's binary. */
export function register(program: Command, context: CommandContext): void {
  elsewhere(program, context, "demo");
}
