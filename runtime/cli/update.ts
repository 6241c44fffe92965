import type { Command } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

interface UpdateOptions {
  readonly state: string;
  readonly allowOlder?: boolean;
  readonly cancel?: boolean;
  readonly json?: boolean;
}

/** `gatehouse update [VERSION]` */
export function register(program: Command, context: CommandContext): void {
  program
    .command("update")
    .argument("[version]", "install this version; without it: how the update stands")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .option("--allow-older", "also if it is older than the running one")
    .option("--cancel", "forget what is wanted, unless it has switched already")
    .option("--json", "as JSON")
    .description("bring the running gateway to another version of itself, or see how that stands")
    .addHelpText("after", examples("update --state /var/lib/gatehouse", "update 1.4.0 --state /var/lib/gatehouse"))
    .action(async (version: string | undefined, options: UpdateOptions) => {
      const { requestControl } = await import("../host/control-client.ts");
      const operation = options.cancel === true ? "update-cancel" : version === undefined ? "update-status" : "update-request";
      const given = { ...(version === undefined ? {} : { version }), allowOlder: options.allowOlder === true };
      const answer = await requestControl({ folder: options.state, operation, arguments: given, clock: context.clock, timeoutMs: 30_000 });
      const { renderTree } = await import("./render.ts");
      context.print(options.json === true ? `${JSON.stringify(answer)}\n` : renderTree(answer));
    });
}
